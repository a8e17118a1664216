// SPDX-License-Identifier: LGPL-3.0-or-later
// Every screen and every main action, in a real browser, on a real history.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { api, cuttableWire, launch, leave, seeded, set, sql, type Visit, visit } from "./browser.ts";

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const SCREENS = [
  "/changes",
  "/activity?by=user_id",
  "/activity/one?by=user_id&value=42&range=24h",
  "/record?table=public.todo&key=5",
  "/time-travel?table=public.todo",
  "/time-travel?table=public.todo&view=diff&at=2020-01-01T00:00:00Z",
  "/undo",
  "/undo?filter=user_id:7",
  "/undo?view=marks",
  "/trends?range=7d",
  "/sources",
  "/settings",
  "/settings?view=webhooks",
  "/settings?view=log",
  "/settings?view=password",
  "/api",
];

/** Waits until nothing on the page says that it loads. */
async function settled(page: Page): Promise<void> {
  await page.waitForSelector("h1");
  await page.waitForFunction(() => !document.querySelector(".skeleton, .is-stale"));
}

const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** What keeps somebody from using the page, as axe finds it. Its script needs bypassCSP. */
async function barriers(page: Page): Promise<string[]> {
  await page.addScriptTag({ content: axe });
  return page.evaluate(async () => {
    const { axe: tester } = window as unknown as {
      axe: {
        run: (
          options: object,
        ) => Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }>;
      };
    };
    const { violations } = await tester.run({
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
    });
    return violations.map(
      ({ id, nodes }) => `${id}: ${nodes[0]!.html.slice(0, 160)} ${nodes[0]!.failureSummary.slice(0, 200)}`,
    );
  });
}

async function line(page: Page, text: string | RegExp) {
  return page.locator(".change-line", { hasText: text }).first();
}

interface Change {
  id: string;
  primary_key: string;
  effective_at: string;
  context: Record<string, unknown>;
}
const changes = async (query: string) => (await api<{ changes: Change[] }>(`/api/changes?${query}`)).changes;

describe("signing in", () => {
  test("the printed address signs in once and keeps no token in sight", async () => {
    const visited = await visit(browser, "/");
    expect(visited.page.url()).toBe(`${seeded.url}/changes`);
    await visited.page.reload();
    await visited.page.waitForSelector(".shell");
    await leave(visited);
  });

  test("a wrong token is said to be wrong, the right one opens", async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(seeded.url);
    await page.getByLabel("Access token").fill("wrong");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("this token is not known").waitFor();
    await page.getByLabel("Access token").fill(seeded.token);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForSelector(".shell");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Access token").waitFor();
    await context.close();
  });
});

describe("changes", () => {
  test("a new change appears by itself, also after the network was away", async () => {
    const wire = await cuttableWire();
    const visited = await visit(browser, "/changes", {}, wire.url);
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
    const visited = await visit(browser, "/changes");
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
    await page.keyboard.type(" op:jump");
    await page.getByText("op: is one of").waitFor();
    await page.getByRole("button", { name: "Clear the filter" }).click();
    await page.waitForURL(`${seeded.url}/changes`);
    await leave(visited);
  });

  test("a change opens into what changed, the rest stays folded", async () => {
    const visited = await visit(browser, "/changes?filter=table%3Apayment+op%3Aupdate");
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
    const visited = await visit(browser, "/changes?filter=key%3A100000");
    await (await line(visited.page, "100000")).click();
    const text = await visited.page.locator(".diff").textContent();
    expect(text).toContain("1.50");
    expect(text).toContain("12345678901234567890.10");
    expect(text).toContain("__proto__");
    await leave(visited);
  });

  test("dragging over the histogram chooses a time", async () => {
    const visited = await visit(browser, "/changes");
    const { page } = visited;
    await settled(page);
    const box = (await page.locator(".histogram .plot").boundingBox())!;
    await page.mouse.move(box.x + box.width * 0.3, box.y + 30);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.5, box.y + 30, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/range=20.*\.\.20/);
    await page.getByText("a time that is over").waitFor();
    await leave(visited);
  });

  test("scrolling goes back to the first change and holds few rows in the page", async () => {
    const visited = await visit(browser, "/changes");
    const { page } = visited;
    await settled(page);
    await page.waitForFunction(() => {
      scrollTo(0, document.body.scrollHeight);
      return document.body.textContent?.includes("That is all.");
    });
    expect(await page.locator(".change-line").count()).toBeLessThan(120);
    await leave(visited);
  });

  test("everything can be reached by keyboard", async () => {
    const visited = await visit(browser, "/changes");
    const { page } = visited;
    await settled(page);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.locator(".change.is-open").waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("g");
    await page.keyboard.press("t");
    await page.waitForURL(/time-travel/);
    await leave(visited);
  });

  test("a view is kept under a name", async () => {
    const visited = await visit(browser, "/changes?filter=table%3Apayment");
    const { page } = visited;
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByLabel("Name of this view").fill("Payments");
    await page.getByRole("button", { name: "Save this view" }).click();
    await page.goto(`${seeded.url}/changes`);
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByRole("link", { name: "Payments" }).click();
    await page.waitForURL(/filter=table%3Apayment/);
    // In another browser too, and shared where that is said.
    const other = await visit(browser, "/changes?filter=table%3Aproject");
    await other.page.getByRole("button", { name: "Views" }).click();
    await other.page.getByRole("link", { name: "Payments" }).waitFor();
    await other.page.getByLabel("Name of this view").fill("Projects");
    await other.page.getByLabel("Share it with everybody").check();
    await other.page.getByRole("button", { name: "Save this view" }).click();
    await expect
      .poll(async () =>
        (await api<{ views: { name: string; shared: boolean }[] }>("/api/views")).views
          .filter(({ shared }) => shared)
          .map(({ name }) => name),
      )
      .toEqual(["Projects"]);
    await other.page.getByRole("button", { name: "Views" }).click();
    await other.page.getByRole("button", { name: "Forget Payments" }).click();
    await expect
      .poll(async () =>
        (await api<{ views: { name: string }[] }>("/api/views")).views.map(({ name }) => name),
      )
      .toEqual(["Projects"]);
    await leave(other);
    await leave(visited);
  });

  test("views that an earlier time left in the browser go to the server", async () => {
    const visited = await visit(browser, "/changes");
    const { page } = visited;
    await settled(page);
    await page.evaluate(() =>
      localStorage.setItem(
        "views",
        JSON.stringify([{ name: "Old / one", address: "/changes?filter=op%3Adelete" }, { name: 7 }]),
      ),
    );
    await page.reload();
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByRole("link", { name: "Old | one" }).click();
    await page.waitForURL(/op%3Adelete/);
    expect(await page.evaluate(() => localStorage.getItem("views"))).toBeNull();
    await leave(visited);
  });

  test("a view that the server cannot keep stays in the browser", async () => {
    const visited = await visit(browser, "/changes?filter=op%3Aupdate");
    const { page } = visited;
    await page.route("**/api/views*", (route) =>
      route.fulfill({
        status: 403,
        contentType: "application/problem+json",
        body: '{"status": 403, "detail": "permission denied"}',
      }),
    );
    await page.reload();
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByLabel("Name of this view").fill("Updates");
    await page.getByRole("button", { name: "Save this view" }).click();
    await page.getByText("Kept in this browser").waitFor();
    await page.goto(`${seeded.url}/changes`);
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByRole("link", { name: "Updates" }).click();
    await page.waitForURL(/op%3Aupdate/);
    await leave(visited);
  });

  test("a file has what the filter selects", async () => {
    const visited = await visit(browser, "/changes?filter=table%3Apayment");
    const { page } = visited;
    await page.getByRole("button", { name: "Export" }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByText("CSV").click()]);
    const text = readFileSync(await download.path(), "utf8");
    expect(text).toMatch(/^id,source,/);
    expect(text).not.toContain(",todo,");
    await leave(visited);
  });
});

describe("what a newcomer finds by clicking only", () => {
  test("from a to-do of last Tuesday to its request, to yesterday, and one user's changes undone", async () => {
    await sql(
      `select pg_logical_emit_message(true, '_bemi', '{"user_id": 4711, "endpoint": "/mess"}');
       update todo set task = 'messed up' where id in (select id from todo order by id limit 2)`,
    );
    const visited = await visit(browser, "/");
    const { page } = visited;
    const choose = async (screen: string) =>
      page.getByRole("navigation").getByRole("link", { name: screen, exact: true }).click();

    // Who changed a given to-do last Tuesday?
    await choose("Record");
    await page.getByLabel("Table", { exact: true }).selectOption({ label: "todo" });
    await page.getByRole("link", { name: "Find it among the changes" }).click();
    await page
      .getByRole("button", { name: "Choose a time range" })
      .or(page.getByTitle("Choose a time range"))
      .click();
    await page.getByRole("button", { name: /Tuesday$/ }).click();
    await settled(page);
    const [since, until] = new URL(page.url()).searchParams.get("range")!.split("..");
    expect(new Date(since!).toLocaleDateString("en", { weekday: "long", timeZone: "Europe/Berlin" })).toBe(
      "Tuesday",
    );
    const [wanted] = await changes(
      `table=todo&operation=update&context=endpoint%3D/checkout&since=${since}&until=${until}&limit=1`,
    );
    await page.locator(".change-line", { hasText: "/checkout" }).first().locator("a.key").click();
    await page.getByText("Timeline").waitFor();
    expect(new URL(page.url()).searchParams.get("key")).toBe(wanted!.primary_key);
    await page.locator(".timeline li.UPDATE button", { hasText: "/checkout" }).first().click();
    await page.locator(".record-who", { hasText: String(wanted!.context.user_id) }).waitFor();

    // Everything that this request did, across tables and sources.
    await page.getByRole("link", { name: "All that this request did" }).click();
    await page.locator(".change-line").first().waitFor();
    await page.locator(".change-line .table", { hasText: "invoice" }).waitFor();
    const tables = await page.locator(".change-line .table").allTextContents();
    expect(new Set(tables)).toEqual(new Set(["payment", "todo", "invoice"]));
    await page.getByText("billing", { exact: true }).first().waitFor();

    // What the table looked like yesterday.
    await choose("Time travel");
    await page.getByLabel("Table", { exact: true }).selectOption({ label: "todo" });
    await page.getByRole("button", { name: "Yesterday" }).click();
    await page.getByText(/^[\d,]+ rows$/).waitFor();
    expect(await page.getByText("messed up").count()).toBe(0);
    await page.getByRole("button", { name: "What changed since" }).click();
    await page.getByText(/\d+ added since/).waitFor();

    // One user's changes, undone.
    await choose("Activity");
    await page.getByRole("button", { name: "User", exact: true }).click();
    await page.locator(".group-line", { hasText: "4711" }).click();
    await page.getByRole("link", { name: "Undo this…" }).click();
    await page.getByRole("button", { name: "Show what undoing would do" }).click();
    await page.getByText("2 rows restored").waitFor();
    await page.locator("input[name=confirmation]").fill("undo 2 rows");
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await page.getByText("Done.", { exact: true }).waitFor();
    await sql("select 1");
    await page.getByRole("link", { name: "See what it did" }).click();
    await page.locator(".change-line", { hasText: "messed up" }).first().waitFor();
    await leave(visited);
  });

  test("who changed a given to-do", async () => {
    const [wanted] = await changes("table=todo&operation=update&q=again&context=method%3DPATCH&limit=1");
    const visited = await visit(browser, "/");
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
    await page.getByRole("heading", { name: "The row as it was" }).waitFor();
    await leave(visited);
  });

  test("everything that one request did, across tables", async () => {
    const [paid] = await changes("table=payment&operation=update&context=endpoint%3D/checkout&limit=1");
    const request = String(paid!.context.request_id);
    const visited = await visit(browser, "/");
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
    const visited = await visit(browser, "/");
    const { page } = visited;
    await page.getByRole("link", { name: "Time travel" }).click();
    await page.getByLabel("Table", { exact: true }).selectOption({ label: "todo" });
    await page.getByRole("button", { name: "Yesterday" }).click();
    await page.waitForURL(/at=/);
    const at = new URL(page.url()).searchParams.get("at")!;
    const { total } = await api<{ total: number }>(`/api/as-of?table=todo&at=${at}&limit=0`);
    await page.getByText(`${total} rows`).waitFor();
    await page.getByRole("button", { name: "What changed since" }).click();
    await page.getByText(/\d+ added since/).waitFor();
    await leave(visited);
  });

  test("undo one user's changes", async () => {
    await sql(
      `select pg_logical_emit_message(true, '_bemi', '{"user_id": 666, "endpoint": "/oops"}');
       update todo set task = 'vandalised' where id in (select id from todo order by id limit 3)`,
    );
    const visited = await visit(browser, "/");
    const { page } = visited;
    await page.getByRole("link", { name: "Activity" }).click();
    await page.getByRole("button", { name: "User", exact: true }).click();
    await page.locator(".group-line", { hasText: "666" }).click();
    await page.getByRole("link", { name: "Undo this…" }).click();
    await page.getByRole("button", { name: "Show what undoing would do" }).click();
    await page.getByText("3 rows restored").waitFor();
    expect(await page.getByRole("button", { name: "Undo", exact: true }).isDisabled()).toBe(true);
    await page.locator("input[name=confirmation]").fill("undo 3 rows");
    await page.locator("input[name=reason]").fill("vandalism");
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await page.getByText("Done.", { exact: true }).waitFor();
    await sql("select 1");
    expect(await changes("q=vandalised&operation=update")).toHaveLength(6);
    const [undone] = await changes("operation=update&limit=1");
    expect(JSON.stringify(undone!.context)).toContain("vandalism");
    await page.getByRole("link", { name: "See what it did" }).click();
    await page.locator(".change-line", { hasText: "vandalised" }).first().waitFor();
    await leave(visited);
  });
});

describe("undo", () => {
  test("what stands in the way is shown, and can be left alone", async () => {
    const as = (user: number, statement: string) =>
      sql(`select pg_logical_emit_message(true, '_bemi', '{"user_id": ${user}}'); ${statement}`);
    await sql("insert into todo (id, task) values (6001, 'one'), (6002, 'two')");
    await as(667, "update todo set task = 'wrong' where id in (6001, 6002)");
    await as(668, "update todo set task = 'right since' where id = 6002");
    const visited = await visit(browser, "/undo?filter=user_id%3A667");
    const { page } = visited;
    await page.getByRole("button", { name: "Show what undoing would do" }).click();
    await page.getByText("Written since by somebody else").waitFor();
    await page.locator(".notice.error", { hasText: "something stands in the way" }).waitFor();
    await page.getByRole("button", { name: "Leave those rows" }).click();
    await page.locator("input[name=confirmation]").fill("undo 1 row");
    await page.getByRole("button", { name: "Undo", exact: true }).click();
    await page.getByText("Done.", { exact: true }).waitFor();
    const [change] = await changes("table=todo&primary_key=6002&limit=1");
    expect(JSON.stringify(change)).toContain("right since");
    await leave(visited);
  });

  test("a mark is set, gone back to, and forward again", async () => {
    const visited = await visit(browser, "/undo?view=marks");
    const { page } = visited;
    await page.getByLabel("Name", { exact: true }).fill("before-trouble");
    await page.getByRole("button", { name: "Mark this state" }).click();
    await page.getByText("before-trouble").waitFor();
    await sql("insert into todo (id, task) values (7001, 'trouble')");
    await page.reload();
    await page.getByText("1 changes since").waitFor();
    await page.getByRole("button", { name: "Go back to it…" }).click();
    await page.locator(".mark-confirm input").fill("before-trouble");
    await page.getByRole("button", { name: "Go back", exact: true }).click();
    await page.getByText("Done.", { exact: true }).waitFor();
    await sql("select 1");
    expect((await changes("table=todo&primary_key=7001")).map((change) => change.id)).toHaveLength(2);
    await leave(visited);
  });
});

describe("settings", () => {
  test("a person is added, signs in by name, sees what the role allows, and is removed", async () => {
    const visited = await visit(browser, "/settings");
    const { page } = visited;
    await page.getByLabel("Name", { exact: true }).fill("<b>Ann");
    await page.locator("input[name=password]").fill("correct horse battery");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByLabel("Role of <b>Ann").waitFor();

    const context = await browser.newContext();
    const other = await context.newPage();
    await other.goto(seeded.url);
    await other.getByRole("button", { name: "With a name" }).click();
    await other.getByLabel("Name").fill("<b>Ann");
    await other.getByLabel("Password").fill("wrong");
    await other.getByRole("button", { name: "Sign in", exact: true }).click();
    await other.getByText("no user has this name and password").waitFor();
    await other.getByLabel("Password").fill("correct horse battery");
    await other.getByRole("button", { name: "Sign in", exact: true }).click();
    await other.waitForSelector(".shell");
    await other.goto(`${seeded.url}/undo?filter=user_id:7`);
    expect(await other.getByRole("button", { name: "Show what undoing would do" }).isDisabled()).toBe(true);
    await other.goto(`${seeded.url}/settings`);
    await other.getByText("who may look").waitFor();

    await other.getByLabel("Old password").fill("wrong");
    await other.getByLabel("New password, of ten characters or more").fill("another horse battery");
    await other.getByLabel("New password again").fill("another horse");
    await other.getByRole("button", { name: "Change password" }).click();
    await other.getByText("typed in two ways").waitFor();
    await other.getByLabel("New password again").fill("another horse battery");
    await other.getByRole("button", { name: "Change password" }).click();
    await other.getByText("the old password is another one").waitFor();
    await other.getByLabel("Old password").fill("correct horse battery");
    await other.getByRole("button", { name: "Change password" }).click();
    await other.getByText("Your password is another one now").waitFor();
    await other.reload();
    await other.getByText("who may look").waitFor();

    await page.getByRole("button", { name: "Remove…" }).click();
    await page.getByRole("button", { name: "Remove <b>Ann" }).click();
    await page.getByText("Nobody signs in by name yet").waitFor();
    await other.reload();
    await other.getByRole("button", { name: "With a name" }).waitFor();
    await context.close();
    await page.getByRole("button", { name: "What was done" }).click();
    await page.getByText("user remove").waitFor();
    await leave(visited);
  });
});

describe("webhooks", () => {
  test("what is filtered is sent to an address, by clicking", async () => {
    const taken: string[] = [];
    const receiver = createServer((request, response) => {
      let body = "";
      request.on("data", (piece: Buffer) => (body += piece.toString()));
      request.on("end", () => {
        taken.push(body);
        response.end();
      });
    });
    await new Promise<void>((done) => receiver.listen(0, "127.0.0.1", done));
    const place = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/%3Cb%3E`;
    const visited = await visit(browser, "/changes?filter=table%3Aproject");
    const { page } = visited;
    await page.getByRole("button", { name: "Views" }).click();
    await page.getByRole("link", { name: "Send these to a webhook…" }).click();
    await page.getByLabel("Name", { exact: true }).fill("<i>alarm");
    await page.getByLabel("Address").fill(place);
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByText("It is shown this once").waitFor();
    await page.getByText("table:project", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Test", exact: true }).click();
    await page.getByText("<i>alarm took the test (200).").waitFor();
    await sql(
      "insert into project values (77, 'sent', null); insert into todo (id, task) values (7701, 'not sent')",
    );
    await expect
      .poll(() => taken.filter((body) => body.includes('"changes"')), { timeout: 20_000 })
      .toHaveLength(1);
    expect(taken.at(-1)).toContain('"sent"');
    expect(taken.join("")).not.toContain("not sent");
    await page.getByRole("button", { name: "Remove…" }).click();
    await page.getByRole("button", { name: "Remove <i>alarm" }).click();
    await page.getByText("Nothing is sent anywhere yet").waitFor();
    await leave(visited);
    receiver.close();
  });
});

describe("sources", () => {
  test("whose worker runs elsewhere is listed, and said to be out of reach", async () => {
    const visited = await visit(browser, "/sources");
    const { page } = visited;
    const billing = page.getByRole("region", { name: "Source billing" });
    await billing.getByText("not controlled from here").waitFor();
    await billing.getByText(/last heard of/).waitFor();
    await page.getByRole("region", { name: "Source shop" }).getByText("Tracked by this program").waitFor();
    await leave(visited);
  });

  test("a destination is made for a source by clicking", async () => {
    const visited = await visit(
      browser,
      "/sources",
      { bypassCSP: true, reducedMotion: "reduce" },
      seeded.control.url,
    );
    const { page } = visited;
    await page.getByRole("button", { name: "Connect a database" }).click();
    await page.getByLabel("Its address, as the role that reads it").fill(seeded.control.source);
    await page.getByRole("button", { name: "A new one" }).click();
    await page.getByLabel(/^That server/).fill(seeded.control.source);
    await page.getByLabel("Name of the new database").fill("gadgets");
    await page.getByText("is there already").first().waitFor();
    expect(await page.getByRole("button", { name: "Start tracking" }).isDisabled()).toBe(true);
    const name = "audit <b>\"'";
    await page.getByLabel("Name of the new database").fill(name);
    await page.getByLabel("Changes are kept for").fill("90d");
    await page.getByText(/2 points are fine/).waitFor();
    await page.getByText("gadget", { exact: true }).click();
    await page.getByText("What stands in these is never stored:").first().waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Start tracking" }).click();
    const tracked = page.getByLabel("Tracked from here");
    await tracked.getByText("Tracking", { exact: true }).waitFor();
    await tracked.getByText(`Its history is in ${name} at`).waitFor();
    await tracked.getByText("Changes are kept for 90d.").waitFor();
    expect(await page.getByText("No database is tracked yet").count()).toBe(0);
    await page.getByRole("button", { name: "Remove…" }).click();
    await page.getByRole("button", { name: /Stop tracking/ }).click();
    await tracked.waitFor({ state: "detached" });
    await leave(visited);
  });

  test("what writes without saying who is shown by endpoint", async () => {
    const visited = await visit(browser, "/sources");
    const { page } = visited;
    await page.getByRole("button", { name: "payment", exact: true }).click();
    await page.getByText("no context at all").waitFor();
    await page.locator(".coverage-origins a").first().click();
    await page.waitForURL(/filter=table%3Apublic.payment\+no%3Auser_id\+no%3Aendpoint/);
    await page.locator(".change-line", { hasText: "no context" }).first().waitFor();
    await leave(visited);
  });

  test("a database is connected, tracked, paused and left by clicking", async () => {
    const visited = await visit(
      browser,
      "/sources",
      { bypassCSP: true, reducedMotion: "reduce" },
      seeded.control.url,
    );
    const { page } = visited;
    await page.getByRole("button", { name: "Connect a database" }).click();
    await page
      .getByLabel("Its address, as the role that reads it")
      .fill("postgresql://nobody@127.0.0.1:1/none");
    await page.locator(".notice.error").waitFor();
    await page.getByLabel("Its address, as the role that reads it").fill(seeded.control.source);
    await page.getByText(/^Source: /).waitFor();
    await page.getByLabel("Track public.gadget").uncheck();
    await page.getByText("1 of 2 tables are tracked").waitFor();
    await page.getByText("Starting does this on the source").click();
    await page.getByText("create publication").waitFor();
    expect(await barriers(page)).toEqual([]);
    await page.getByRole("button", { name: "Start tracking" }).click();
    await page.getByLabel("Tracked from here").getByText("Tracking", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Log" }).click();
    await page.locator(".worker-log", { hasText: "streaming" }).waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("Paused", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByLabel("Tracked from here").getByText("Tracking", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Remove…" }).click();
    await page.getByRole("button", { name: /Stop tracking/ }).click();
    await page.getByLabel("Tracked from here").waitFor({ state: "detached" });
    await leave(visited);
  });
});

describe("every screen", () => {
  test("shows hostile names, values and contexts inert", async () => {
    const visited = await visit(browser, "/changes");
    const { page } = visited;
    const [odd] = await changes("q=onerror&limit=1");
    const hostile = String(odd!.context.user_id);
    const name = "<img src=x onerror=\"document.title='owned'\">";
    await set("/api/users", { name, role: "viewer" });
    await set("/api/views", {
      name: name.replaceAll("/", "|"),
      address: `/changes?filter=${encodeURIComponent(hostile)}`,
      shared: true,
    });
    await set("/api/webhooks", {
      name,
      url: "http://127.0.0.1:1/%3Cscript%3E",
      filter: { q: hostile, context: `${name}=${hostile}` },
    });
    const table = '"Odd ""Schema"""."<b>Od d</b>"';
    const paths = [
      ...SCREENS,
      `/change/${odd!.id}`,
      "/changes?filter=onerror",
      `/activity/one?${new URLSearchParams({ by: "user_id", value: hostile })}`,
      `/activity?${new URLSearchParams({ by: hostile })}`,
      `/record?${new URLSearchParams({ table, key: odd!.primary_key })}`,
      `/time-travel?${new URLSearchParams({ table, view: "diff", at: "2020-01-01" })}`,
      `/time-travel?${new URLSearchParams({ table })}`,
      `/trends?${new URLSearchParams({ by: hostile, range: hostile })}`,
      `/undo?${new URLSearchParams({ filter: hostile })}`,
      `/${encodeURIComponent(hostile)}`,
    ];
    for (const path of paths) {
      await page.goto(seeded.url + path);
      await page.waitForSelector("h1, h2");
      await page.waitForFunction(() => !document.querySelector(".skeleton"));
      const opener = page.locator(".change-line").first();
      if (await opener.isVisible()) await opener.click();
      expect(await page.locator("img[onerror], main b, main script").count(), path).toBe(0);
      expect(await page.title(), path).not.toContain("owned");
    }
    await leave(visited);
  });

  for (const [name, options] of [
    ["light", { colorScheme: "light" }],
    ["dark", { colorScheme: "dark" }],
    ["phone", { colorScheme: "light", viewport: { width: 390, height: 844 } }],
  ] as const) {
    test(`is accessible, ${name}`, async () => {
      const visited: Visit = await visit(browser, "/changes", {
        ...options,
        bypassCSP: true,
        reducedMotion: "reduce",
      });
      const { page } = visited;
      for (const path of SCREENS) {
        await page.goto(seeded.url + path);
        await settled(page);
        const opener = page.locator(".change-line").first();
        if (await opener.isVisible()) await opener.click();
        expect(await barriers(page), path).toEqual([]);
        const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        expect(tooWide, `${path} scrolls sideways`).toBeLessThanOrEqual(0);
      }
      await leave(visited);
    });
  }
});
