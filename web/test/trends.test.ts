// SPDX-License-Identifier: LGPL-3.0-or-later
// Trends: the figures of a period.
import { expect, test } from "vitest";
import { api, leave, settled, visit } from "./browser.ts";

test("all time counts every change", async () => {
  const visited = await visit("/trends");
  const { page } = visited;
  await settled(page);
  await page.getByRole("button", { name: "All", exact: true }).click();
  await page.waitForURL(/range=all/);
  const { points } = await api<{ points: { changes: number }[] }>(
    "/api/trends?every=7%20days&by=operation&since=2020-01-01",
  );
  const total = points.reduce((sum, { changes }) => sum + changes, 0);
  await page.getByRole("heading", { name: `${total.toLocaleString("en-US")} changes` }).waitFor();
  expect(total).toBeGreaterThan(500);
  await leave(visited);
});
