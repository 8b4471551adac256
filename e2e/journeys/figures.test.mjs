// Figures that a manager can rely on: each expert against the reference, what cannot be said, and the cases behind it all;
// and an expert's own work, with a record to take along.

import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, engagement, persona, shot } from "../lib.mjs";

test("a manager goes from agreement to an expert's misses, and asks what another plan would cost", async () => {
  const page = await persona("delivery");
  const id = await engagement(page, "ECG");
  await page.goto(`/e/${id}/quality?origin=imported`);
  await page.getByText(/The second reading changed or opened 15 of 331 cases/).waitFor();
  await page.getByText("no saving is claimed").waitFor();
  await page.getByRole("link", { name: "Experts", exact: true }).click();
  await page.waitForURL(/quality\/experts/);
  await axe(page);
  await shot(page, "figures-experts");
  const misses = page.locator('main a[href*="against=reference"]').first();
  const count = Number((await misses.innerText()).match(/\d+/)[0]);
  await misses.click();
  await page.getByText("readings side by side").waitFor();
  assert.equal(await page.locator("main section.lined").count(), Math.min(count, 25), "the figure opens to its cases");

  await page.goto(`/e/${id}/quality/planner`);
  await page.getByLabel("Price of a reading, such as 12.50").fill("12,00");
  await page.getByRole("button", { name: "Simulate" }).click();
  await page.getByText("“12,00” is not a price").waitFor();
  await page.getByLabel("Price of a reading, such as 12.50").fill("12.00");
  await page.getByRole("button", { name: "Simulate" }).click();
  await page.waitForURL(/price=12.00/);
  const first = await page.locator("main table").innerText();
  await page.reload();
  assert.equal(await page.locator("main table").innerText(), first, "the same seed gives the same figures");
  await axe(page);
  await shot(page, "figures-planner");
  await page.goto(`/e/${id}/quality/drift`);
  await page.getByText("one false alarm in 2000 answers").waitFor();
  await axe(page);
  await shot(page, "figures-drift");
});

test("an expert sees what others held, and takes a record along", async () => {
  const page = await persona("reader1");
  const id = await engagement(page, "Trial evidence");
  await page.goto(`/e/${id}/my-work`);
  await page.getByRole("heading", { name: "Readings" }).waitFor();
  await axe(page);
  await shot(page, "figures-my-work");
  await page.getByRole("link", { name: "A record to take along" }).click();
  await page.getByRole("heading", { name: "Record of work" }).waitFor();
  const keeping = page.waitForEvent("download");
  await page.getByRole("link", { name: "Take it as a file" }).click();
  assert.equal((await keeping).suggestedFilename(), "record-of-work.json");
  await axe(page);
  await shot(page, "figures-record");
});
