// SPDX-License-Identifier: LGPL-3.0-or-later
// The client of the API. Paths, bodies and answers have the types of contracts/openapi.json.
import type { components, paths } from "./api_types.ts";
import { parse } from "./json.ts";

type Schemas = components["schemas"];
export type Action = Schemas["Action"];
export type Change = Schemas["Change"];
export type CheckedSource = Schemas["CheckedSource"];
export type ContextKey = Schemas["ContextKey"];
export type Coverage = Schemas["Coverage"];
export type DiffRow = Schemas["DiffRow"];
export type Filter = Schemas["Filter"];
export type Finding = Schemas["Finding"];
export type Group = Schemas["Group"];
export type Histogram = Schemas["Histogram"];
export type Bucket = Histogram["buckets"][number];
export type ManagedSource = Schemas["ManagedSource"];
export type Mark = Schemas["Mark"];
export type NewSource = Schemas["NewSource"];
export type Operation = Change["operation"];
export type Outcome = Schemas["Outcome"];
export type PastRow = Schemas["PastRow"];
export type Plan = Schemas["Plan"];
export type Conflict = Plan["conflicts"][number];
export type Policy = NonNullable<Schemas["RevertRequest"]["on_conflict"]>;
export type Session = Schemas["Session"];
export type Source = Schemas["Source"];
export type Table = Schemas["Table"];
export type TrendPoint = Schemas["TrendPoint"];
export type User = Schemas["User"];
export type Version = Schemas["Version"];
export type View = Schemas["View"];
export type Webhook = Schemas["Webhook"];

type Method = "get" | "post" | "delete";
/** The paths that know a method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends { [K in M]: { responses: object } } ? P : never;
}[keyof paths];
export type Answer<P extends keyof paths, M extends Method> = paths[P] extends {
  [K in M]: { responses: { 200: { content: { "application/json": infer T } } } };
}
  ? T
  : undefined;
export type Body<P extends keyof paths> = paths[P] extends {
  post: { requestBody: { content: { "application/json": infer T } } };
}
  ? T
  : undefined;
/** The values of `{name}` in a path. */
type Places = Record<string, string>;

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
      "Bemi does not answer",
      "Is it running? This page continues when Bemi answers again.",
    );
  }
  if (response.ok) return response;
  if (response.status === 401 && path !== "/api/session") onSignedOut();
  throw await problemOf(response);
}

/** A path with its `{name}`s filled in. */
function filled(path: string, places: Places): string {
  return path.replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(places[name] ?? ""));
}

/** Any path, for answers whose shape is not known before. */
export async function getJson<T>(path: string, parameters?: Parameters, signal?: AbortSignal): Promise<T> {
  const response = await send("GET", address(path, parameters), undefined, signal);
  return parse<T>(await response.text());
}

export function get<P extends PathOf<"get">>(
  path: P,
  parameters?: Parameters,
  signal?: AbortSignal,
  places: Places = {},
): Promise<Answer<P, "get">> {
  return getJson(filled(path, places), parameters, signal);
}

export async function post<P extends PathOf<"post">>(path: P, body: Body<P>): Promise<Answer<P, "post">> {
  const response = await send("POST", path, body);
  const text = response.status === 204 ? "" : await response.text();
  return (text === "" ? undefined : parse(text)) as Answer<P, "post">;
}

export async function remove(
  path: PathOf<"delete">,
  places: Places = {},
  parameters: Parameters = {},
): Promise<void> {
  await send("DELETE", address(filled(path, places), parameters), undefined);
}

export async function currentSession(): Promise<Session> {
  const session = await get("/api/session");
  csrf = session.csrf;
  return session;
}

export async function signIn(secret: Body<"/api/session">): Promise<Session> {
  const session = await post("/api/session", secret);
  csrf = session.csrf;
  return session;
}
