// A rejected lot goes to full review: what is not delivered is held until a reviewer has looked at it, the author hears what was
// found and answers, and the certificate says what the whole lot came to.

import assert from "node:assert/strict";
import { test } from "node:test";

import { axe, engagement, got, persona, shot } from "../lib.mjs";

test("a rejected lot is held, reviewed whole, and certified", async () => {
  const delivery = await persona("delivery");
  const id = await engagement(delivery, "Reviewed evidence");
  await delivery.goto(`/e/${id}/reviews`);
  await axe(delivery);
  await shot(delivery, "reviews-board");
  await delivery.getByRole("link", { name: "Lot 2", exact: true }).click();
  await delivery.getByText("Rejected: every case is reviewed.").waitFor();
  await delivery.getByText("The seed fits its commitment and gives every draw that was recorded.").waitFor();
  const lot = delivery.url().match(/lot_\w+/)[0];
  await delivery.getByRole("link", { name: /^Held/ }).click();
  const held = await delivery.locator("tbody th a").evaluateAll((links) => links.map((link) => link.href));
  assert.ok(held.length > 0, "the demo leaves cases held");
  await axe(delivery);
  await shot(delivery, "rejected-lot");

  await delivery.goto(held[0]);
  await delivery.getByRole("button", { name: "Deliver to the client" }).click();
  await delivery.getByText(/its lot was rejected, and nobody has reviewed this case yet/i).waitFor();

  const reviewer = await persona("reviewer");
  for (const address of held) {
    const reviews = await got(reviewer, "GET", `/api/v1/engagements/${id}/reviews`);
    const line = reviews.waiting.find(({ case: known }) => address.includes(known));
    await reviewer.goto(`/e/${id}/review/${line.case}/${line.review}`);
    await reviewer.getByText("its lot was rejected").first().waitFor();
    await reviewer.getByRole("button", { name: "Take this review" }).click();
    await reviewer.getByRole("heading", { name: "Defects" }).waitFor();
    await axe(reviewer);
    await shot(reviewer, "review-desk");
    await reviewer.getByRole("button", { name: "Finish this review" }).click();
    await reviewer.getByText("Nothing was found that counts.").waitFor();
    await delivery.goto(address);
    await delivery.getByRole("button", { name: "Deliver to the client" }).click();
    await delivery.getByText("Delivered").first().waitFor();
  }

  const reader = await persona("reader1");
  await reader.goto(`/e/${id}/reviews/mine`);
  await reader.getByText("does not say in which weeks").first().waitFor();
  await axe(reader);
  await shot(reader, "review-feedback");

  const client = await persona("client");
  await client.goto(`/e/${id}/lots/${lot}/certificate`);
  await client.getByText("This lot was rejected").waitFor();
  await client.getByText("What is still being shown counts nowhere").first().waitFor();
  await axe(client);
  await shot(client, "certificate");
  const { figures, draw } = await got(client, "GET", `/api/v1/engagements/${id}/lots/${lot}/certificate`);
  assert.equal(figures.review.reviewed, figures.cases, "every case of the lot was reviewed");
  assert.equal(figures.review.random, figures.cases);
  assert.equal(figures.review.interval[0], figures.review.interval[1], "nothing is left to chance");
  assert.ok(draw.fits);
});
