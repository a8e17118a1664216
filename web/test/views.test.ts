// SPDX-License-Identifier: LGPL-3.0-or-later
// Saved views.
import { expect, test } from "vitest";
import { api, leave, seeded, settled, visit } from "./browser.ts";

test("a view is kept under a name", async () => {
  const visited = await visit("/changes?filter=table%3Apayment");
  const { page } = visited;
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByLabel("Name of this view").fill("Payments");
  await page.getByRole("button", { name: "Save this view" }).click();
  await page.getByText("View Payments saved").waitFor();
  await page.goto(`${seeded.url}/changes`);
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("link", { name: "Payments" }).click();
  await page.waitForURL(/filter=table%3Apayment/);
  // In another browser too, and shared where that is said.
  const other = await visit("/changes?filter=table%3Aproject");
  await other.page.getByRole("button", { name: "Views" }).click();
  await other.page.getByRole("link", { name: "Payments" }).waitFor();
  await other.page.getByLabel("Name of this view").fill("Projects");
  await other.page.getByLabel("Share with everyone").check();
  await other.page.getByRole("button", { name: "Save this view" }).click();
  await expect
    .poll(async () =>
      (await api<{ views: { name: string; shared: boolean }[] }>("/api/views")).views
        .filter(({ shared }) => shared)
        .map(({ name }) => name),
    )
    .toEqual(["Projects"]);
  await other.page.getByRole("button", { name: "Views" }).click();
  await other.page.getByRole("button", { name: "Delete Payments" }).click();
  await expect
    .poll(async () => (await api<{ views: { name: string }[] }>("/api/views")).views.map(({ name }) => name))
    .toEqual(["Projects"]);
  await leave(other);
  await leave(visited);
});

test("views that an earlier time left in the browser go to the server", async () => {
  const visited = await visit("/changes");
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
  const visited = await visit("/changes?filter=op%3Aupdate");
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
  await page.getByText("Saved in this browser").waitFor();
  await page.goto(`${seeded.url}/changes`);
  await page.getByRole("button", { name: "Views" }).click();
  await page.getByRole("link", { name: "Updates" }).click();
  await page.waitForURL(/op%3Aupdate/);
  await leave(visited);
});
