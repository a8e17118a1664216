// SPDX-License-Identifier: LGPL-3.0-or-later
// A browser as a person has it: nothing may fail unseen in it, and nothing be asked of elsewhere.
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
import { afterAll, beforeAll, expect, inject } from "vitest";

export const seeded = inject("seeded");

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let launched: Browser | undefined;

/** The browser of a file of tests. */
export const browser = {
  newContext: (options: BrowserContextOptions = {}): Promise<BrowserContext> => {
    if (!launched) throw new Error("no browser outside a test");
    return launched.newContext(options);
  },
};

beforeAll(async () => {
  launched = await chromium.launch({
    executablePath: process.env.BEMI_CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS,
  });
});
afterAll(() => launched?.close());

export interface Visit {
  page: Page;
  context: BrowserContext;
  /** What went wrong in the page; empty at the end of a good test. */
  troubles: string[];
}

/** A page that is signed in. */
export async function visit(
  path: string,
  options: BrowserContextOptions = {},
  base = seeded.url,
): Promise<Visit> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 820 },
    timezoneId: "Europe/Berlin",
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const troubles: string[] = [];
  page.on("pageerror", (error) => troubles.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    const text = message.text();
    // A refused question (409) is shown to the user; the browser notes it all the same.
    if (message.type() === "error" && !/status of 4\d\d|net::ERR_/.test(text))
      troubles.push(`console: ${text}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base)) troubles.push(`outside: ${request.url()}`);
  });
  await page.goto(`${base}/#token=${seeded.token}`);
  await page.waitForSelector(".shell");
  if (path !== "/") await page.goto(base + path);
  return { page, context, troubles };
}

/** A way to the server that can be cut as a network is. */
export async function cuttableWire(): Promise<{
  url: string;
  cut: () => void;
  mend: () => void;
  close: () => void;
}> {
  const target = new URL(seeded.url);
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(Number(target.port), target.hostname);
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(end);
      end.pipe(other);
      end.on("error", () => other.destroy());
      end.on("close", () => open.delete(end));
    }
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const end = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      isCut = true;
      end();
    },
    mend: () => {
      isCut = false;
    },
    close: () => {
      end();
      server.close();
    },
  };
}

export async function leave({ page, context, troubles }: Visit): Promise<void> {
  expect(await page.title()).not.toContain("owned");
  expect(troubles).toEqual([]);
  await context.close();
}

/** Runs SQL on the source; returns when its changes are in the history. */
export async function sql(statement: string): Promise<void> {
  const response = await fetch(seeded.sql, { method: "POST", body: statement });
  expect(response.status).toBe(200);
}

/** Changes a setting, as a script does. */
export async function set(path: string, body: object): Promise<void> {
  const response = await fetch(seeded.url + path, {
    method: "POST",
    headers: { Authorization: `Bearer ${seeded.token}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(response.status).toBeLessThan(300);
}

export async function api<T>(path: string): Promise<T> {
  const response = await fetch(seeded.url + path, { headers: { Authorization: `Bearer ${seeded.token}` } });
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

/** Removes a setting, as a script does. */
export async function unset(path: string): Promise<void> {
  const headers = { Authorization: `Bearer ${seeded.token}` };
  const response = await fetch(seeded.url + path, { method: "DELETE", headers });
  expect(response.status).toBe(204);
}

/** Waits until nothing on the page says that it loads. */
export async function settled(page: Page): Promise<void> {
  await page.waitForSelector("h1");
  await page.waitForFunction(() => !document.querySelector(".skeleton, .is-stale"));
}

const axe = readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** What keeps somebody from using the page, as axe finds it. Its script needs bypassCSP. */
export async function barriers(page: Page): Promise<string[]> {
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

export async function line(page: Page, text: string | RegExp) {
  return page.locator(".change-line", { hasText: text }).first();
}

export interface Change {
  id: string;
  primary_key: string;
  effective_at: string;
  context: Record<string, unknown>;
}
export const changes = async (query: string) =>
  (await api<{ changes: Change[] }>(`/api/changes?${query}`)).changes;
