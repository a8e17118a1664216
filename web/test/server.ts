// SPDX-License-Identifier: LGPL-3.0-or-later
// Starts test/seed.py once for all tests: a server with a history, tracked by the real binary.
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { TestProject } from "vitest/node";

export interface Seeded {
  url: string;
  token: string;
  database: string;
  /** Where SQL is handed in, and answered when its changes are stored. */
  sql: string;
  /** A server that manages sources, and a database to connect it to. */
  control: { url: string; source: string };
}

declare module "vitest" {
  export interface ProvidedContext {
    seeded: Seeded;
  }
}

const ROOT = new URL("../..", import.meta.url).pathname;

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const seed: ChildProcess = spawn(`${ROOT}.venv/bin/python`, ["web/test/seed.py"], {
    cwd: ROOT,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: seed.stdout! })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) throw new Error("test/seed.py did not start: is the binary built (./dev build)?");
  project.provide("seeded", JSON.parse(first.value) as Seeded);
  return async () => {
    const ended = new Promise((resolve) => seed.once("exit", resolve));
    seed.stdin!.end();
    await ended;
  };
}
