// SPDX-License-Identifier: LGPL-3.0-or-later
// Users, passwords, webhooks.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { browser, leave, seeded, sql, visit } from "./browser.ts";

test("a person is added, signs in by name, sees what the role allows, and is removed", async () => {
  const visited = await visit("/settings");
  const { page } = visited;
  await page.getByLabel("Name", { exact: true }).fill("<b>Ann");
  await page.locator("input[name=password]").fill("correct horse battery");
  await page.getByRole("button", { name: "Add user", exact: true }).click();
  await page.getByLabel("Role of <b>Ann").waitFor();

  const context = await browser.newContext();
  const other = await context.newPage();
  await other.goto(seeded.url);
  await other.getByRole("button", { name: "Username" }).click();
  await other.getByLabel("Username").fill("<b>Ann");
  await other.getByLabel("Password").fill("wrong");
  await other.getByRole("button", { name: "Sign in", exact: true }).click();
  await other.getByText("No user has this name and password").waitFor();
  await other.getByLabel("Password").fill("correct horse battery");
  await other.getByRole("button", { name: "Sign in", exact: true }).click();
  await other.waitForSelector(".shell");
  await other.goto(`${seeded.url}/undo?filter=user_id:7`);
  expect(await other.getByRole("button", { name: "Preview undo" }).isDisabled()).toBe(true);
  await other.goto(`${seeded.url}/settings`);
  await other.getByText("You are signed in as <b>Ann (viewer)").waitFor();

  await other.getByLabel("Current password").fill("wrong");
  await other.getByLabel("New password (10+ characters)").fill("another horse battery");
  await other.getByLabel("Repeat the new password").fill("another horse");
  await other.getByRole("button", { name: "Change password" }).click();
  await other.getByText("do not match").waitFor();
  await other.getByLabel("Repeat the new password").fill("another horse battery");
  await other.getByRole("button", { name: "Change password" }).click();
  await other.getByText("The old password is another one").waitFor();
  await other.getByLabel("Current password").fill("correct horse battery");
  await other.getByRole("button", { name: "Change password" }).click();
  await other.getByText("Password changed").waitFor();
  await other.reload();
  await other.getByText("You are signed in as <b>Ann (viewer)").waitFor();

  await page.getByRole("button", { name: "Remove…" }).click();
  await page.getByRole("button", { name: "Remove <b>Ann" }).click();
  await page.getByText("No users yet").waitFor();
  await other.reload();
  await other.getByRole("button", { name: "Username" }).waitFor();
  await context.close();
  await page.getByRole("button", { name: "Audit log" }).click();
  await page.locator(".action-line", { hasText: "user remove" }).filter({ hasText: "<b>Ann" }).waitFor();
  await leave(visited);
});

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
  const visited = await visit("/changes?filter=table%3Aproject");
  const { page } = visited;
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("link", { name: "Send these changes to a webhook…" }).click();
  await page.getByLabel("Name", { exact: true }).fill("<i>alarm");
  await page.getByLabel("URL").fill(place);
  await page.getByRole("button", { name: "Add webhook", exact: true }).click();
  await page.getByText("It is shown only once").waitFor();
  await page.getByText("table:project", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await page.getByText("<i>alarm: test delivered (200).").waitFor();
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
  await page.getByText("No webhooks yet").waitFor();
  await leave(visited);
  receiver.close();
});
