// SPDX-License-Identifier: LGPL-3.0-or-later
// The API of contracts/openapi.json, as far as the screens ask it.
import { type Json, parse, type Row } from "./json.ts";

export type Operation = "CREATE" | "UPDATE" | "DELETE" | "TRUNCATE" | "SNAPSHOT" | "SCHEMA";

export interface Change {
  id: string;
  source: string;
  database: string;
  schema: string;
  table: string;
  primary_key: string | null;
  operation: Operation;
  before: Row;
  after: Row;
  context: Row;
  committed_at: string;
  effective_at: string;
  queued_at: string;
  created_at: string;
  transaction_id: Json;
  position: Json;
  epoch: number;
  commit_position: Json;
  sequence: number;
  exact: Json;
  fidelity: Json;
  /** Which values were cut, and how many bytes each has; only of a change with more than 4 MB. */
  truncated?: Json;
}

export interface Version {
  version: number;
  valid_from: string;
  valid_to: string | null;
  operation: Operation;
  changed: { [column: string]: [Json, Json] };
  context: Row;
  row: Row;
  transaction_id: Json;
  id: string;
}

export interface Table {
  source: string;
  schema: string;
  table: string;
  since: string;
  whole: boolean;
  columns: { name: string; type: string }[] | null;
  primary_key: string[] | null;
}

export interface Group {
  value: string;
  source: string;
  changes: number;
  transactions: number;
  tables: string[];
  created: number;
  updated: number;
  deleted: number;
  first: string;
  last: string;
  context: Row;
}

export interface Bucket {
  at: string;
  created: number;
  updated: number;
  deleted: number;
  other: number;
  /** Rows of baselines and checkpoints: nobody changed anything. */
  baseline: number;
}

export interface Histogram {
  since: string;
  until: string;
  seconds: number;
  estimated: boolean;
  buckets: Bucket[];
}

export interface PastRow {
  primary_key: string | null;
  row: Row;
  fidelity: Json;
  operation: Operation | null;
  effective_at: string | null;
}

export interface DiffRow {
  primary_key: string | null;
  operation: Operation;
  before: Row;
  after: Row;
}

export interface Source {
  source: string;
  database: string;
  state: string;
  epoch: number;
  slot: string;
  publication: string;
  position: string | null;
  effective_at: string | null;
  last_change_at: string | null;
  progress_age_seconds: number | null;
  transactions: number;
  changes: number;
  changes_with_context: number;
  written: number;
  written_with_context: number;
  contexts_rejected: number;
  created_at: string;
  worker: { host: string; pid: number; version: string; started_at: string; here: boolean } | null;
  heard_at: string | null;
  parked: number;
  open_gaps: number;
  gaps: {
    reason: string;
    epoch: number;
    from_position: string | null;
    to_position: string | null;
    detected_at: string;
    accepted_at: string | null;
  }[];
  slot_known: boolean;
  slot_there?: boolean;
  slot_active?: boolean;
  wal_status?: string;
  retained_bytes?: number;
  safe_wal_bytes?: number | null;
  lag_bytes?: number;
  probe_error?: string;
}

export interface ContextKey {
  key: string;
  share: number;
  values: string[];
}

export interface Coverage {
  schema: string;
  table: string;
  changes: number;
  with_context: number;
  with_key: number;
  by?: string | null;
}

export interface Session {
  name: string;
  role: "viewer" | "operator" | "admin";
  csrf: string;
  version: string;
}

export interface User {
  name: string;
  role: Session["role"];
  has_password: boolean;
  created_at: string;
  changed_at: string;
}

export interface Webhook {
  name: string;
  url: string;
  filter: Record<string, string | string[]>;
  enabled: boolean;
  delivered: number;
  failures: number;
  last_error: string | null;
  last_status: number | null;
  last_attempt_at: string | null;
  last_success_at: string | null;
  next_attempt_at: string | null;
  created_by: string;
  created_at: string;
}

export interface Action {
  id: number;
  at: string;
  actor: string;
  role: string;
  peer: string;
  action: string;
  target: string;
  details: Row;
  outcome: string | null;
  ended_at: string | null;
}

/** A problem document (RFC 9457), or what stands in for one when the server cannot be reached. */
export class Problem extends Error {
  readonly status: number;
  readonly hint: string;
  constructor(status: number, detail: string, hint = "") {
    super(detail);
    this.status = status;
    this.hint = hint;
  }
}

export type Parameters = [string, string][] | Record<string, string | number | boolean | undefined>;

export function address(path: string, parameters: Parameters = {}): string {
  const pairs = Array.isArray(parameters)
    ? parameters
    : Object.entries(parameters).flatMap(([name, value]): [string, string][] =>
        value === undefined || value === "" ? [] : [[name, String(value)]],
      );
  const query = new URLSearchParams(pairs).toString();
  return query === "" ? path : `${path}?${query}`;
}

let csrf = "";
let onSignedOut: () => void = () => {};

export function whenSignedOut(act: () => void): void {
  onSignedOut = act;
}

async function problemOf(response: Response): Promise<Problem> {
  try {
    const { detail, hint } = (await response.json()) as { detail?: string; hint?: string };
    return new Problem(response.status, detail ?? response.statusText, hint ?? "");
  } catch {
    return new Problem(response.status, `The server answered ${response.status}`);
  }
}

async function send(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers: Record<string, string> = {};
  if (method !== "GET") headers["X-Bemi-CSRF"] = csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Problem(
      0,
      "Bemi cannot be reached",
      "Is it still running? This page goes on when it answers again.",
    );
  }
  if (response.ok) return response;
  if (response.status === 401 && path !== "/api/session") onSignedOut();
  throw await problemOf(response);
}

export async function get<T>(path: string, parameters?: Parameters, signal?: AbortSignal): Promise<T> {
  const response = await send("GET", address(path, parameters), undefined, signal);
  return parse<T>(await response.text());
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  const response = await send("POST", path, body);
  return response.status === 204 ? (undefined as T) : parse<T>(await response.text());
}

export async function remove(path: string): Promise<void> {
  await send("DELETE", path, undefined);
}

export async function currentSession(): Promise<Session> {
  const session = await get<Session>("/api/session");
  csrf = session.csrf;
  return session;
}

export async function signIn(
  secret: { token: string } | { name: string; password: string },
): Promise<Session> {
  const session = await post<Session>("/api/session", secret);
  csrf = session.csrf;
  return session;
}
