// SPDX-License-Identifier: LGPL-3.0-or-later
// Undo with conflicts, and marks.
import { expect, test } from "vitest";
import { changes, leave, sql, visit } from "./browser.ts";

test("conflicts are shown, and can be skipped", async () => {
  const as = (user: number, statement: string) =>
    sql(`select pg_logical_emit_message(true, '_bemi', '{"user_id": ${user}}'); ${statement}`);
  await sql("insert into todo (id, task) values (6001, 'one'), (6002, 'two')");
  await as(667, "update todo set task = 'wrong' where id in (6001, 6002)");
  await as(668, "update todo set task = 'right since' where id = 6002");
  const visited = await visit("/undo?filter=user_id%3A667");
  const { page } = visited;
  await page.getByRole("button", { name: "Preview undo" }).click();
  await page.getByText("Changed later by someone else").waitFor();
  await page.locator(".notice.error", { hasText: "Conflicts prevent this undo" }).waitFor();
  await page.getByRole("button", { name: "Skip those rows" }).click();
  await page.getByRole("row", { name: "Reverted 6001 task wrong one" }).waitFor();
  await page.locator("input[name=confirmation]").fill("undo 1 row");
  await page.getByRole("button", { name: "Undo", exact: true }).click();
  await page.getByText("Done.", { exact: true }).waitFor();
  const [change] = await changes("table=todo&primary_key=6002&limit=1");
  expect(JSON.stringify(change)).toContain("right since");
  await leave(visited);
});

test("a mark is set, gone back to, and forward again", async () => {
  const visited = await visit("/undo?view=marks");
  const { page } = visited;
  await page.getByLabel("Name", { exact: true }).fill("before-trouble");
  await page.getByRole("button", { name: "Create mark" }).click();
  await page.getByText("before-trouble").waitFor();
  await sql("insert into todo (id, task) values (7001, 'trouble')");
  await page.reload();
  await page.getByText("1 change since").waitFor();
  await page.getByRole("button", { name: "Roll back…" }).click();
  await page.locator(".mark-confirm input").fill("before-trouble");
  await page.getByRole("button", { name: "Roll back", exact: true }).click();
  await page.getByText("Done.", { exact: true }).waitFor();
  await sql("select 1");
  expect((await changes("table=todo&primary_key=7001")).map((change) => change.id)).toHaveLength(2);
  await leave(visited);
});

test("a filter with an error selects nothing to undo", async () => {
  const visited = await visit("/undo?filter=op%3Aremove+user_id%3A7");
  const { page } = visited;
  await page.getByText("The filter has an error").waitFor();
  await page.getByText("op: must be one of").waitFor();
  expect(await page.getByRole("button", { name: "Preview undo" }).count()).toBe(0);
  await leave(visited);
});

test("a deleted row is restored from its record", async () => {
  await sql("insert into todo (id, task) values (6100, 'gone soon')");
  await sql("delete from todo where id = 6100");
  const visited = await visit("/record?table=public.todo&key=6100&source=shop");
  const { page } = visited;
  await page.getByRole("link", { name: "Restore…" }).click();
  await page.waitForURL(/source%3Ashop/);
  await page.getByRole("button", { name: "Preview undo" }).click();
  await page.getByText("1 row restored").waitFor();
  await leave(visited);
});
