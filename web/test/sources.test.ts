// SPDX-License-Identifier: LGPL-3.0-or-later
// Sources: their health, and new ones connected by clicks.
import { expect, test } from "vitest";
import { barriers, leave, seeded, visit } from "./browser.ts";

test("a worker elsewhere is listed as not controlled from here", async () => {
  const visited = await visit("/sources");
  const { page } = visited;
  const billing = page.getByRole("region", { name: "Source billing" });
  await billing.getByText("not controlled from here").waitFor();
  await billing.getByText(/last seen/).waitFor();
  await page.getByRole("region", { name: "Source shop" }).getByText("Tracked by this program").waitFor();
  await leave(visited);
});

test("a source that needs action is said in the same words on every screen", async () => {
  const visited = await visit("/changes");
  const { page } = visited;
  const sentence = "The source does not answer. Its changes wait in the WAL that the slot bemi_shop retains";
  const problem = { level: "action", sentence };
  await page.route("**/api/sources", async (route) => {
    const response = await route.fetch();
    const { sources } = (await response.json()) as { sources: { source: string; health: object }[] };
    for (const source of sources)
      if (source.source === "shop") source.health = { ...problem, problems: [problem] };
    await route.fulfill({ response, json: { sources } });
  });
  const line = page.locator(".source-line", { hasText: "shop" });
  await line.getByText("Action required").waitFor();
  expect(await line.getAttribute("title")).toBe(sentence);
  expect(await page.getByRole("button", { name: "Live" }).getAttribute("title")).toBe(`shop: ${sentence}`);
  await line.click();
  const card = page.getByRole("region", { name: "Source shop" });
  await card.getByText("Action required").waitFor();
  await card.getByText(sentence).waitFor();
  await leave(visited);
});

test("a destination is made for a source by clicking", async () => {
  const visited = await visit("/sources", { bypassCSP: true, reducedMotion: "reduce" }, seeded.control.url);
  const { page } = visited;
  await page.getByRole("button", { name: "Connect a database" }).click();
  await page.getByLabel("Connection URL (read role)").fill(seeded.control.source);
  await page.getByRole("button", { name: "New database" }).click();
  await page.getByLabel(/^Admin URL/).fill(seeded.control.source);
  await page.getByLabel("Name of the new database").fill("gadgets");
  await page.getByText("is there already").first().waitFor();
  expect(await page.getByRole("button", { name: "Start tracking" }).isDisabled()).toBe(true);
  const name = "audit <b>\"'";
  await page.getByLabel("Name of the new database").fill(name);
  await page.getByLabel("Keep changes for").fill("90d");
  await page.getByText(/2 checks passed/).waitFor();
  await page.getByText("gadget", { exact: true }).click();
  await page.getByText("Never store the values of these columns:").first().waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.getByRole("button", { name: "Start tracking" }).click();
  const tracked = page.getByLabel("Managed sources");
  await tracked.getByText("Tracking", { exact: true }).waitFor();
  await tracked.getByText(`The history is stored in ${name} at`).waitFor();
  await tracked.getByText("Changes are kept for 90d.").waitFor();
  expect(await page.getByText("No sources yet").count()).toBe(0);
  await page.getByRole("button", { name: "Remove…" }).click();
  await page.getByRole("button", { name: /Stop tracking/ }).click();
  await tracked.waitFor({ state: "detached" });
  await leave(visited);
});

test("changes without a user are shown by endpoint", async () => {
  const visited = await visit("/sources");
  const { page } = visited;
  await page.getByRole("button", { name: "payment", exact: true }).click();
  await page.getByText("no context:").waitFor();
  await page.locator(".coverage-origins a").first().click();
  await page.waitForURL(/filter=table%3Apublic.payment\+no%3Auser_id\+no%3Aendpoint/);
  await page.locator(".change-line", { hasText: "no context" }).first().waitFor();
  await leave(visited);
});

test("a database is connected, tracked, paused and left by clicking", async () => {
  const visited = await visit("/sources", { bypassCSP: true, reducedMotion: "reduce" }, seeded.control.url);
  const { page } = visited;
  await page.getByRole("button", { name: "Connect a database" }).click();
  await page.getByLabel("Connection URL (read role)").fill("postgresql://nobody@127.0.0.1:1/none");
  await page.locator(".notice.error").waitFor();
  await page.getByLabel("Connection URL (read role)").fill(seeded.control.source);
  await page.getByText(/^Source: /).waitFor();
  await page.getByLabel("Track public.gadget").uncheck();
  await page.getByText("1 of 2 tables selected").waitFor();
  await page.getByText("On start, Bemi runs").click();
  await page.getByText("create publication").waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.getByRole("button", { name: "Start tracking" }).click();
  await page.getByLabel("Managed sources").getByText("Tracking", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Log" }).click();
  await page.locator(".worker-log", { hasText: "streaming" }).waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Paused", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await page.getByLabel("Managed sources").getByText("Tracking", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Remove…" }).click();
  await page.getByRole("button", { name: /Stop tracking/ }).click();
  await page.getByLabel("Managed sources").waitFor({ state: "detached" });
  await leave(visited);
});
