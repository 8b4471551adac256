// The three pictures of the README, taken from the demo: reading desk, adjudication, quality.
//
// Each picture is tried even if another fails; any that is missing fails the whole.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { persona, required } from "./lib.mjs";

const PICTURES = [
  { name: "reading-desk", who: "reader1", link: 'a[href*="/read/"]' },
  { name: "adjudication", who: "adjudicator", link: 'a[href*="/adjudicate"]' },
  { name: "quality", who: "delivery", link: 'a[href$="/quality"]' },
];

const folder = required("REMIT_SHOTS");
await mkdir(folder, { recursive: true });

for (const { name, who, link } of PICTURES) {
  try {
    const page = await persona(who);
    await page.locator(link).first().click();
    await page.waitForLoadState("networkidle");
    await page.screenshot({ path: join(folder, `${name}.png`) });
    console.log(`${name}.png: ${new URL(page.url()).pathname} as ${who}`);
  } catch (error) {
    console.error(`${name}.png: ${error.message}`);
    process.exitCode = 1;
  }
}
