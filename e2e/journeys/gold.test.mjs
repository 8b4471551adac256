// Gold from proposal to result: two engineers' agreed answer was proposed by another manager; the one who had no part in it approves
// it, a reader meets it unawares, objects once she is told, and the answer is put right for everybody.
//
// The demo tells the days between: one gold case waits for approval, one is on a reader's desk, one result waits for an objection.

import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, engagement, got, persona, shot } from "../lib.mjs";

const OBJECTION = "The association settles the edges before work begins; the note says so, and nothing is left open.";
const REASON = "The edges are settled, so the surface stands. The fall of 1 in 10 remains.";

test("a gold case is approved by somebody who had no part in it, and met by a reader who cannot tell", async () => {
  const delivery = await persona("delivery");
  const task = delivery.getByRole("row", { name: /Approve 1 gold case.*Access routes/ });
  await task.getByRole("link", { name: /Approve/ }).click();
  await delivery.waitForURL(/\/gold#pool$/);
  const id = await engagement(delivery, "Access routes");
  const waiting = delivery.getByRole("row", { name: /Waits for approval/ });
  const reference = await waiting.getByRole("link").first().innerText();
  await axe(delivery);
  await shot(delivery, "gold-pool");
  await delivery.getByRole("button", { name: `Approve ${reference}` }).click();
  await delivery.getByRole("row", { name: new RegExp(`${reference}.*In rotation`, "s") }).waitFor();

  // What the first reader holds is gold: her desk says nothing of it, nor does any list that she sees.
  const showing = (await got(delivery, "GET", `/api/v1/engagements/${id}/gold`)).showings.find((shown) => !shown.answered_at);
  assert.equal(showing.name, "Thandi Naidoo");
  const reader = await persona("reader1");
  await reader.goto(`/e/${id}/read`);
  await reader.locator('a[href*="/read/asg_"]').first().click();
  await reader.getByText("Single keys answer").waitFor();
  assert.doesNotMatch(await reader.content(), /gold|agreed answer|showing/i, "the desk tells nothing");
  await axe(reader);
});

test("who is told that she missed objects, a manager who had no part in it corrects, and her figures follow", async () => {
  const reader = await persona("reader1");
  const id = await engagement(reader, "Access routes");
  await reader.goto(`/e/${id}/read`);
  await reader.getByRole("link", { name: "My gold cases" }).click();
  const missed = reader.locator("section").filter({ hasText: "Allotment path, lower terrace" });
  await missed.getByText("unlike gold").first().waitFor();
  const before = await reader.locator(".figures strong").first().innerText();
  await axe(reader);
  await missed.getByText("Object to the gold answer").click();
  await missed.getByLabel("Why it is wrong").fill(OBJECTION);
  await missed.getByRole("button", { name: "Object" }).click();
  await missed.getByText("Objection waits for a decision.").waitFor();

  const delivery = await persona("delivery");
  await delivery.getByRole("link", { name: "Decide 2 objections to gold answers" }).click();
  const article = delivery.locator("article").filter({ hasText: OBJECTION });
  const decide = article.getByRole("button", { name: "Correct the gold answer" });

  // The right answer as it stands corrects nothing: the refusal keeps what was typed.
  await article.getByLabel("Why").fill(REASON);
  await decide.click();
  await delivery.getByText(/the corrected answer is the one that stands/i).waitFor();
  assert.equal(await article.getByLabel("Why").inputValue(), REASON);

  await article.getByLabel("Surface and drainage").uncheck();
  await article.getByLabel("Gradient").uncheck();
  await article.getByLabel("Nothing").check();
  await article.getByLabel(/How ready/).selectOption({ label: "Ready" });
  await axe(delivery);
  await shot(delivery, "gold-objection");
  await decide.click();
  await article.waitFor({ state: "detached" });
  await delivery.getByText("version 2").nth(1).waitFor();

  await reader.reload();
  await missed.getByText("Objection upheld: the gold answer was corrected.").waitFor();
  await missed.getByText(REASON).waitFor();
  assert.notEqual(await reader.locator(".figures strong").first().innerText(), before, "her figures are counted anew");
  await shot(reader, "gold-mine");
});
