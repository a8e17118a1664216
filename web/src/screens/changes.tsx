// SPDX-License-Identifier: LGPL-3.0-or-later
// Changes: the live feed, what it is narrowed to, and when things happened.
import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { address } from "../api.ts";
import { Feed } from "../feed.ts";
import { filterParameters, parseFilter } from "../filter.ts";
import { Icon } from "../icons.tsx";
import { Empty, Failed, Menu, RangePicker } from "../parts/basics.tsx";
import { FeedList } from "../parts/feed_list.tsx";
import { FilterBar } from "../parts/filter_bar.tsx";
import { Histogram } from "../parts/histogram.tsx";
import { ViewsMenu } from "../parts/views_menu.tsx";
import { adjust, query } from "../router.ts";
import { boundsOf, count } from "../time.ts";

const HISTOGRAM_PAUSE_MS = 4000;

export function Changes() {
  const text = query.value.get("filter") ?? "";
  const range = query.value.get("range");
  // Kept while the range stays: the list is not to begin anew every minute.
  const bounds = useMemo(() => boundsOf(range), [range]);
  const parameters = filterParameters(parseFilter(text).filter);
  if (bounds.since) parameters.push(["since", bounds.since]);
  if (bounds.until) parameters.push(["until", bounds.until]);
  const key = JSON.stringify(parameters);
  const feed = useMemo(() => new Feed(parameters), [key]);
  const isPaused = useSignal(false);
  const version = useSignal(0);
  const canFollow = !bounds.until;
  useEffect(() => {
    void feed.loadMore();
    let timer = 0;
    feed.onArrival = () => {
      if (window.scrollY < 120) feed.release();
      timer ||= window.setTimeout(() => {
        timer = 0;
        version.value += 1;
      }, HISTOGRAM_PAUSE_MS);
    };
    return () => {
      clearTimeout(timer);
      feed.close();
    };
  }, [feed]);
  useEffect(() => {
    if (canFollow && !isPaused.value) feed.follow();
    else feed.pause();
  }, [feed, canFollow, isPaused.value]);
  useEffect(() => {
    const onScroll = () => window.scrollY < 40 && feed.release();
    window.addEventListener("scroll", onScroll, { passive: true });
    return () => window.removeEventListener("scroll", onScroll);
  }, [feed]);
  const held = useComputed(() => feed.held.value.length).value;
  const isEmpty = feed.isComplete.value && feed.changes.value.length === 0;
  const addWord = (word: string) => {
    if (!text.split(" ").includes(word)) adjust({ filter: `${text} ${word}`.trim() });
  };
  return (
    <>
      <header class="page-head">
        <h1>Changes</h1>
        <LiveButton
          feed={feed}
          canFollow={canFollow}
          isPaused={isPaused.value}
          onToggle={() => (isPaused.value = !isPaused.value)}
        />
        <div class="spacer" />
        <RangePicker />
        <ViewsMenu />
        <ExportMenu parameters={parameters} />
      </header>
      <FilterBar text={text} onChange={(filter) => adjust({ filter: filter || undefined })} />
      <Histogram
        parameters={parameters}
        version={version.value}
        onBrush={(since, until) => adjust({ range: `${since}..${until}` })}
      />
      {held > 0 && (
        <div class="new-pill">
          <button
            type="button"
            onClick={() => {
              scrollTo({ top: 0 });
              feed.release();
            }}
          >
            {count(held)} new {held === 1 ? "change" : "changes"}
          </button>
        </div>
      )}
      {feed.error.value !== undefined && feed.changes.value.length === 0 ? (
        <Failed error={feed.error.value} retry={() => void feed.loadMore()} />
      ) : isEmpty ? (
        <NoChanges isNarrowed={text !== "" || range !== null} />
      ) : (
        <FeedList feed={feed} onFilter={addWord} key={key} />
      )}
    </>
  );
}

function LiveButton(props: { feed: Feed; canFollow: boolean; isPaused: boolean; onToggle: () => void }) {
  if (!props.canFollow) return <span class="muted">a time that is over</span>;
  const state = props.feed.live.value;
  const [tone, name] =
    state === "live"
      ? ["good", "Live"]
      : state === "off"
        ? ["", "Paused"]
        : state === "lost"
          ? ["bad", "Reconnecting"]
          : ["warn", "Connecting"];
  return (
    <button
      type="button"
      class="button quiet small live"
      aria-pressed={undefined}
      title={props.isPaused ? "Follow new changes (l)" : "Pause (l)"}
      id="live"
      onClick={props.onToggle}
    >
      <span class={`dot ${tone}`} />
      {name}
    </button>
  );
}

function NoChanges({ isNarrowed }: { isNarrowed: boolean }) {
  if (isNarrowed) {
    return (
      <Empty icon="search" title="No change fits">
        <p>Nothing in the history matches this filter and time.</p>
        <div class="row">
          <a class="button" href="/changes">
            Show all changes
          </a>
        </div>
      </Empty>
    );
  }
  return (
    <Empty icon="changes" title="Waiting for the first change">
      <p>As soon as the application writes, its changes appear here by themselves.</p>
    </Empty>
  );
}

function ExportMenu({ parameters }: { parameters: [string, string][] }) {
  return (
    <Menu
      kind="small"
      title="Export"
      label={
        <>
          <Icon name="download" size={14} />
          <span class="hide-phone">Export</span>
        </>
      }
    >
      <a download href={address("/api/export", [...parameters, ["format", "csv"]])}>
        CSV <span class="hint">all that fit</span>
      </a>
      <a download href={address("/api/export", [...parameters, ["format", "jsonl"]])}>
        JSON lines <span class="hint">all that fit</span>
      </a>
    </Menu>
  );
}
