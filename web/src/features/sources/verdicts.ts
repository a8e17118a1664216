// SPDX-License-Identifier: LGPL-3.0-or-later
// The health of a source, in sentences.
import type { Source } from "../../api.ts";
import { now, plural, span } from "../../time.ts";

export interface Verdict {
  tone: "warn" | "bad";
  text: string;
}

/** Each problem: whether a source has it, how bad it is, and a sentence that says what to do. */
const PROBLEMS: {
  tone: Verdict["tone"];
  has: (source: Source) => boolean;
  text: (source: Source) => string;
}[] = [
  {
    tone: "bad",
    has: (source) => source.open_gaps > 0,
    text: () => "The history has a gap. To continue with a new baseline, run bemi init --accept-gap",
  },
  {
    tone: "bad",
    has: (source) => source.slot_there === false,
    text: (source) => `The replication slot ${source.slot} does not exist.`,
  },
  {
    tone: "bad",
    has: (source) => source.wal_status === "lost",
    text: () => "The source removed WAL that this slot still needed.",
  },
  {
    tone: "bad",
    has: (source) => source.wal_status === "unreserved",
    text: () => "The source will soon remove WAL that this slot needs. The worker must catch up now.",
  },
  {
    tone: "warn",
    has: (source) => source.slot_there === true && source.slot_active === false,
    text: () => "No worker reads the slot, so the source retains its WAL. Start a worker with bemi run",
  },
  {
    tone: "warn",
    has: (source) => source.parked > 0,
    text: (source) =>
      `${plural(source.parked, "message or change", "messages or changes")} could not be stored as such. Their bytes are in _bemi.parked.`,
  },
  {
    tone: "warn",
    has: (source) => source.contexts_rejected > 0,
    text: (source) =>
      `${plural(source.contexts_rejected, "context")} could not be read. The changes are stored without them.`,
  },
  {
    tone: "warn",
    has: (source) => !source.slot_known && isSilent(source),
    text: (source) =>
      `The worker was last seen ${span(silence(source))} ago. Check it on its own host: this server does not control it.`,
  },
  {
    tone: "warn",
    has: (source) => Boolean(source.probe_error),
    text: (source) => `The source does not answer: ${source.probe_error}`,
  },
];

export function verdicts(source: Source): Verdict[] {
  return PROBLEMS.filter(({ has }) => has(source)).map(({ tone, text }) => ({ tone, text: text(source) }));
}

export type Health = "good" | "warn" | "bad";

export const HEALTH: Record<Health, string> = {
  good: "Up to date",
  warn: "Needs attention",
  bad: "Action required",
};

/** One judgement for the sidebar and the card. */
export function healthOf(source: Source): Health {
  const found = verdicts(source);
  if (found.some(({ tone }) => tone === "bad")) return "bad";
  const isLate = (source.progress_age_seconds ?? 0) > LATE_SECONDS || (source.lag_bytes ?? 0) > LATE_BYTES;
  return found.length > 0 || isLate ? "warn" : "good";
}

const LATE_SECONDS = 180;
const LATE_BYTES = 64e6;

// Far beyond the heartbeat of a worker.
const SILENT_SECONDS = 300;

const silence = ({ heard_at }: Source) =>
  heard_at === null ? 0 : Math.max(0, (now.value - Date.parse(heard_at)) / 1000);

const isSilent = (source: Source) => silence(source) > SILENT_SECONDS;
