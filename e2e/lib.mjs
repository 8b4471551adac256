// What every journey shares: the browser, a persona's own signed-in page, the accessibility check and the pictures.
//
// `cargo xtask e2e` starts the server and sets REMIT_URL (its address), REMIT_SERVER_LOG (what it printed), REMIT_DATA (its data
// folder), REMIT_BIN (the binary), REMIT_CHROMIUM, REMIT_SHOTS (the folder for pictures) and, on request, REMIT_HEADED.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";

import { chromium } from "playwright-core";

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const WCAG_2_2_AA = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];

const LINK_WAIT_MS = 5_000;
const STEP_WAIT_MS = 15_000;

/** The password of every persona of the demo, as `remit serve --demo` prints it. */
export const PASSWORD = "remit demo password";

export const url = new URL(required("REMIT_URL"));

/** Faults that no step looked for: scripts that threw, what the content security policy stopped, calls to third parties. */
const faults = [];

/** What is to be undone when the journey is over, the last first. */
const endings = [];

let launching;

after(async () => {
  await (await launching)?.close();
  for (const end of endings.reverse()) await end();
  assert.deepEqual(faults, [], "a page threw, called a third party, or broke the content security policy");
});

/** Returns a page signed in as one of the demo's personas, on that persona's own host. `options` go to the context. */
export async function persona(name, options = {}) {
  const page = await visitor({ baseURL: `http://${name}.localhost:${url.port}`, ...options });
  await page.goto(await signInLink(name));
  return page;
}

/** Returns a page that is signed in as nobody. */
export async function visitor(options = {}) {
  launching ??= chromium.launch({
    executablePath: required("REMIT_CHROMIUM"),
    args: CHROMIUM_ARGS,
    headless: !process.env.REMIT_HEADED,
  });
  const context = await (await launching).newContext({ viewport: DESKTOP, baseURL: url.origin, ...options });
  context.setDefaultTimeout(STEP_WAIT_MS);
  const page = await context.newPage();
  page.on("request", (request) => {
    const { hostname } = new URL(request.url());
    if (!/(^|\.)localhost$/.test(hostname)) faults.push(`${page.url()}: a request to ${request.url()}`);
  });
  page.on("pageerror", (error) => faults.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) faults.push(`${page.url()}: ${message.text()}`);
  });
  return page;
}

/** Fails with every violation of WCAG 2.2 AA that axe finds on the page, which must run scripts: axe waits for its clock.
 *  `rules` names the few to look at; without it, all. */
export async function axe(page, rules) {
  // A debugger's evaluation is not subject to the page's policy, which stays in force for all else.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(await axeSource());
  const { violations } = await page.evaluate(
    (runOnly) => window.axe.run(document, { runOnly, resultTypes: ["violations"] }),
    rules ? { type: "rule", values: rules } : { type: "tag", values: WCAG_2_2_AA },
  );
  const told = violations.flatMap(({ id, impact, help, nodes }) => [
    `${id} (${impact}): ${help}`,
    ...nodes.map(({ target, failureSummary }) => `  ${target.join(" ")}: ${failureSummary.replaceAll("\n", " ")}`),
  ]);
  if (told.length > 0) assert.fail(`${violations.length} faults of accessibility on ${page.url()}\n${told.join("\n")}`);
}

/** Keeps two pictures of the page, `name.png` at desktop size and `name-phone.png` at phone size. */
export async function shot(page, name) {
  const before = page.viewportSize();
  for (const [viewport, suffix] of [[DESKTOP, ""], [PHONE, "-phone"]]) {
    await page.setViewportSize(viewport);
    await picture(page, `${name}${suffix}`);
  }
  await page.setViewportSize(before);
}

/** Keeps one picture of the page as it is. */
export async function picture(page, name) {
  const folder = required("REMIT_SHOTS");
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

/** Asks the API as the page's person does, and returns status, body (parsed, if it is JSON) and ETag. */
export async function ask(page, method, path, body) {
  return page.evaluate(
    async ([method, path, body]) => {
      const headers = body === undefined ? {} : { "content-type": "application/json" };
      const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
      const text = await answer.text();
      const json = answer.headers.get("content-type")?.includes("json");
      return { status: answer.status, body: json ? JSON.parse(text) : text, etag: answer.headers.get("etag") };
    },
    [method, path, body],
  );
}

/** Asks the API for something that must succeed, and returns its body. */
export async function got(page, method, path, body) {
  const answer = await ask(page, method, path, body);
  assert.ok(answer.status < 300, `${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

/** Returns the identifier of the page's person's engagement whose name begins so. */
export async function engagement(page, name) {
  const { engagements } = await got(page, "GET", "/api/v1/me");
  const found = engagements.find((known) => known.name.startsWith(name));
  assert.ok(found, `no engagement is called ${name}…`);
  return found.engagement;
}

/** Takes a case in by the form of the client's page, which may run without scripts, and returns the case's identifier. */
export async function takeIn(page, engagement, given) {
  await page.goto(`/e/${engagement}/cases/new`);
  await page.getByLabel("Case type").selectOption(given.type);
  const field = (label, value) => page.getByLabel(label, { exact: true }).fill(value);
  await field("Reference", given.reference);
  await field("Title", given.title);
  for (const [label, value] of Object.entries(given.fields)) await field(label, value);
  await field("Jurisdiction", given.jurisdiction ?? "GB");
  await field("Language", "en");
  await field("Due on", new Date(Date.now() + 86_400_000 * (given.days ?? 5)).toISOString().slice(0, 10));
  if (given.urgent) await page.getByLabel("Urgent").check();
  await field("Name of document 1", given.document.name);
  await field("Text of document 1", given.document.text);
  await page.getByRole("button", { name: "Take the case in" }).click();
  await page.waitForURL(/\/cases\/case_\w+/);
  return page.url().match(/case_\w+/)[0];
}

/** Returns a reference that no other case has, so that a journey may run twice on one server. */
export const reference = (word) => `${word}-${Date.now().toString(36)}`;

/** A short report with the question that goes with it; each journey gives its case a reference of its own. */
export const REPORT = {
  type: "trial-outcome",
  title: "Pain at rest: cooling sleeve against rest alone",
  fields: { Outcome: "pain at rest", Intervention: "cooling sleeve", Comparator: "rest alone" },
  document: {
    name: "Cooling sleeves after sprains",
    text:
      "Cooling sleeves after sprains\n\nFictional report, written for the journeys of Remit.\n\n" +
      "Methods. Ninety adults with a sprained ankle wore a cooling sleeve or rested.\n\n" +
      "Results. Pain at rest fell by 2.1 points with the sleeve and by 0.4 points at rest (p < 0.001). " +
      "Swelling did not differ between the groups (p = 0.41).\n\n" +
      "Conclusion. The sleeve relieves pain; it does not reduce swelling.\n",
  },
};

export const DECREASED = {
  effect: "Significantly decreased",
  quote: "Pain at rest fell by 2.1 points with the sleeve and by 0.4 points at rest (p < 0.001).",
  rationale: "The comparison between the groups is significant, and the fall is the larger one with the sleeve.",
};

export const NO_DIFFERENCE = {
  effect: "No significant difference",
  quote: "Swelling did not differ between the groups (p = 0.41).",
  rationale: "I take the outcome to be swelling, which did not differ.",
};

/** Claims a seat of a case for the page's reader and opens her desk. */
export async function openDesk(page, engagement, id) {
  const { assignment } = await got(page, "POST", `/api/v1/engagements/${engagement}/cases/${id}/seats/claim`);
  await page.goto(`/e/${engagement}/read/${assignment}`);
  return assignment;
}

/** Fills the form of a desk or an adjudication by mouse: an answer, a pasted quote, a rationale. */
export async function write(page, { effect, quote, rationale }) {
  await page.getByRole("radio", { name: effect }).check();
  await page.getByLabel("Paste the passage").fill(quote);
  await page.getByRole("button", { name: "Find it in the documents" }).click();
  await page.locator(".question .cited").getByText(quote).waitFor();
  await page.getByLabel("Rationale").fill(rationale);
}

/** Seals what the form holds, by its two clicks. */
export async function sealIt(page, verb = "Seal reading") {
  await page.getByRole("button", { name: "Review and seal" }).click();
  await page.getByText("Will be sealed:").waitFor();
  const left = page.waitForEvent("framenavigated");
  await page.getByRole("button", { name: verb }).click();
  await left;
  await page.waitForLoadState();
}

/** Claims, reads and seals. */
export async function read(page, engagement, id, view) {
  await openDesk(page, engagement, id);
  await write(page, view);
  await sealIt(page);
}

/** Opens each item of a case as the page's signer does, by its button or by `key`. */
export async function openItems(page, key) {
  const items = page.locator("form[data-open]");
  for (let left = await items.count(); left > 0; left -= 1) {
    await (key ? page.keyboard.press(key) : items.first().getByRole("button").click());
    await items.nth(left - 1).waitFor({ state: "detached" });
  }
}

/** Fills in the password if the page asks for it, which opens the signing session. */
export async function confirm(page) {
  const field = page.getByLabel("Password");
  if (await field.isVisible()) await field.fill(PASSWORD);
}

/** Opens everything of a case and signs it. */
export async function sign(page, engagement, id) {
  await page.goto(`/e/${engagement}/sign/${id}`);
  await openItems(page);
  await confirm(page);
  await page.getByRole("button", { name: "Sign this content" }).click();
  await page.waitForURL(/\/sign$/);
}

/** Makes a folder that goes away with the journey. */
export async function folder() {
  const made = await mkdtemp(join(tmpdir(), "remit-journey-"));
  endings.push(() => rm(made, { recursive: true, force: true }));
  return made;
}

/** Runs the command line and returns its exit code and what it printed. `input` goes to standard input. */
export async function remit(args, input = "") {
  const child = spawn(required("REMIT_BIN"), args, { stdio: "pipe" });
  const told = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"]) child[stream].on("data", (bytes) => (told[stream] += bytes));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  return { code, ...told };
}

/** Serves a data folder until the journey is over, and returns the address. */
export async function serve(data) {
  const child = spawn(required("REMIT_BIN"), ["serve", "--data", data, "--port", "0"], { stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise((resolve) => child.on("close", resolve));
  endings.push(() => (child.kill("SIGTERM"), ended));
  let told = "";
  child.stderr.on("data", (bytes) => (told += bytes));
  return new Promise((resolve, reject) => {
    child.stdout.on("data", (bytes) => {
      told += bytes;
      const address = told.match(/http:\/\/localhost:\d+/)?.[0];
      if (address) resolve(address);
    });
    ended.then((code) => reject(new Error(`remit serve ended with ${code}: ${told}`)));
  });
}

/** Returns the value of an environment variable that `cargo xtask e2e` sets. */
export function required(variable) {
  const value = process.env[variable];
  assert.ok(value, `${variable} is not set: run this with \`cargo xtask e2e\``);
  return value;
}

/** Returns the sign-in link that the demo printed for a persona; the links may follow the address by a moment. */
async function signInLink(name) {
  const pattern = new RegExp(`http://${name}\\.localhost:${url.port}/\\S+`);
  const until = Date.now() + LINK_WAIT_MS;
  for (;;) {
    const link = (await readFile(required("REMIT_SERVER_LOG"), "utf8")).match(pattern)?.[0];
    if (link) return link;
    assert.ok(Date.now() < until, `the demo printed no sign-in link for ${name}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function axeSource() {
  return readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
}
