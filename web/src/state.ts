// SPDX-License-Identifier: LGPL-3.0-or-later
// State that screens share: the session, tables, context keys, sources, theme.
import { signal } from "@preact/signals";
import { type ContextKey, get, type Session, type Source, type Table } from "./api.ts";

export const session = signal<Session | null>(null);

export const tables = signal<Table[] | null>(null);

export const contextKeys = signal<ContextKey[] | null>(null);

export const sources = signal<Source[] | null>(null);

export const sourcesFailed = signal("");

/** Sources are asked for again so often while they are on the screen. */
export const SAMPLE_MS = 2000;

/** Sources whose workers this server runs. */
export const managedNames = signal<ReadonlySet<string>>(new Set());

export const toast = signal("");

let toastTimer = 0;

export function say(text: string): void {
  toast.value = text;
  clearTimeout(toastTimer);
  toastTimer = window.setTimeout(() => {
    toast.value = "";
  }, 2000);
}

export async function loadTables(): Promise<void> {
  tables.value = (await get("/api/tables")).tables;
}

export async function loadContextKeys(): Promise<void> {
  contextKeys.value = (await get("/api/context-keys")).keys;
}

export async function loadSources(): Promise<void> {
  try {
    sources.value = (await get("/api/sources")).sources;
    sourcesFailed.value = "";
  } catch (error) {
    sourcesFailed.value = error instanceof Error ? error.message : String(error);
  }
}

export function tableOf(source: string, schema: string, table: string): Table | undefined {
  return tables.value?.find((one) => one.source === source && one.schema === schema && one.table === table);
}

// ---- Theme ----

export type Theme = "light" | "dark" | "auto";

const stored = localStorage.getItem("theme");

export const theme = signal<Theme>(stored === "light" || stored === "dark" ? stored : "auto");

export function applyTheme(): void {
  if (theme.value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}

export function setTheme(value: Theme): void {
  theme.value = value;
  if (value === "auto") localStorage.removeItem("theme");
  else localStorage.setItem("theme", value);
  applyTheme();
}
