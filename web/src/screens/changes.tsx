// SPDX-License-Identifier: LGPL-3.0-or-later
// Changes: the live feed, its filter, and a histogram.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { Icon } from "../components/icons.tsx";
import { RangePicker } from "../components/range_picker.tsx";
import { Empty, Failed } from "../components/states.tsx";
import { ExportMenu } from "../features/feed/export_menu.tsx";
import { Feed } from "../features/feed/feed.ts";
import { FeedList } from "../features/feed/feed_list.tsx";
import { LiveButton } from "../features/feed/live_button.tsx";
import { parseFilter } from "../features/filter/filter.ts";
import { FilterBar } from "../features/filter/filter_bar.tsx";
import { type Selection, selectionOf } from "../features/filter/selection.ts";
import { Histogram } from "../features/histogram/histogram.tsx";
import { ViewsMenu } from "../features/views/views_menu.tsx";
import { adjust, link, query } from "../router.ts";
import { count } from "../time.ts";

const HISTOGRAM_PAUSE_MS = 4000;

export function Changes() {
  const text = query.value.get("filter") ?? "";
  const range = query.value.get("range");
  // Kept while the range stays: the list does not begin anew every minute.
  const parameters = useMemo(() => selectionOf(parseFilter(text).filter, range), [text, range]);
  const { feed, isPaused, version, canFollow } = useFeed(parameters);
  const addWord = (word: string) => {
    if (!text.split(" ").includes(word)) adjust({ filter: `${text} ${word}`.trim() });
  };
  const togglePause = () => {
    isPaused.value = !isPaused.value;
  };
  return (
    <>
      <header class="page-head">
        <h1>Changes</h1>
        <LiveButton feed={feed} canFollow={canFollow} isPaused={isPaused.value} onToggle={togglePause} />
        <div class="spacer" />
        <RangePicker />
        <ViewsMenu />
        <ExportMenu parameters={parameters} />
        <a
          class="button small"
          href={link("/undo", { filter: text, range: range ?? undefined })}
          hidden={text === ""}
        >
          <Icon name="undo" size={14} /> Undo these…
        </a>
      </header>
      <FilterBar text={text} onChange={(filter) => adjust({ filter: filter || undefined })} />
      <Histogram
        parameters={parameters}
        version={version.value}
        onBrush={(since, until) => adjust({ range: `${since}..${until}` })}
      />
      <NewPill feed={feed} />
      <Found feed={feed} isNarrowed={text !== "" || range !== null} onFilter={addWord} />
    </>
  );
}

/** The feed of these parameters: it follows new changes unless it is paused or its time is over. */
function useFeed(parameters: Selection) {
  const feed = useMemo(() => new Feed(parameters), [parameters]);
  const isPaused = useSignal(false);
  const version = useSignal(0);
  const canFollow = !parameters.some(([name]) => name === "until");
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
  return { feed, isPaused, version, canFollow };
}

/** The number of new changes that wait above, announced to screen readers. */
function NewPill({ feed }: { feed: Feed }) {
  const held = feed.held.value.length;
  const show = () => {
    scrollTo({ top: 0 });
    feed.release();
  };
  return (
    <div class="new-pill" role="status">
      {held > 0 && (
        <button type="button" onClick={show}>
          {count(held)} new {held === 1 ? "change" : "changes"}
        </button>
      )}
    </div>
  );
}

function Found(props: { feed: Feed; isNarrowed: boolean; onFilter: (word: string) => void }) {
  const { feed } = props;
  const isNothing = feed.changes.value.length === 0;
  if (feed.error.value !== undefined && isNothing) {
    return <Failed error={feed.error.value} retry={() => void feed.loadMore()} />;
  }
  if (feed.isComplete.value && isNothing) return <NoChanges isNarrowed={props.isNarrowed} />;
  return <FeedList feed={feed} onFilter={props.onFilter} key={feed.id} />;
}

function NoChanges({ isNarrowed }: { isNarrowed: boolean }) {
  if (isNarrowed) {
    return (
      <Empty icon="search" title="No matching changes">
        <p>No change in the history matches this filter and period.</p>
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
      <p>Changes appear here as soon as your application writes to a tracked table.</p>
    </Empty>
  );
}
