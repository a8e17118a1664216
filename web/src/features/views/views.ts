// SPDX-License-Identifier: LGPL-3.0-or-later
// Saved views. The server keeps them for every browser; if it cannot, this browser does.
import { signal } from "@preact/signals";
import { get, post, remove, type View } from "../../api.ts";
import { say } from "../../state.ts";

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
  return (await get("/api/views")).views;
}

/** Moves views that this browser kept to the server; two of the same name both stay. */
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

function sayProblem(problem: unknown): void {
  say(problem instanceof Error ? problem.message : String(problem));
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
    say(`View ${name} saved`);
  } catch (problem) {
    if (shared) {
      sayProblem(problem);
      return;
    }
    keepInBrowser([
      ...inBrowser().filter((one) => one.name !== name),
      { name, address, owner: "", shared: false, own: true },
    ]);
    await loadViews();
    say("Saved in this browser only: the server cannot save it");
  }
}

export async function deleteView(view: View): Promise<void> {
  keepInBrowser(inBrowser().filter((one) => one.name !== view.name));
  if (view.owner !== "") {
    await remove("/api/views/{name}", { name: view.name }, view.own ? {} : { owner: view.owner }).catch(
      sayProblem,
    );
  }
  await loadViews();
}
