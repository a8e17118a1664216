// SPDX-License-Identifier: LGPL-3.0-or-later
// Every screen: inert to hostile names, and accessible.
import { expect, test } from "vitest";
import { barriers, changes, leave, seeded, set, settled, unset, type Visit, visit } from "./browser.ts";

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

test("shows hostile names, values and contexts inert", async () => {
  const visited = await visit("/changes");
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
  await unset(`/api/users/${encodeURIComponent(name)}`);
  await unset(`/api/views/${encodeURIComponent(name.replaceAll("/", "|"))}`);
  await unset(`/api/webhooks/${encodeURIComponent(name)}`);
  await leave(visited);
});

for (const [name, options] of [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["phone", { colorScheme: "light", viewport: { width: 390, height: 844 } }],
] as const) {
  test(`is accessible, ${name}`, async () => {
    const visited: Visit = await visit("/changes", {
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
