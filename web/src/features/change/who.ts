// SPDX-License-Identifier: LGPL-3.0-or-later
// The person and the place in a context, whatever keys the application passes.
import { type Json, plain, type Row } from "../../json.ts";

const PEOPLE = [
  "user",
  "user_name",
  "username",
  "email",
  "user_email",
  "user_id",
  "userId",
  "actor",
  "actor_id",
  "account_id",
  "admin_id",
];

const PLACES = ["endpoint", "path", "route", "url", "operation", "task", "job", "worker", "command"];

function first(context: Row, keys: string[]): [string, string] | undefined {
  for (const key of keys) {
    const value: Json | undefined = context[key];
    if (value !== undefined && value !== null && typeof value !== "object") return [key, plain(value)];
  }
  return undefined;
}

export function personOf(context: Row): [string, string] | undefined {
  return first(context, PEOPLE);
}

/** What Bemi wrote itself: an undo, or a way back to a mark. */
function undoIn(context: Row): string | undefined {
  const { mark, revert_of: of } = context;
  if (typeof mark === "string" && context.mark_action !== undefined) return `mark ${mark}`;
  if (!Array.isArray(of) || of.length === 0) return undefined;
  return of.length === 1
    ? `undo of transaction ${plain(of[0] ?? null)}`
    : `undo of ${of.length} transactions`;
}

export function placeOf(context: Row): string | undefined {
  const place = first(context, PLACES);
  if (place === undefined) return undoIn(context);
  const method = context.method;
  return typeof method === "string" ? `${method} ${place[1]}` : place[1];
}
