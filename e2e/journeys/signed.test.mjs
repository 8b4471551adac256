// "He really looked": nothing is signed that was not opened, and what changes after the signature is unsigned.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DECREASED, REPORT, axe, confirm, engagement, openItems, persona, read, reference, shot, sign, takeIn } from "../lib.mjs";

const REFERENCE = reference("SIGNED");

test("an unopened item keeps its case from being signed, and one changed character voids the signature", async () => {
  const client = await persona("client");
  const id = await engagement(client, "Trial evidence");
  const taken = await takeIn(client, id, { ...REPORT, reference: REFERENCE });
  for (const name of ["reader1", "reader2"]) await read(await persona(name), id, taken, DECREASED);

  const signer = await persona("signer");
  await signer.goto(`/e/${id}/sign`);
  await shot(signer, "signed-queue");
  await signer.getByRole("link", { name: REFERENCE, exact: true }).click();
  await signer.waitForURL(new RegExp(`/sign/${taken}`));
  await confirm(signer);
  await signer.getByRole("button", { name: "Sign this content" }).click();
  const refused = signer.getByRole("alert");
  await refused.waitFor();
  assert.match(await refused.innerText(), new RegExp(REPORT.document.name), "the refusal names the item");
  await axe(signer);
  await shot(signer, "signed-refused");

  await openItems(signer, "o");
  await confirm(signer);
  await axe(signer);
  await shot(signer, "signed-opened");
  await signer.locator("h1").click();
  await signer.keyboard.press("s");
  await signer.waitForURL(/\/sign$/);
  assert.equal(await signer.getByRole("link", { name: REFERENCE, exact: true }).count(), 0, "it waits no more");

  const delivery = await persona("delivery");
  await delivery.goto(`/e/${id}/cases/${taken}`);
  await delivery.getByText(/Signed by\s+Ellen Marsh/).first().waitFor();
  await delivery.getByText("Edit the words").click();
  const words = delivery.getByRole("textbox", { name: "Deliverable" });
  const body = await words.inputValue();
  await words.fill(body.replace("Significantly", "significantly"));
  await delivery.getByRole("button", { name: "Save the new words" }).click();
  await delivery.getByText("Awaiting sign-off").first().waitFor();
  assert.equal(await delivery.getByRole("button", { name: "Deliver to the client" }).count(), 0, "what is not signed cannot be delivered");

  await signer.goto(`/e/${id}/sign`);
  await signer.getByRole("link", { name: REFERENCE, exact: true }).click();
  const change = signer.getByRole("region", { name: /What changed/ });
  assert.match(await change.locator("del").innerText(), /S/);
  assert.match(await change.locator("ins").innerText(), /s/);
  await shot(signer, "signed-changed");
  await sign(signer, id, taken);

  await delivery.reload();
  await delivery.getByRole("button", { name: "Deliver to the client" }).click();
  await delivery.getByText("Delivered").first().waitFor();
  await client.goto(`/e/${id}/cases/${taken}`);
  await client.getByRole("button", { name: "Accept delivery" }).click();
  await client.getByText(/accepted by\s+Clara Whitfield/).waitFor();
  await shot(client, "signed-accepted");
});
