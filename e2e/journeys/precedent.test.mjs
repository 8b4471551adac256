// Better guidance takes the place of older: proposed by its adjudicator from the page of a case she decided, approved under
// Knowledge, and from then on the only one of the two that readers find.

import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, engagement, persona, reference, shot } from "../lib.mjs";

const OLDER = "Read the comparison between the groups before the change within each; only the first decides.";
const NEWER = `The comparison between the groups decides, at the time that the report names as primary (${reference("as of")}).`;

test("a precedent steps into the place of an older one, and readers find it alone", async () => {
  const adjudicator = await persona("adjudicator");
  const id = await engagement(adjudicator, "Trial evidence");
  const reader = await persona("reader1");
  await reader.goto(`/e/${id}/knowledge`);
  await reader.getByText(OLDER).waitFor();

  await adjudicator.goto(`/e/${id}/cases?status=accepted&disputed=true`);
  await adjudicator.locator('main tbody a[href*="/cases/case_"]').first().click();
  await adjudicator.getByText("Propose as a precedent").first().click();
  await adjudicator.getByLabel("What holds for cases like it").fill(NEWER);
  const instead = adjudicator.getByLabel("Instead of");
  await instead.selectOption(await instead.locator("option").filter({ hasText: OLDER }).getAttribute("value"));
  await axe(adjudicator);
  await shot(adjudicator, "precedent-instead");
  await adjudicator.getByRole("button", { name: "Propose as a precedent" }).click();
  await adjudicator.waitForLoadState();

  const delivery = await persona("delivery");
  await delivery.getByRole("link", { name: /Approve \d precedents?/ }).click();
  const waiting = delivery.getByRole("row").filter({ hasText: NEWER });
  await waiting.getByText(`would replace “${OLDER}”`).waitFor();
  await axe(delivery);
  await waiting.getByRole("button", { name: "Approve this precedent" }).click();
  await delivery.getByRole("row").filter({ hasText: NEWER }).getByText("in force").waitFor();
  await delivery.getByRole("row").filter({ hasText: OLDER }).getByText("superseded").waitFor();
  await shot(delivery, "precedent-replaced");

  await reader.reload();
  await reader.getByText(NEWER).waitFor();
  assert.equal(await reader.getByText(OLDER).count(), 0, "what was replaced guides nobody any more");
});
