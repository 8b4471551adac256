// Every page of every persona: for everyone to use, in light and dark, at a desk and on a phone, by keyboard, and from
// nowhere but this server.
//
// The pages are found by following links from Today. Of pages that differ only by an identifier one is looked at; of the
// pages of cases, one in each status.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DESKTOP, PHONE, axe, persona, picture } from "../lib.mjs";

const PERSONAS = ["client", "delivery", "reader1", "reader2", "adjudicator", "reviewer", "signer", "auditor", "operator"];

/** Most pages of one persona; more than there are, so that a new page is looked at and a loop ends. */
const PAGES_MAX = 60;

/** Most presses of Tab until the main action of a page has the focus. */
const TABS_MAX = 80;

/** What the address of a case is about. */
const CASE = "/e/one/cases/one";

/** Most pages of cases that are opened in search of one in each status. */
const CASES_MAX = 30;

/** Returns what an address is about: the same for pages that differ only by identifiers or filters. */
function kind(address) {
  const { pathname, searchParams } = new URL(address);
  const names = [...searchParams.keys()].filter((name) => !["after", "before"].includes(name)).sort();
  return [pathname.replaceAll(/\/[a-z]+_[0-9a-z]{20,}/g, "/one").replace(/\/items\/.*/, "/items"), ...names].join(" ");
}

/** Returns the addresses of pages that a page links to on its own host. */
async function links(page) {
  const all = await page.locator("a[href]").evaluateAll((anchors) => anchors.map((anchor) => anchor.href));
  const { origin } = new URL(page.url());
  return all
    .map((address) => address.replace(/#.*/, ""))
    .filter((address) => address.startsWith(`${origin}/`) && !/\.(xlsx|jsonl?)\b|\/demo\/|\/follow$|\/items\/[^?]*$|\/openapi|\/api\//.test(address));
}

/** Fails if the main action, the first button that is no quiet one, cannot be reached by Tab. */
async function reachable(page) {
  const main = page.locator("main").locator("button:not(.quiet, .plain, .small), a.button:not(.quiet, .small)").locator("visible=true").first();
  if ((await main.count()) === 0) return;
  const handle = await main.elementHandle();
  await page.evaluate(() => {
    document.activeElement?.blur();
    document.getSelection().removeAllRanges();
  });
  await page.locator(".skip").focus();
  for (let tabs = 0; tabs < TABS_MAX; tabs += 1) {
    await page.keyboard.press("Tab");
    if (await handle.evaluate((element) => element === document.activeElement)) return;
  }
  assert.fail(`${page.url()}: ${await main.innerText()} is out of reach of the keyboard`);
}

/** Pages made of the same parts as one that was looked at in every light are looked at once more in one alone. */
const known = new Set();

/** Returns what a page is made of: each kind of element with its classes and states, once. */
const parts = (page) =>
  page.evaluate(() => {
    const kinds = [...document.body.querySelectorAll("*")].map(
      ({ tagName, className, dataset }) => `${tagName}.${className?.baseVal ?? className} ${dataset.status ?? ""} ${dataset.shape ?? ""}`,
    );
    return [...new Set(kinds)].sort().join("\n");
  });

async function lookAt(page, name) {
  await page.emulateMedia({ colorScheme: "light" });
  await picture(page, name);
  await axe(page);
  await reachable(page);
  const madeOf = await parts(page);
  if (known.has(madeOf)) return;
  known.add(madeOf);
  await page.evaluate(() => {
    document.activeElement.blur();
    scrollTo(0, 0);
  });
  await page.emulateMedia({ colorScheme: "dark" });
  await axe(page, ["color-contrast"]);
  await picture(page, `${name}-dark`);
  await page.setViewportSize(PHONE);
  await axe(page, ["color-contrast", "target-size", "scrollable-region-focusable"]);
  const over = await page.evaluate(() => document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth);
  assert.ok(over <= 0, `${page.url()} is ${over} px wider than a phone`);
  await page.emulateMedia({ colorScheme: "light" });
  await picture(page, `${name}-phone`);
  await page.setViewportSize(DESKTOP);
}

for (const name of PERSONAS) {
  test(`each page that ${name} can open`, async () => {
    const page = await persona(name);
    const faults = [];
    const queue = [page.url()];
    const [seen, opened] = [new Set(), new Set()];
    while (queue.length > 0 && seen.size < PAGES_MAX) {
      const address = queue.shift();
      let what = kind(address);
      const ofCase = what === CASE && opened.size < CASES_MAX;
      if (seen.has(what) || opened.has(address)) continue;
      const from = page.url();
      const answer = await page.goto(address);
      if (answer.status() >= 400) {
        faults.push(`${address} answered ${answer.status()}; the link is on a page such as ${from}`);
        continue;
      }
      if (ofCase) {
        opened.add(address);
        what += ` ${await page.locator(".page-head .status").getAttribute("data-status")}`;
        if (seen.has(what)) continue;
      }
      seen.add(what);
      const words = what.replaceAll(/[^a-z]+/g, "-").replaceAll(/^-|-$/g, "") || "today";
      await lookAt(page, `pages-${name}-${words}`).catch((fault) => faults.push(fault.message));
      queue.push(...(await links(page)));
    }
    assert.ok(seen.size < PAGES_MAX, `more than ${PAGES_MAX} pages: ${[...seen].join(", ")}`);
    assert.equal(faults.length, 0, faults.join("\n\n"));
  });
}
