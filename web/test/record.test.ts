// SPDX-License-Identifier: LGPL-3.0-or-later
// Record: one row, its versions, and who set each of its values.
import { expect, test } from "vitest";
import { barriers, leave, settled, sql, visit } from "./browser.ts";

test("each value says who set it, also at an earlier version", async () => {
  const as = (user: number, statement: string) =>
    sql(`select pg_logical_emit_message(true, '_bemi', '{"user_id": ${user}}'); ${statement}`);
  await as(701, "insert into todo (id, task, notes) values (8811, 'first', 'kept')");
  await as(702, "update todo set task = 'second' where id = 8811");
  const visited = await visit("/record?table=public.todo&key=8811&source=shop", {
    bypassCSP: true,
    reducedMotion: "reduce",
  });
  const { page } = visited;
  await settled(page);
  const setBy = (column: string, user: number) =>
    page
      .locator("tr", { has: page.getByRole("rowheader", { name: column, exact: true }) })
      .locator(".set-by", { hasText: String(user) });
  await setBy("task", 702).waitFor();
  await setBy("notes", 701).waitFor();
  expect(await barriers(page)).toEqual([]);
  await page.keyboard.press("ArrowLeft");
  await setBy("task", 701).waitFor();
  await leave(visited);
});

test("with several sources, each change says its own", async () => {
  const visited = await visit("/changes?filter=table%3Apayment");
  await visited.page.locator(".change-line .badge", { hasText: "shop" }).first().waitFor();
  await leave(visited);
});
