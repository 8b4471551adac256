// "She could not have copied": nothing that one reader does reaches the other before she has sealed; the adjudicator decides
// between readings without names; the names appear after the decision, not before.

import assert from "node:assert/strict";
import { test } from "node:test";

import { DECREASED, NO_DIFFERENCE, REPORT, ask, axe, engagement, openDesk, persona, reference, sealIt, shot, takeIn, write } from "../lib.mjs";

const REFERENCE = reference("BLIND");

/** Everything that a reader can ask for about a case, by page and by API. */
const surfaces = (id, taken, assignment) => [
  "/",
  `/e/${id}/read`,
  `/e/${id}/read/${assignment}`,
  `/e/${id}/cases`,
  `/e/${id}/cases?q=${REFERENCE}`,
  `/e/${id}/cases/${taken}`,
  `/e/${id}/engagement`,
  `/e/${id}/quality`,
  `/e/${id}/knowledge`,
  `/e/${id}/adjudicate/${taken}`,
  `/e/${id}/sign/${taken}`,
  "/api/v1/today",
  `/api/v1/engagements/${id}/cases`,
  `/api/v1/engagements/${id}/cases?q=${REFERENCE}`,
  `/api/v1/engagements/${id}/cases?disputed=true`,
  `/api/v1/engagements/${id}/cases/${taken}`,
  `/api/v1/engagements/${id}/cases/${taken}/timeline`,
  `/api/v1/engagements/${id}/cases/${taken}/readings`,
  `/api/v1/engagements/${id}/cases/${taken}/witnesses`,
  `/api/v1/engagements/${id}/seats`,
  `/api/v1/engagements/${id}/assignments/${assignment}`,
  `/api/v1/engagements/${id}/assignments/${assignment}/draft`,
  `/api/v1/engagements/${id}/quality`,
];

/** Returns each answer in full: status, ETag, body. Only what the clock alone moves is taken out. */
async function everything(page, paths) {
  const answers = {};
  for (const path of paths) {
    const answer = await ask(page, "GET", path);
    if (typeof answer.body === "string") {
      answer.body = answer.body.replaceAll(/(<time[^>]*>)[^<]*(<\/time>)/g, "$1$2").replace(/(name="as_of" value=")[^"]*/, "$1");
    } else delete answer.body.trace;
    answers[path] = answer;
  }
  return answers;
}

test("nothing of a sealed reading reaches the other reader; names come after the decision", async () => {
  const client = await persona("client");
  const id = await engagement(client, "Trial evidence");
  const taken = await takeIn(client, id, { ...REPORT, reference: REFERENCE });
  const [first, second] = [await persona("reader1"), await persona("reader2")];
  await openDesk(first, id, taken);
  const assignment = await openDesk(second, id, taken);

  const paths = surfaces(id, taken, assignment);
  const before = await everything(second, paths);
  assert.equal(before[`/e/${id}/read/${assignment}`].status, 200);
  assert.equal(before[`/e/${id}/cases/${taken}`].status, 200);
  await write(first, DECREASED);
  await sealIt(first);
  const after = await everything(second, paths);
  for (const path of paths) assert.deepEqual(after[path], before[path], `${path} told the second reader of the first's seal`);
  await second.reload();
  await shot(second, "blind-second-desk");

  await write(second, NO_DIFFERENCE);
  await sealIt(second);

  const adjudicator = await persona("adjudicator");
  await adjudicator.goto(`/e/${id}/adjudicate/${taken}`);
  await adjudicator.getByRole("button", { name: "Take this dispute" }).click();
  await adjudicator.getByText("Your decision").first().waitFor();
  const unnamed = await adjudicator.locator("main").innerText();
  for (const words of [DECREASED.effect, NO_DIFFERENCE.effect, DECREASED.rationale, NO_DIFFERENCE.rationale]) assert.ok(unnamed.includes(words), words);
  for (const name of ["Thandi", "Naidoo", "Ravi", "Pillay"]) assert.ok(!unnamed.includes(name), `${name} is named before the decision`);
  await axe(adjudicator);
  await shot(adjudicator, "blind-adjudicate");

  await write(adjudicator, DECREASED);
  await sealIt(adjudicator, "Seal decision");
  await adjudicator.goto(`/e/${id}/adjudicate/${taken}`);
  const named = await adjudicator.locator("main").innerText();
  for (const name of ["Thandi Naidoo", "Ravi Pillay"]) assert.ok(named.includes(name), `${name} is named after the decision`);
  await shot(adjudicator, "blind-decided");
});
