// SPDX-License-Identifier: LGPL-3.0-or-later
// The address as state: path, query, and links between screens.
import { computed, signal } from "@preact/signals";

const here = signal(location.pathname + location.search);

window.addEventListener("popstate", () => {
  here.value = location.pathname + location.search;
});

export const path = computed(() => new URL(here.value, location.origin).pathname);

export const query = computed(() => new URL(here.value, location.origin).searchParams);

export type Query = Record<string, string | undefined>;

export function link(to: string, parameters: Query = {}): string {
  const pairs = Object.entries(parameters).filter((pair): pair is [string, string] => !!pair[1]);
  const text = new URLSearchParams(pairs).toString();
  return text === "" ? to : `${to}?${text}`;
}

export function go(to: string, parameters: Query = {}, how: "push" | "replace" = "push"): void {
  const target = link(to, parameters);
  if (target === here.value) return;
  if (how === "push") history.pushState(null, "", target);
  else history.replaceState(null, "", target);
  here.value = target;
  if (how === "push" && new URL(target, location.origin).pathname !== path.peek()) scrollTo(0, 0);
}

/** Changes some of the query, keeps the rest. */
export function adjust(changes: Query, how: "push" | "replace" = "push"): void {
  const all: Query = Object.fromEntries(query.peek());
  go(path.peek(), { ...all, ...changes }, how);
}

/** Follows our own links without loading the page anew. */
export function followLinks(event: MouseEvent): void {
  const anchor = (event.target as Element | null)?.closest?.("a[href]");
  const isPlain = event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
  if (!(anchor instanceof HTMLAnchorElement) || !isPlain || anchor.target || anchor.hasAttribute("download"))
    return;
  const url = new URL(anchor.href);
  if (url.origin !== location.origin || url.pathname.startsWith("/api/") || url.hash !== "") return;
  event.preventDefault();
  const before = path.peek();
  const target = url.pathname + url.search;
  if (target !== here.value) history.pushState(null, "", target);
  here.value = target;
  if (before !== url.pathname) scrollTo(0, 0);
}
