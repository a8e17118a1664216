// SPDX-License-Identifier: LGPL-3.0-or-later
// A time relative to now; its title holds the exact one.
import { ago, exactTime } from "../time.ts";

export function Ago({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactTime(at)} class="number">
      {ago(at)}
    </time>
  );
}
