// SPDX-License-Identifier: LGPL-3.0-or-later
// The changes that a filter selects: pages from the newest back, and new changes as they are stored.
import { type Signal, signal } from "@preact/signals";
import { address, type Change, get, Problem } from "../../api.ts";
import { parse } from "../../json.ts";

const PAGE = 60;

/** The list keeps so many of a stream that runs for days. */
const MOST = 5000;

export type LiveState = "off" | "connecting" | "live" | "lost";

let made = 0;

export class Feed {
  readonly id = String(++made);
  readonly changes: Signal<Change[]> = signal([]);
  readonly error: Signal<unknown> = signal(undefined);
  readonly isLoading = signal(true);
  readonly isComplete = signal(false);
  readonly live: Signal<LiveState> = signal("off");
  /** Changes that arrived while the reader is further down. */
  readonly held: Signal<Change[]> = signal([]);
  readonly fresh = new Set<string>();
  onArrival: () => void = () => {};

  private readonly parameters: [string, string][];
  private readonly known = new Set<string>();
  private readonly abort = new AbortController();
  private next: string | null = null;
  private stream: EventSource | undefined;
  private isRefused = false;

  constructor(parameters: [string, string][]) {
    this.parameters = parameters;
  }

  async loadMore(): Promise<void> {
    if (this.isComplete.value || (this.isLoading.value && this.changes.value.length > 0)) return;
    this.isLoading.value = true;
    try {
      const cursor: [string, string][] = this.next === null ? [] : [["cursor", this.next]];
      const page = await this.page(cursor);
      this.next = page.next;
      this.isComplete.value = page.next === null;
      this.changes.value = [...this.changes.value, ...this.unknown(page.changes)];
      this.error.value = undefined;
    } catch (error) {
      if (this.abort.signal.aborted) return;
      this.error.value = error;
      // A question that is refused is refused as a stream too, however often it is asked.
      this.isRefused = error instanceof Problem && error.status < 500;
      if (this.isRefused) this.pause();
    }
    this.isLoading.value = false;
  }

  follow(): void {
    if (this.stream || this.isRefused) return;
    this.live.value = "connecting";
    const filters = this.parameters.filter(([name]) => name !== "since");
    this.stream = new EventSource(address("/api/stream", filters));
    let isFirst = true;
    this.stream.addEventListener("open", () => {
      this.live.value = "live";
      // Changes stored between the first page and now; later the stream itself resumes.
      if (isFirst)
        void this.page([]).then(
          ({ changes }) => this.arrive(changes.reverse()),
          () => {},
        );
      isFirst = false;
    });
    this.stream.addEventListener("error", () => {
      this.live.value = "lost";
      // Refused, not cut off: the browser does not try again by itself.
      if (this.stream?.readyState === EventSource.CLOSED) {
        this.stream = undefined;
        setTimeout(() => !this.abort.signal.aborted && this.live.value === "lost" && this.follow(), 3000);
      }
    });
    this.stream.addEventListener("change", (event) =>
      this.arrive([parse<Change>((event as MessageEvent<string>).data)]),
    );
  }

  pause(): void {
    this.stream?.close();
    this.stream = undefined;
    this.live.value = "off";
  }

  /** Shows the held changes at the top. */
  release(): void {
    if (this.held.value.length === 0) return;
    this.changes.value = [...this.held.value, ...this.changes.value].slice(0, MOST);
    this.held.value = [];
  }

  close(): void {
    this.abort.abort();
    this.pause();
  }

  private page(more: [string, string][]): Promise<{ changes: Change[]; next: string | null }> {
    return get("/api/changes", [...this.parameters, ["limit", String(PAGE)], ...more], this.abort.signal);
  }

  private unknown(changes: Change[]): Change[] {
    return changes.filter(({ id }) => !this.known.has(id) && this.known.add(id));
  }

  /** Takes changes in commit order, the newest last. */
  private arrive(changes: Change[]): void {
    const since = this.parameters.find(([name]) => name === "since")?.[1];
    const arrived = this.unknown(
      changes.filter(({ effective_at }) => !since || Date.parse(effective_at) >= Date.parse(since)),
    );
    if (arrived.length === 0) return;
    for (const { id } of arrived) this.fresh.add(id);
    this.held.value = [...arrived.reverse(), ...this.held.value].slice(0, MOST);
    this.onArrival();
  }
}
