// The server is well, carries its scripts, and answers a visitor with a page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, url, visitor } from "../lib.mjs";

test("the server is well and carries its scripts", async () => {
  const answer = await fetch(new URL("/healthz", url));
  assert.equal(answer.status, 200);
  const health = await answer.json();
  assert.equal(health.status, "ok");
  assert.equal(health.scripts, true, "built without scripts: run `cargo xtask assets` and build again");
});

test("a visitor is asked to sign in, on a page that anyone can use", async () => {
  const page = await visitor();
  const answer = await page.goto("/");
  assert.equal(answer.status(), 200);
  await axe(page);
});
