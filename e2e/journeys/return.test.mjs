// A signer who sees it otherwise returns the case with her finding, an adjudicator who is not she decides, and she signs the
// new content. The client returns the delivery with a coded reason, and the revision is counted.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  DECREASED, NO_DIFFERENCE, REPORT, axe, engagement, persona, read, reference, sealIt, shot, sign, takeIn, write,
} from "../lib.mjs";

test("two readers agreed, changed at sign-off; returned by the client, and counted", async () => {
  const client = await persona("client");
  const id = await engagement(client, "Trial evidence");
  const taken = await takeIn(client, id, { ...REPORT, reference: reference("RETURN") });
  for (const name of ["reader1", "reader2"]) await read(await persona(name), id, taken, DECREASED);

  const signer = await persona("signer");
  await signer.goto(`/e/${id}/sign/${taken}`);
  await signer.getByText("Return with a finding").click();
  await signer.getByLabel("What is wrong").selectOption("reasoning");
  await signer.getByLabel("Your reasons").fill("The question is about swelling, which did not differ.");
  await signer.getByRole("radio", { name: NO_DIFFERENCE.effect }).check();
  await signer.getByLabel("Paste the passage").fill(NO_DIFFERENCE.quote);
  await shot(signer, "return-finding");
  await signer.getByRole("button", { name: "Return with this finding" }).click();
  await signer.waitForURL(/\/sign$/);

  const adjudicator = await persona("adjudicator");
  await adjudicator.goto(`/e/${id}/adjudicate/${taken}`);
  await adjudicator.getByRole("button", { name: "Take this dispute" }).click();
  await write(adjudicator, NO_DIFFERENCE);
  await shot(adjudicator, "return-adjudicate");
  await sealIt(adjudicator, "Seal decision");

  await sign(signer, id, taken);
  const delivery = await persona("delivery");
  await delivery.goto(`/e/${id}/cases/${taken}`);
  await delivery.getByText("Two readers agreed, changed at sign-off").waitFor();
  await axe(delivery);
  await shot(delivery, "return-changed");
  await delivery.getByRole("button", { name: "Deliver to the client" }).click();
  await delivery.getByText("Delivered").first().waitFor();

  await client.goto(`/e/${id}/cases/${taken}`);
  await client.getByText("Return to provider").first().click();
  const code = client.getByLabel("What is wrong");
  const counted = await code.locator("option").filter({ hasText: "counts, revision 1 of 2" }).first().getAttribute("value");
  await code.selectOption(counted);
  await client.getByLabel("Note to the provider").fill("Please say in the first line what was compared.");
  await client.getByRole("button", { name: "Return to provider" }).click();
  await client.getByText(/; returned by/).waitFor();
  const facts = await client.locator("main").innerText();
  assert.match(facts, /Revision\s+1\b/);
  await shot(client, "return-counted");
});
