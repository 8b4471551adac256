// "My spreadsheet told me something": past double readings are imported as they are, and a minute later the manager sees
// where her experts truly differ, and opens the cases behind the figure.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { axe, folder, remit, serve, shot, visitor } from "../lib.mjs";

const PASSWORD = "a long enough password";

/** Cohen's kappa of the two cardiologists on the 331 shipped tracings, as published with the figures. */
const KAPPAS = {
  av_block_1: 0.718,
  rbbb: 1.0,
  lbbb: 0.932,
  sinus_bradycardia: 0.664,
  atrial_fibrillation: 0.854,
  sinus_tachycardia: 0.812,
};

/** The question with the lowest figure. */
const WEAKEST = "Sinus bradycardia";

const EVIDENCE = "../shared/data/research-rct-evidence";

/** Sets up an installation of its own and returns its data folder. */
async function installation() {
  const data = join(await folder(), "data");
  const init = ["init", "--data", data, "--organisation", "Your firm", "--country", "GB", "--name", "Mary Major", "--login", "mary"];
  const { code, stderr } = await remit(init, `${PASSWORD}\n`);
  assert.equal(code, 0, stderr);
  return data;
}

/** Runs an import and returns the one object that it prints. */
async function imported(args) {
  const { code, stdout, stderr } = await remit(["import", "readings", "--json", ...args]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

test("331 ECGs, 15 in dispute, and the figures of each finding", async () => {
  const data = await installation();
  const history = "packs/diagnostic-reading/demo/history";
  const files = ["--cases", `${history}/cases.csv`, "--readings", `${history}/decisions.csv`, "--gold", `${history}/gold.csv`];
  const given = ["--data", data, "--pack", "diagnostic-reading", ...files];
  const { engagement, ...counts } = await imported([...given, "--new", "ECG 2025"]);
  assert.deepEqual(counts.panels, { agreed: 316, disputed: 15, single: 0 });
  assert.equal(counts.cases, 331);
  assert.equal(counts.readings, 662);
  assert.deepEqual(counts.rejected, []);

  const again = await imported([...given, "--engagement", engagement]);
  assert.equal(again.readings, 0, "a second run imports nothing twice");

  const report = await remit(["quality", "report", "--data", data, "--engagement", engagement, "--json"]);
  assert.equal(report.code, 0, report.stderr);
  for (const { question, pairs } of JSON.parse(report.stdout)) {
    const { kappa, n } = pairs.find((pair) => pair.n === 331) ?? {};
    assert.equal(n, 331, question);
    assert.ok(Math.abs(kappa - KAPPAS[question]) <= 0.001, `${question}: ${kappa}, published ${KAPPAS[question]}`);
  }

  const page = await visitor({ baseURL: await serve(data) });
  await page.goto(`/e/${engagement}/quality`);
  await page.getByLabel("Name", { exact: true }).fill("mary");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  const findings = page.locator("main section").filter({ has: page.getByRole("table") });
  const shown = (await findings.allInnerTexts()).map((words) => words.match(/\t(\d\.\d{3})/)?.[1]);
  assert.deepEqual(shown.map(Number), Object.values(KAPPAS));
  await axe(page);
  await shot(page, "spreadsheet-quality");

  // Every number opens to the list behind it.
  await page.getByRole("region", { name: WEAKEST }).getByRole("link", { name: "readings side by side" }).click();
  await page.waitForURL(/\/disputes/);
  await page.getByText("readings side by side").waitFor();
  await shot(page, "spreadsheet-disputes");
  await page.locator('main a[href*="/cases/case_"]').first().click();
  await page.waitForURL(/cases\/case_/);
  const readings = page.getByRole("table").filter({ hasText: WEAKEST }).first();
  assert.ok((await readings.getByRole("columnheader").count()) >= 3, "both readings stand side by side");
  assert.match(await readings.getByRole("row").filter({ hasText: WEAKEST }).innerText(), /Yes[\s\S]*No|No[\s\S]*Yes/);
  await page.getByText("not witnessed by Remit").first().waitFor();
  await axe(page);
  await shot(page, "spreadsheet-dispute");
});

const skip = existsSync(EVIDENCE) ? false : "../shared not present";
test("715 evidence questions, 76 in dispute, each quote on its span or reported", { skip }, async () => {
  const data = await installation();
  const file = (name) => join(EVIDENCE, name);
  const counts = await imported([
    ...["--data", data, "--pack", "evidence-analysis", "--new", "Trial evidence 2020"],
    ...["--cases", file("cases.jsonl"), "--documents", file("articles.jsonl.gz")],
    ...["--readings", file("decisions.jsonl.gz"), "--gold", file("gold.csv")],
  ]);
  assert.equal(counts.cases, 715);
  assert.deepEqual(counts.panels, { agreed: 581, disputed: 76, single: 58 });
  for (const { reason } of counts.unplaced) assert.match(reason, /quote/);
});
