// A calibration round: a manager opens it over a decided case, two read it blind at the normal desk, the answers are laid side by
// side, and it ends in a finding. Then the case becomes a precedent, which another person approves.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DECREASED, NO_DIFFERENCE, REPORT, axe, engagement, openDesk, persona, read, reference, sealIt, shot, takeIn, write } from "../lib.mjs";

const REFERENCE = reference("ROUND");
const GUIDANCE = "The comparison between the groups decides, whatever changed within them.";

test("a calibration round is read blind, laid side by side, and ends in a finding and a precedent", async () => {
  const client = await persona("client");
  const id = await engagement(client, "Trial evidence");
  const taken = await takeIn(client, id, { ...REPORT, reference: REFERENCE });
  const readers = [await persona("reader1"), await persona("reader2")];
  await read(readers[0], id, taken, DECREASED);
  await read(readers[1], id, taken, NO_DIFFERENCE);
  const adjudicator = await persona("adjudicator");
  await adjudicator.goto(`/e/${id}/adjudicate/${taken}`);
  await adjudicator.getByRole("button", { name: "Take this dispute" }).click();
  await adjudicator.getByText("Your decision").first().waitFor();
  await write(adjudicator, DECREASED);
  await sealIt(adjudicator, "Seal decision");

  const delivery = await persona("delivery");
  await delivery.goto(`/e/${id}/calibration`);
  await delivery.getByLabel("What it is called").fill(`Pain scores ${REFERENCE}`);
  await delivery.getByLabel("Last day").fill(new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10));
  for (const name of ["Thandi Naidoo", "Ravi Pillay"]) await delivery.getByLabel(name).check();
  await delivery.getByLabel(REFERENCE).check();
  await axe(delivery);
  await shot(delivery, "calibration-open");
  await delivery.getByRole("button", { name: "Open the round" }).dblclick();
  // One round, though the button was pressed twice.
  await delivery.getByRole("link", { name: `Pain scores ${REFERENCE}` }).click();
  await delivery.waitForURL(/\/calibration\/cal_\w+/);
  const round = delivery.url().match(/cal_\w+/)[0];

  for (const [reader, view] of [[readers[0], DECREASED], [readers[1], NO_DIFFERENCE]]) {
    await reader.goto(`/e/${id}/calibration/${round}`);
    assert.ok(!(await reader.locator("main").innerText()).includes(DECREASED.effect), "nothing is told before the round is closed");
    await reader.getByRole("link", { name: "Read it" }).click();
    await write(reader, view);
    if (reader === readers[0]) await shot(reader, "calibration-desk");
    await sealIt(reader);
  }

  await delivery.goto(`/e/${id}/calibration/${round}`);
  const told = await delivery.locator("main").innerText();
  for (const words of [DECREASED.effect, NO_DIFFERENCE.effect, "knew the case"]) assert.ok(told.includes(words), words);
  await delivery.getByLabel("What is to hold").fill(GUIDANCE);
  await delivery.getByRole("button", { name: "Note it" }).click();
  await delivery.getByText(GUIDANCE).waitFor();
  await axe(delivery);
  await shot(delivery, "calibration-session");

  await adjudicator.goto(`/e/${id}/cases/${taken}`);
  await adjudicator.getByText("Propose as a precedent").first().click();
  await adjudicator.getByLabel("What holds for cases like it").fill(GUIDANCE);
  await adjudicator.getByRole("button", { name: "Propose as a precedent" }).click();
  await adjudicator.waitForLoadState();
  await delivery.goto(`/e/${id}/knowledge`);
  const proposed = delivery.getByRole("row").filter({ hasText: GUIDANCE });
  await proposed.getByRole("button", { name: "Approve this precedent" }).click();
  await proposed.getByText("in force").waitFor();
  await axe(delivery);
  await shot(delivery, "calibration-knowledge");
  const like = await takeIn(client, id, { ...REPORT, reference: reference("LIKE") });
  await openDesk(readers[0], id, like);
  await readers[0].getByRole("heading", { name: "Precedents" }).waitFor();
  await axe(readers[0]);
  await shot(readers[0], "calibration-precedent-desk");
});
