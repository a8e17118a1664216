// SPDX-License-Identifier: LGPL-3.0-or-later
// The changes that a screen is about: its filter and its time range, as parameters of the API.
import { boundsOf } from "../../time.ts";
import { type Filter, filterParameters } from "./filter.ts";

export type Selection = [string, string][];

export function selectionOf(filter: Filter, range: string | null): Selection {
  const { since, until } = boundsOf(range);
  return [
    ...filterParameters(filter),
    ...(since ? [["since", since] as [string, string]] : []),
    ...(until ? [["until", until] as [string, string]] : []),
  ];
}
