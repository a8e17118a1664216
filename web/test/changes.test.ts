// SPDX-License-Identifier: LGPL-3.0-or-later
// The list of changes: live, filtered, opened, exported.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cuttableWire, leave, line, seeded, settled, sql, visit } from "./browser.ts";

test("a new change appears by itself, also after the network was away", async () => {
  const wire = await cuttableWire();
  const visited = await visit("/changes", {}, wire.url);
  const { page } = visited;
  await page.getByText("Live", { exact: true }).waitFor();
  await sql("insert into todo (id, task) values (5001, 'appears by itself')");
  await (await line(page, "appears by itself")).waitFor();
  wire.cut();
  await page.getByText("Reconnecting").waitFor();
  await sql("insert into todo (id, task) values (5002, 'while away')");
  wire.mend();
  await (await line(page, "while away")).waitFor();
  expect(await page.locator(".change-line", { hasText: "while away" }).count()).toBe(1);
  await leave(visited);
  wire.close();
});

test("the filter bar narrows, suggests, and is in the address", async () => {
  const visited = await visit("/changes");
  const { page } = visited;
  await settled(page);
  await page.keyboard.press("/");
  await page.keyboard.type("table:pay");
  await page.keyboard.press("Tab");
  await page.waitForURL(/filter=table%3Apayment/);
  await page.keyboard.type("op:update");
  await page.keyboard.press("Enter");
  await page.waitForURL(/op%3Aupdate/);
  await settled(page);
  const texts = await page.locator(".change-line .table").allTextContents();
  expect(new Set(texts)).toEqual(new Set(["payment"]));
  await page.keyboard.type(" tx:jump");
  await page.getByText("tx: must be a number").waitFor();
  await page.getByRole("button", { name: "Clear the filter" }).click();
  await page.waitForURL(`${seeded.url}/changes`);
  await leave(visited);
});

test("a name that is unknown is said with the one that may have been meant", async () => {
  const visited = await visit("/changes?filter=usr_id%3A42");
  const { page } = visited;
  await page.getByText("No recent context has the key usr_id; did you mean user_id?").waitFor();
  await page.getByText("No change has the key usr_id in its context").waitFor();
  await page.getByText("Did you mean user_id?", { exact: true }).waitFor();
  await page.goto(`${seeded.url}/changes?filter=table%3Atood`);
  await page.getByText("No table tood is tracked; did you mean todo?").waitFor();
  await page.locator("#live", { hasText: "Paused" }).waitFor();
  await leave(visited);
});

test("a change says whether its context is signed", async () => {
  await sql(`begin; select pg_logical_emit_message(true, '_bemi', '{"user_id": 1}');
    insert into todo (id, task) values (5101, 'who said so'); commit`);
  const words = { null: "Not signed", true: "Signed", false: "Signature does not match" };
  for (const [verdict, said] of Object.entries(words)) {
    await sql(`update changes set context_verified = ${verdict} where after ->> 'task' = 'who said so'`);
    const visited = await visit("/changes?filter=table%3Atodo+key%3A5101");
    const { page } = visited;
    await (await line(page, "who said so")).click();
    expect((await page.locator(".change-detail .signature").textContent())?.trim()).toBe(said);
    await leave(visited);
  }
  await sql("update changes set context_verified = null where after ->> 'task' = 'who said so'");
});

test("a change opens into what changed, the rest stays folded", async () => {
  const visited = await visit("/changes?filter=table%3Apayment+op%3Aupdate");
  const { page, context } = visited;
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await (await line(page, "settled")).click();
  const detail = page.locator(".change-detail").first();
  await detail.getByText("authorised").waitFor();
  expect(await detail.locator("tr").count()).toBe(1);
  await detail.getByRole("button", { name: /Show \d unchanged values/ }).click();
  expect(await detail.locator("tr").count()).toBeGreaterThan(3);
  await detail.getByRole("button", { name: "Copy SQL" }).click();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  expect(text).toMatch(/^UPDATE public\.payment\nSET status = 'settled'\nWHERE id = \d+;$/);
  await detail.getByRole("button", { name: "Copy link" }).click();
  await page.goto(await page.evaluate(() => navigator.clipboard.readText()));
  await page.getByText("authorised").waitFor();
  await leave(visited);
});

test("digits are shown as the database has them", async () => {
  const visited = await visit("/changes?filter=key%3A100000");
  await (await line(visited.page, "100000")).click();
  const text = await visited.page.locator(".diff").textContent();
  expect(text).toContain("1.50");
  expect(text).toContain("12345678901234567890.10");
  expect(text).toContain("__proto__");
  await leave(visited);
});

test("dragging over the histogram chooses a time", async () => {
  const visited = await visit("/changes");
  const { page } = visited;
  await settled(page);
  const box = (await page.locator(".histogram .plot").boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.3, box.y + 30);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 30, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/range=20.*\.\.20/);
  await page.getByText("Fixed period").waitFor();
  await leave(visited);
});

test("scrolling goes back to the first change and holds few rows in the page", async () => {
  const visited = await visit("/changes");
  const { page } = visited;
  await settled(page);
  await page.waitForFunction(() => {
    scrollTo(0, document.body.scrollHeight);
    return document.body.textContent?.includes("End of results");
  });
  expect(await page.locator(".change-line").count()).toBeLessThan(120);
  await leave(visited);
});

test("everything can be reached by keyboard", async () => {
  const visited = await visit("/changes");
  const { page } = visited;
  await settled(page);
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.locator(".change.is-open").waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
  for (let i = 0; i < 3; i++) await page.keyboard.press("Tab");
  const isBehind = () =>
    !document.activeElement?.closest("dialog") && document.activeElement !== document.body;
  expect(await page.evaluate(isBehind)).toBe(false);
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.keyboard.press("g");
  await page.keyboard.press("t");
  await page.waitForURL(/time-travel/);
  await leave(visited);
});

test("a file has what the filter selects", async () => {
  const visited = await visit("/changes?filter=table%3Apayment");
  const { page } = visited;
  await page.getByRole("button", { name: "Export" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByText("CSV").click()]);
  const text = readFileSync(await download.path(), "utf8");
  expect(text).toMatch(/^id,source,/);
  expect(text).not.toContain(",todo,");
  await leave(visited);
});

test("the first key on a page can skip the navigation", async () => {
  const visited = await visit("/changes");
  const { page } = visited;
  await settled(page);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  expect(await page.evaluate(() => document.activeElement?.closest("main") !== null)).toBe(true);
  await leave(visited);
});
