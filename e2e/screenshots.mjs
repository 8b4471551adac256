// The three pictures of the README, taken from the demo: reading desk, adjudication, quality.
//
// Each is a test of its own, so that one that fails hides no other; `cargo xtask screenshots` fails if any does.

import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { engagement, persona, picture, required } from "./lib.mjs";

const BYTES_MAX = 400_000;

/** Keeps the picture and makes sure that a page which shows it stays light. */
async function kept(page, name) {
  await picture(page, name);
  const { size } = await stat(join(required("REMIT_SHOTS"), `${name}.png`));
  assert.ok(size <= BYTES_MAX, `${name}.png has ${size} bytes`);
}

test("desk.png, as a reader sees it who has just cited a passage", async () => {
  const page = await persona("reader1");
  const id = await engagement(page, "Trial evidence");
  await page.goto(`/e/${id}/read`);
  await page.locator('a[href*="/read/asg_"]').first().click();
  const results = page.locator(".papers .block").filter({ hasText: /^Results?\./ }).first();
  const quote = (await results.innerText()).match(/\. ([A-Z][^.]*(?:\.\d[^.]*)*\.)/)[1];
  await page.getByLabel("Paste the passage").fill(quote);
  await page.getByRole("button", { name: "Find it in the documents" }).click();
  await page.locator(".question .cited").getByText(quote).waitFor();
  await page.getByRole("radio").nth(1).check();
  await page.getByText("Draft kept just now.").waitFor();
  await page.evaluate(() => document.activeElement.blur());
  await kept(page, "desk");
});

test("adjudicate.png, as an adjudicator sees it who took a dispute", async () => {
  const page = await persona("adjudicator");
  const id = await engagement(page, "Trial evidence");
  await page.goto(`/e/${id}/adjudicate`);
  await page.locator('main a[href*="/adjudicate/case_"]').first().click();
  await page.getByRole("button", { name: "Take this dispute" }).click();
  await page.getByText("Your decision").first().waitFor();
  await kept(page, "adjudicate");
});

test("quality.png, as a delivery manager sees 331 imported readings", async () => {
  const page = await persona("delivery");
  const id = await engagement(page, "ECG");
  await page.goto(`/e/${id}/quality?origin=imported`);
  await page.locator("svg.chart").first().waitFor();
  await kept(page, "quality");
});
