// SPDX-License-Identifier: LGPL-3.0-or-later
// A feed as a list of any length. The page holds only the lines on the screen.

import { observeWindowOffset, observeWindowRect, Virtualizer, windowScroll } from "@tanstack/virtual-core";
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from "preact/hooks";
import type { Change } from "../../api.ts";
import { Skeleton } from "../../components/states.tsx";
import { dayName } from "../../time.ts";
import { ChangeDetail } from "../change/change_detail.tsx";
import { ChangeLine } from "../change/change_line.tsx";
import type { Feed } from "./feed.ts";

type Item =
  | { kind: "day"; id: string; name: string }
  | { kind: "change"; id: string; change: Change; place: number };

const LINE = 43;

function itemsOf(changes: Change[]): Item[] {
  const items: Item[] = [];
  let day = "";
  changes.forEach((change, place) => {
    const name = dayName(change.effective_at);
    if (name !== day) {
      day = name;
      items.push({ kind: "day", id: `${name}-${change.id}`, name });
    }
    items.push({ kind: "change", id: change.id, change, place });
  });
  return items;
}

function useWindowVirtualizer(items: Item[], margin: number): Virtualizer<Window, HTMLElement> {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const options = {
    count: items.length,
    getScrollElement: () => window,
    estimateSize: (i: number) => (items[i]?.kind === "day" ? 38 : LINE),
    getItemKey: (i: number) => items[i]?.id ?? i,
    overscan: 12,
    scrollMargin: margin,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll,
    initialOffset: () => window.scrollY,
    onChange: () => redraw(0),
  };
  const [virtualizer] = useState(() => new Virtualizer<Window, HTMLElement>(options as never));
  virtualizer.setOptions(options as never);
  useLayoutEffect(() => virtualizer._didMount(), []);
  useLayoutEffect(() => virtualizer._willUpdate());
  return virtualizer;
}

export function FeedList({ feed, onFilter }: { feed: Feed; onFilter: (word: string) => void }) {
  const changes = feed.changes.value;
  const items = useMemo(() => itemsOf(changes), [changes]);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const [cursor, setCursor] = useState<string | null>(null);
  const root = useRef<HTMLDivElement>(null);
  const [margin, setMargin] = useState(0);
  useLayoutEffect(() => {
    const top = (root.current?.getBoundingClientRect().top ?? 0) + window.scrollY;
    if (Math.abs(top - margin) > 1) setMargin(top);
  });
  const virtualizer = useWindowVirtualizer(items, margin);
  const shown = virtualizer.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last >= items.length - 20) void feed.loadMore();
  }, [last, items.length, feed]);
  const toggle = (id: string) =>
    setOpen((before) => {
      const after = new Set(before);
      if (!after.delete(id)) after.add(id);
      return after;
    });
  useKeys(items, cursor, setCursor, toggle, virtualizer);
  const onToggle = (id: string) => {
    setCursor(id);
    toggle(id);
  };
  return (
    <div class="feed" ref={root} aria-busy={feed.isLoading.value}>
      <ul aria-label="Changes" style={{ height: `${virtualizer.getTotalSize()}px` }}>
        {shown.map((virtual) => {
          const item = items[virtual.index];
          if (!item) return null;
          return (
            <li
              key={item.id}
              class="item"
              data-index={virtual.index}
              ref={(element) => {
                if (element) virtualizer.measureElement(element);
              }}
              style={{ transform: `translateY(${virtual.start - margin}px)` }}
            >
              <FeedItem
                item={item}
                isOpen={open.has(item.id)}
                isCurrent={cursor === item.id}
                isNew={feed.fresh.has(item.id)}
                onToggle={onToggle}
                onFilter={onFilter}
              />
            </li>
          );
        })}
      </ul>
      <End feed={feed} isEmpty={changes.length === 0} />
    </div>
  );
}

function FeedItem(props: {
  item: Item;
  isOpen: boolean;
  isCurrent: boolean;
  isNew: boolean;
  onToggle: (id: string) => void;
  onFilter: (word: string) => void;
}) {
  const { item, isOpen } = props;
  if (item.kind === "day") return <div class="day">{item.name}</div>;
  const kinds = [isOpen && "is-open", props.isCurrent && "is-cursor", props.isNew && "is-new"];
  return (
    <div class={["change", ...kinds.filter(Boolean)].join(" ")}>
      <ChangeLine change={item.change} isOpen={isOpen} onToggle={() => props.onToggle(item.id)} />
      {isOpen && <ChangeDetail change={item.change} onFilter={props.onFilter} />}
    </div>
  );
}

function End({ feed, isEmpty }: { feed: Feed; isEmpty: boolean }) {
  if (feed.isLoading.value) return <Skeleton lines={isEmpty ? 9 : 2} height={20} />;
  if (!feed.isComplete.value || feed.changes.value.length <= 10) return null;
  return <p class="muted more-note">End of results</p>;
}

/** j and k move, Enter opens. */
function useKeys(
  items: Item[],
  shown: string | null,
  setCursor: (id: string) => void,
  toggle: (id: string) => void,
  virtualizer: Virtualizer<Window, HTMLElement>,
): void {
  // Keys can come faster than the page is drawn.
  const latest = useRef(shown);
  latest.current = shown;
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as Element;
      if (target.closest("input, select, textarea, dialog, .menu-list")) return;
      if (event.metaKey || event.ctrlKey || event.altKey) return;
      const step = event.key === "j" ? 1 : event.key === "k" ? -1 : 0;
      const at = items.findIndex(({ id }) => id === latest.current);
      if (step !== 0) {
        let next = at < 0 && step < 0 ? 0 : at + step;
        while (items[next]?.kind === "day") next += step;
        const item = items[next];
        if (!item) return;
        latest.current = item.id;
        setCursor(item.id);
        virtualizer.scrollToIndex(next, { align: "auto" });
        event.preventDefault();
      } else if (event.key === "Enter" || event.key === "o") {
        const item = items[at];
        if (!item || target.closest("a, button")) return;
        toggle(item.id);
        event.preventDefault();
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });
}
