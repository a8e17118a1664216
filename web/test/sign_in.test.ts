// SPDX-License-Identifier: LGPL-3.0-or-later
// Signing in and out.
import { expect, test } from "vitest";
import { browser, leave, seeded, visit } from "./browser.ts";

test("the printed address signs in once and keeps no token in sight", async () => {
  const visited = await visit("/");
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
  await page.getByText("This token is not known").waitFor();
  await page.getByLabel("Access token").fill(seeded.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForSelector(".shell");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Access token").waitFor();
  await context.close();
});
