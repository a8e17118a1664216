// SPDX-License-Identifier: LGPL-3.0-or-later
// A newcomer finds everything by clicks alone.
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { api, changes, leave, settled, sql, visit } from "./browser.ts";

const choose = (page: Page, screen: string) =>
  page.getByRole("navigation").getByRole("link", { name: screen, exact: true }).click();

/** Who changed a given to-do last Tuesday? */
async function findLastTuesday(page: Page): Promise<void> {
  await choose(page, "Record");
  await page.getByLabel("Table", { exact: true }).selectOption({ label: "todo" });
  await page.getByRole("link", { name: "Search changes" }).click();
  await page.getByTitle("Choose a period").click();
  await page.getByRole("button", { name: /Tuesday$/ }).click();
  await settled(page);
  const [since, until] = new URL(page.url()).searchParams.get("range")!.split("..");
  const day = new Date(since!).toLocaleDateString("en", { weekday: "long", timeZone: "Europe/Berlin" });
  expect(day).toBe("Tuesday");
  const [wanted] = await changes(
    `table=todo&operation=update&context=endpoint%3D/checkout&since=${since}&until=${until}&limit=1`,
  );
  await page.locator(".change-line", { hasText: "/checkout" }).first().locator("a.key").click();
  await page.getByText("Timeline").waitFor();
  expect(new URL(page.url()).searchParams.get("key")).toBe(wanted!.primary_key);
  // The record opens at that change, however often the to-do was changed since.
  await page.locator(".timeline li.current", { hasText: "/checkout" }).waitFor();
  await page.locator(".record-who", { hasText: String(wanted!.context.request_id) }).waitFor();
}

/** Everything that this request did, across tables and sources. */
async function followRequest(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Everything in this request" }).click();
  await page.locator(".change-line").first().waitFor();
  await page.locator(".change-line .table", { hasText: "invoice" }).waitFor();
  const tables = await page.locator(".change-line .table").allTextContents();
  expect(new Set(tables)).toEqual(new Set(["payment", "todo", "invoice"]));
  await page.getByText("billing", { exact: true }).first().waitFor();
}

/** The table as it looked yesterday. */
async function travelToYesterday(page: Page): Promise<void> {
  await choose(page, "Time travel");
  await page.getByLabel("Table", { exact: true }).selectOption({ label: "todo" });
  await page.getByRole("button", { name: "Yesterday" }).click();
  await page.getByText(/^[\d,]+ rows$/).waitFor();
  expect(await page.getByText("messed up").count()).toBe(0);
  await page.getByRole("button", { name: "Changes since then" }).click();
  await page.getByText(/\d+ added/).waitFor();
}

async function previewUndoOf(page: Page, user: string): Promise<void> {
  await choose(page, "Activity");
  await page.getByRole("button", { name: "User", exact: true }).click();
  await page.locator(".group-line", { hasText: user }).click();
  await page.getByRole("link", { name: "Undo these…" }).click();
  await page.getByRole("button", { name: "Preview undo" }).click();
}

test("from a to-do of last Tuesday to its request, to yesterday, and one user's changes undone", async () => {
  await sql(
    `select pg_logical_emit_message(true, '_bemi', '{"user_id": 4711, "endpoint": "/mess"}');
     update todo set task = 'messed up' where id in (select id from todo order by id limit 2)`,
  );
  const visited = await visit("/");
  const { page } = visited;
  await findLastTuesday(page);
  await followRequest(page);
  await travelToYesterday(page);
  await previewUndoOf(page, "4711");
  await page.getByText("2 rows reverted").waitFor();
  await page.locator("input[name=confirmation]").fill("undo 2 rows");
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await page.getByText("Done.", { exact: true }).waitFor();
  expect(await page.getByText("trial run").count()).toBe(0);
  await sql("select 1");
  await page.getByRole("link", { name: "Show this transaction" }).click();
  await page.locator(".change-line", { hasText: "messed up" }).first().waitFor();
  await leave(visited);
});

test("who changed a given to-do", async () => {
  const [wanted] = await changes("table=todo&operation=update&q=again&context=method%3DPATCH&limit=1");
  const visited = await visit("/");
  const { page } = visited;
  await page.getByLabel("Filter changes").fill(`table:todo key:${wanted!.primary_key}`);
  await page.keyboard.press("Enter");
  await page.waitForURL(/filter=/);
  await settled(page);
  await page.locator(".change-line a.key").first().click();
  await page.getByText("Timeline").waitFor();
  await page.locator(".timeline li.UPDATE button").first().click();
  await page.locator(".record-who", { hasText: String(wanted!.context.request_id) }).waitFor();
  // The slider goes to the first version.
  await page.locator(".slider input").focus();
  await page.keyboard.press("Home");
  await page.getByText("Version 1 of").waitFor();
  await page.getByRole("heading", { name: "Row at this version" }).waitFor();
  await leave(visited);
});

test("everything that one request did, across tables", async () => {
  const [paid] = await changes("table=payment&operation=update&context=endpoint%3D/checkout&limit=1");
  const request = String(paid!.context.request_id);
  const visited = await visit("/");
  const { page } = visited;
  await page.getByRole("link", { name: "Activity" }).click();
  await page.getByRole("button", { name: "Request" }).click();
  await page.locator(".group-line", { hasText: request }).click();
  await page.waitForURL(/activity\/one/);
  await page.locator(".change-line").first().waitFor();
  const tables = await page.locator(".change-line .table").allTextContents();
  expect(new Set(tables)).toEqual(new Set(["payment", "todo", "invoice"]));
  await leave(visited);
});

test("what the table looked like yesterday, and what changed since", async () => {
  const visited = await visit("/");
  const { page } = visited;
  await page.getByRole("link", { name: "Time travel" }).click();
  await page.getByLabel("Table", { exact: true }).selectOption({ label: "todo" });
  await page.getByRole("button", { name: "Yesterday" }).click();
  await page.waitForURL(/at=/);
  const at = new URL(page.url()).searchParams.get("at")!;
  const { total } = await api<{ total: number }>(`/api/as-of?table=todo&at=${at}&limit=0`);
  await page.getByText(`${total} rows`).waitFor();
  await page.getByRole("button", { name: "Changes since then" }).click();
  await page.getByText(/\d+ added/).waitFor();
  await leave(visited);
});

test("undo one user's changes", async () => {
  await sql(
    `select pg_logical_emit_message(true, '_bemi', '{"user_id": 666, "endpoint": "/oops"}');
     update todo set task = 'vandalised' where id in (select id from todo order by id limit 3)`,
  );
  const visited = await visit("/");
  const { page } = visited;
  await previewUndoOf(page, "666");
  await page.getByText("3 rows reverted").waitFor();
  expect(await page.getByRole("button", { name: "Undo", exact: true }).isDisabled()).toBe(true);
  await page.locator("input[name=confirmation]").fill("undo 3 rows");
  await page.locator("input[name=reason]").fill("vandalism");
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await page.getByText("Done.", { exact: true }).waitFor();
  await sql("select 1");
  expect(await changes("q=vandalised&operation=update")).toHaveLength(6);
  const [undone] = await changes("operation=update&limit=1");
  expect(JSON.stringify(undone!.context)).toContain("vandalism");
  await page.getByRole("link", { name: "Show this transaction" }).click();
  await page.locator(".change-line", { hasText: "vandalised" }).first().waitFor();
  await leave(visited);
});
