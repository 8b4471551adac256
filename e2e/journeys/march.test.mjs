// "Why did you decide this in March?": the auditor looks at a case as it was on a day gone by, sees who opened it, and lets
// the whole record be replayed. In a copy of the record one byte of that decision is changed: it is named.

import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { axe, engagement, folder, persona, remit, required, shot } from "../lib.mjs";
import { findRow } from "../sqlite.mjs";

/** The first accepted case of the demo that both readers saw alike. */
const REFERENCE = "EV-001";

/** Returns an instant as a date-and-time field of a form takes it. */
const field = (instant) => new Date(instant).toISOString().slice(0, 16);

/** Copies the demo's record as a backup of its folder would, and lets SQLite settle what was not yet in the main file. */
async function copied() {
  const data = join(await folder(), "copy");
  const lasting = (path) => !/-shm$|\.lock$/.test(path);
  await cp(required("REMIT_DATA"), data, { recursive: true, filter: lasting });
  const { code, stdout, stderr } = await remit(["verify", "--data", data]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /all equal/);
  return data;
}

test("the auditor sees a case as it was between its readings and its signature, and verifies the record", async () => {
  const page = await persona("auditor");
  const id = await engagement(page, "Trial evidence");
  await page.goto(`/e/${id}/cases?q=${REFERENCE}`);
  await page.getByRole("link", { name: REFERENCE }).click();
  await page.waitForURL(/\/cases\/case_/);
  const [found] = page.url().match(/case_\w+/);
  const line = (words) => page.locator(".timeline li").filter({ hasText: words }).last().locator("time").getAttribute("datetime");
  const [decided, signed] = [await line(/agree|resolved|decided/i), await line(/signed/i)].map((at) => Date.parse(at));
  assert.ok(decided < signed);
  assert.ok(Date.now() - signed > 7 * 86_400_000, "it was signed weeks ago");
  await page.getByText(/Signed by\s+Ellen Marsh/).waitFor();

  await page.getByLabel("As it was on").fill(field((decided + signed) / 2));
  await page.getByRole("button", { name: "Show", exact: true }).click();
  await page.getByText("This is the case as it was on").waitFor();
  const then = await page.locator("main").innerText();
  assert.match(then, /evidence-analysis 1\.0\.0/, "under which playbook");
  assert.match(then, /Significantly decreased/, "the answer");
  assert.match(then, /difference -4\.7 mmHg/, "the evidence");
  assert.doesNotMatch(then, /Signed by/, "it was not signed yet");
  const witnesses = page.getByRole("region", { name: "Who had seen this by then" });
  await witnesses.getByText("Thandi Naidoo").first().waitFor();
  const seen = await witnesses.locator("time").evaluateAll((times) => times.map((time) => Date.parse(time.dateTime)));
  assert.ok(seen.length > 0 && seen.every((at) => at <= (decided + signed) / 2), "nobody who looked later");
  await axe(page);
  await shot(page, "march-as-it-was");

  await page.goto(`/e/${id}/protection`);
  await page.getByRole("button", { name: /^Verify/ }).click();
  await page.getByText("everything kept is what they give").waitFor({ timeout: 60_000 });
  await shot(page, "march-verified");

  const data = await copied();
  const path = join(data, "remit.db");
  const file = await readFile(path);
  const decision = findRow(file, "events", ([scope, stream, , , kind]) => scope === id && stream === `case/${found}` && kind === "resolved");
  const byte = decision.indexOf('"decreased"');
  assert.ok(byte > 0, "the decision of the case is in the record");
  decision.write("D", byte + 1);
  await writeFile(path, file);
  const verified = await remit(["verify", "--data", data]);
  assert.equal(verified.code, 1, "a changed byte is not missed");
  assert.match(verified.stdout, new RegExp(`the first difference: events \`case/${found} \\d+\` of \`${id}\`: .*digest`));
});
