// SPDX-License-Identifier: LGPL-3.0-or-later
// Saved views. The server keeps them, so that they are there in every browser; where it may not
// write, this browser does.
import { signal } from "@preact/signals";
import { get, post, remove } from "./api.ts";
import { say } from "./state.ts";

export interface View {
  name: string;
  address: string;
  owner: string;
  shared: boolean;
  own: boolean;
}

export const views = signal<View[]>(inBrowser());

function inBrowser(): View[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem("views") ?? "[]");
    if (!Array.isArray(kept)) return [];
    return (kept as Partial<View>[]).flatMap(({ name, address }) =>
      typeof name === "string" && typeof address === "string" && address.startsWith("/")
        ? [{ name, address, owner: "", shared: false, own: true }]
        : [],
    );
  } catch {
    return [];
  }
}

function keepInBrowser(kept: View[]): void {
  if (kept.length === 0) localStorage.removeItem("views");
  else localStorage.setItem("views", JSON.stringify(kept.map(({ name, address }) => ({ name, address }))));
}

async function ofServer(): Promise<View[]> {
  return (await get<{ views: View[] }>("/api/views")).views;
}

/** What an earlier time left in this browser goes to the server; one of the same name keeps both. */
async function handOver(known: View[]): Promise<boolean> {
  const waiting = inBrowser();
  for (const view of waiting) {
    const same = known.find(({ own, name }) => own && name === view.name);
    const name = same === undefined ? view.name : `${view.name} (from a browser)`;
    if (same?.address !== view.address)
      await post("/api/views", { name: name.replaceAll("/", "|"), address: view.address });
    keepInBrowser(inBrowser().filter((one) => one.name !== view.name));
  }
  return waiting.length > 0;
}

export async function loadViews(): Promise<void> {
  try {
    views.value = await ofServer();
  } catch {
    views.value = inBrowser();
    return;
  }
  try {
    if (await handOver(views.value)) views.value = await ofServer();
  } catch {
    views.value = [...inBrowser(), ...views.value];
  }
}

export async function keepView(name: string, address: string, shared: boolean): Promise<void> {
  try {
    await post("/api/views", { name, address, shared });
    await loadViews();
  } catch (problem) {
    if (shared) {
      say(problem instanceof Error ? problem.message : String(problem));
      return;
    }
    keepInBrowser([
      ...inBrowser().filter((one) => one.name !== name),
      { name, address, owner: "", shared: false, own: true },
    ]);
    await loadViews();
    say("Kept in this browser: the server cannot keep it");
  }
}

export async function forgetView(view: View): Promise<void> {
  keepInBrowser(inBrowser().filter((one) => one.name !== view.name));
  if (view.owner !== "") {
    const owner = view.own ? "" : `?${new URLSearchParams({ owner: view.owner })}`;
    await remove(`/api/views/${encodeURIComponent(view.name)}${owner}`).catch((problem: unknown) =>
      say(problem instanceof Error ? problem.message : String(problem)),
    );
  }
  await loadViews();
}
