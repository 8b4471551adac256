// The whole round without a script: taken in, read twice by pasting quotes, signed, delivered, accepted.

import { test } from "node:test";

import { DECREASED, REPORT, persona, reference, sealIt, shot, sign, takeIn, write } from "../lib.mjs";

const REFERENCE = reference("PLAIN");

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

/** Reads what comes next until our case is on the desk: nobody chooses her cases. */
async function readOn(page, engagement) {
  await page.goto(`/e/${engagement}/read`);
  await page.getByRole("button", { name: "Take the next case" }).click();
  for (;;) {
    await page.waitForURL(/\/read\/asg_/);
    if ((await page.locator("h1").innerText()).includes(REFERENCE)) return;
    await page.getByRole("radio", { name: "Cannot be answered from the report" }).check();
    await page.getByLabel("Rationale").fill("Read in passing, on the way to another case.");
    await sealIt(page);
  }
}

test("a case goes its whole way by plain pages and forms", async () => {
  const client = await plain("client");
  await client.getByRole("link", { name: "Trial evidence" }).first().click();
  const engagement = client.url().match(/eng_\w+/)[0];
  const taken = await takeIn(client, engagement, { ...REPORT, reference: REFERENCE });

  for (const name of ["reader1", "reader2"]) {
    const reader = await plain(name);
    await readOn(reader, engagement);
    await write(reader, DECREASED);
    await shot(reader, "scripts-off-desk");
    await sealIt(reader);
  }

  const signer = await plain("signer");
  await sign(signer, engagement, taken);
  await shot(signer, "scripts-off-signed");

  const delivery = await plain("delivery");
  await openCase(delivery);
  await delivery.getByRole("button", { name: "Deliver to the client" }).click();

  await openCase(client);
  await client.getByRole("button", { name: "Accept delivery" }).click();
  await client.getByText(/accepted by\s+Clara Whitfield/).waitFor();
  await shot(client, "scripts-off-accepted");
});
