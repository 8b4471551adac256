// "Read until it is sure enough": a grade, picks and a measure by keyboard, and a panel that says when it stopped and why.

import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, confirm, engagement, got, openDesk, persona, reference, shot, takeIn } from "../lib.mjs";

const REFERENCE = reference("LIMIT");
const NOTE = {
  type: "access-route",
  title: "Bath house ramp, north side",
  fields: { Element: "Ramp" },
  document: {
    name: "Design note",
    text:
      "Fictional design note, written for the journeys of Remit.\n\n" +
      "Bath house ramp, north side. Rise 300 mm at 1 in 20. Clear width 1250 mm between the handrails. " +
      "The surface is left to the contractor. Landings level, 1.8 m at both ends.\n",
  },
};

/** Answers by keyboard alone: a grade by its digit, a pick by its letter, a number by its digits; two passages pasted. */
async function readByKeys(page, id, taken, width) {
  await openDesk(page, id, taken);
  const keys = page.keyboard;
  const paste = async (question, passage) => {
    await page.locator(`#paste-${question}`).fill(passage);
    await page.locator(`#q-${question}`).getByRole("button", { name: "Find it" }).click();
    await page.locator(`#q-${question} .cited`).getByText(passage).waitFor();
  };
  await keys.press("3");
  await paste("readiness", "The surface is left to the contractor.");
  await page.locator("#q-readiness").focus();
  await keys.press(".");
  await keys.press("s");
  await keys.press("g");
  await keys.press("g");
  await keys.press(".");
  await keys.type(width);
  await keys.press("Enter");
  await paste("width", "Clear width 1250 mm between the handrails");
  await page.getByLabel("Rationale").fill("Everything is fixed but the surface.");
  await axe(page);
  await keys.press("Control+Enter");
  await page.getByText("Will be sealed:").waitFor();
  const line = await page.locator("#foot-says").innerText();
  assert.match(line, /Minor changes.*: Surface and drainage · .*: 125\d(\.\d)? mm/s, "what will be sealed names every answer");
  assert.doesNotMatch(line, /Gradient/, "picked and dropped again");
}

test("two readers within the tolerance stop the panel, and everybody is told the chance of a wrong answer", async () => {
  const client = await persona("client");
  const id = await engagement(client, "Access routes");
  const taken = await takeIn(client, id, { ...NOTE, reference: REFERENCE });
  for (const [name, width] of [["reader1", "1250"], ["reader2", "1252.5"]]) {
    const page = await persona(name);
    await readByKeys(page, id, taken, width);
    if (name === "reader1") await shot(page, "limit-desk");
    await page.keyboard.press("Control+Enter");
    await page.waitForURL(/\/read(\/asg_(?!.*NONE)|\?sealed)/);
    await page.waitForLoadState();
  }
  const stopped = /Stopped after 2 readings: estimated chance of a wrong answer (under )?[\d.]+ %, limit 12 %/;
  const signer = await persona("signer");
  await signer.goto(`/e/${id}/sign/${taken}`);
  await signer.getByText(stopped).first().waitFor();
  assert.match(await signer.locator("main").innerText(), /1251\.2 mm/, "the median of the two widths");
  await confirm(signer);
  await axe(signer);
  await shot(signer, "limit-sign");

  const delivery = await persona("delivery");
  const { outcome } = await got(delivery, "GET", `/api/v1/engagements/${id}/cases/${taken}`);
  assert.ok(outcome.stopped.error <= outcome.stopped.error_max && outcome.stopped.verdict === "enough");
  await delivery.goto(`/e/${id}/model`);
  await delivery.getByText("counts", { exact: true }).first().waitFor();
  await axe(delivery);
  await shot(delivery, "limit-model");
});
