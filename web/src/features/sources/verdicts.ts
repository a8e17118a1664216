// SPDX-License-Identifier: LGPL-3.0-or-later
// The health of a source in words and colours. The server judges: see src/query/health.hpp.
import type { Source } from "../../api.ts";

export type Level = Source["health"]["level"];

export const TONES: Record<Level, "good" | "warn" | "bad"> = {
  good: "good",
  attention: "warn",
  action: "bad",
};

export const HEALTH: Record<Level, string> = {
  good: "Up to date",
  attention: "Needs attention",
  action: "Action required",
};
