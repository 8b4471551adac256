// The whole round of the personas by curl, as the documentation gives it: an empty installation, `docs/round.sh`, and what
// it leaves behind. The script stops at the first answer that is not the one it tells of.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { folder, remit, serve } from "../lib.mjs";

const PASSWORD = "a sentence for the operator alone";

/** The steps that the script tells of, each with a number. */
const STEPS = 10;

/** Runs the script as a reader of the documentation would, and returns its exit code and what it printed. */
async function round(environment) {
  const child = spawn("docs/round.sh", { env: { ...process.env, ...environment }, stdio: ["ignore", "pipe", "pipe"] });
  const told = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"]) child[stream].on("data", (bytes) => (told[stream] += bytes));
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  return { code, ...told };
}

test("the round by curl goes from an empty installation to an accepted delivery and its export", async () => {
  const data = await folder();
  const begun = ["init", "--organisation", "Durban Analytics", "--country", "ZA", "--name", "Olga Operator", "--login", "olga"];
  const made = await remit([...begun, "--data", data], `${PASSWORD}\n`);
  assert.equal(made.code, 0, made.stderr);
  const url = await serve(data);
  const exported = join(await folder(), "cases.jsonl");
  const environment = { REMIT_URL: url, REMIT_LOGIN: "olga", REMIT_PASSWORD: PASSWORD, REMIT_EXPORT: exported };

  const once = await round(environment);
  assert.equal(once.code, 0, once.stderr);
  assert.match(once.stdout, /^case_\w+ accepted\n$/);
  const steps = [...once.stderr.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number));
  assert.deepEqual(steps, Array.from({ length: STEPS }, (_, place) => place + 1));
  const { cases, readings, judgements } = JSON.parse(await readFile(exported, "utf8"));
  assert.deepEqual(cases.map(({ reference, status }) => [reference, status]), [["T-1", "accepted"]]);
  assert.deepEqual([readings.length, judgements.length], [2, 1]);

  const again = await round(environment);
  assert.equal(again.code, 0, `it runs as often as you like: ${again.stderr}`);
  const stranger = await round({ ...environment, REMIT_PASSWORD: "not hers" });
  assert.notEqual(stranger.code, 0, "an answer other than the one told of stops it");
  assert.equal(stranger.stdout, "");
});
