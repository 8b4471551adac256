// The three pictures of the README, taken from the demo: reading desk, adjudication, quality.
//
// Each is a test of its own, so that one that fails hides no other; `cargo xtask screenshots` fails if any does.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { persona, required } from "./lib.mjs";

const PICTURES = [
  { name: "reading-desk", who: "reader1", link: 'a[href*="/read/"]' },
  { name: "adjudication", who: "adjudicator", link: 'a[href*="/adjudicate"]' },
  { name: "quality", who: "delivery", link: 'a[href$="/quality"]' },
];

for (const { name, who, link } of PICTURES) {
  test(`${name}.png, as ${who} sees it`, async () => {
    const folder = required("REMIT_SHOTS");
    await mkdir(folder, { recursive: true });
    const page = await persona(who);
    await page.locator(link).first().click();
    await page.waitForLoadState("load");
    await page.screenshot({ path: join(folder, `${name}.png`) });
  });
}
