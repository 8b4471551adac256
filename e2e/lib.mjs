// What every journey shares: the browser, a persona's own signed-in page, the accessibility check and the pictures.
//
// `cargo xtask e2e` starts the server and sets REMIT_URL (its address), REMIT_LOG (what it printed), REMIT_BIN (the
// binary), REMIT_CHROMIUM, REMIT_SHOTS (the folder for pictures) and, on request, REMIT_HEADED.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
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

export const url = new URL(required("REMIT_URL"));

/** Faults that no step looked for: scripts that threw, and what the content security policy stopped. */
const faults = [];

let launching;

after(async () => {
  await (await launching)?.close();
  assert.deepEqual(faults, [], "a page threw, or broke the content security policy");
});

/** Returns a page signed in as one of the demo's personas, on that persona's own host. `options` go to the context. */
export async function persona(name, options = {}) {
  const page = await visitor(options);
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
  const page = await context.newPage();
  page.on("pageerror", (error) => faults.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.text().includes("Content Security Policy")) faults.push(`${page.url()}: ${message.text()}`);
  });
  return page;
}

/** Fails with every violation of WCAG 2.2 AA that axe finds on the page, which must run scripts: axe waits for its clock. */
export async function axe(page) {
  // A debugger's evaluation is not subject to the page's policy, which stays in force for all else.
  await page.evaluate(await axeSource());
  const { violations } = await page.evaluate(
    (values) => window.axe.run(document, { runOnly: { type: "tag", values }, resultTypes: ["violations"] }),
    WCAG_2_2_AA,
  );
  const told = violations.flatMap(({ id, impact, help, nodes }) => [
    `${id} (${impact}): ${help}`,
    ...nodes.map(({ target, failureSummary }) => `  ${target.join(" ")}: ${failureSummary.replaceAll("\n", " ")}`),
  ]);
  if (told.length > 0) assert.fail(`${violations.length} faults of accessibility on ${page.url()}\n${told.join("\n")}`);
}

/** Keeps two pictures of the page, `name.png` at desktop size and `name-phone.png` at phone size. */
export async function shot(page, name) {
  const folder = required("REMIT_SHOTS");
  await mkdir(folder, { recursive: true });
  const before = page.viewportSize();
  for (const [viewport, suffix] of [[DESKTOP, ""], [PHONE, "-phone"]]) {
    await page.setViewportSize(viewport);
    await page.screenshot({ path: join(folder, `${name}${suffix}.png`) });
  }
  await page.setViewportSize(before);
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
    const link = (await readFile(required("REMIT_LOG"), "utf8")).match(pattern)?.[0];
    if (link) return link;
    assert.ok(Date.now() < until, `the demo printed no sign-in link for ${name}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function axeSource() {
  return readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
}
