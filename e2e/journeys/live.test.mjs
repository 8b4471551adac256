// New work is there without a reload: a reader's Today hears that something changed, and asks again for what it shows.

import assert from "node:assert/strict";
import { test } from "node:test";

import { REPORT, engagement, persona, reference, shot, takeIn } from "../lib.mjs";

test("a case that the client takes in appears on the reader's Today by itself", async () => {
  const client = await persona("client");
  const id = await engagement(client, "Trial evidence");
  const reader = await persona("reader2");
  await reader.goto("/");
  let loads = 0;
  reader.on("load", () => (loads += 1));
  const today = reader.locator("#today");
  const before = await today.innerText();
  await takeIn(client, id, { ...REPORT, reference: reference("LIVE") });
  await reader.waitForFunction((before) => document.querySelector("#today").innerText !== before, before);
  assert.equal(loads, 0, "nobody reloaded the page");
  await shot(reader, "live-today");
});
