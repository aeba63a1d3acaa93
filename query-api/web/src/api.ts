// Talks to the query API. The access token lives in memory only; the refresh token is a cookie that
// no script can read.

/** What the API says when it refuses (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** Character of the query at which it went wrong, from 1. */
    readonly position?: number,
  ) {
    super(message);
  }
}

export interface User {
  name: string;
  role: string;
}

export interface Hit {
  id: string;
  index: string;
  /** When it happened, RFC 3339. */
  timestamp: string;
  document: Record<string, unknown>;
}

/** A field of the query that no event can have. */
export interface UnknownField {
  name: string;
  suggestion: string | null;
  /** The fields of the object that has this name; empty where none has. */
  fields: string[];
}

export interface Page {
  total: number;
  hits: Hit[];
  next_cursor: string | null;
  unknown_fields: UnknownField[];
}

export interface Bucket {
  /** Start of the bucket, milliseconds since 1970. */
  from: number;
  count: number;
}

export interface Histogram {
  interval_ms: number;
  buckets: Bucket[];
}

/** Ends of a time range as the API reads them; an absent end is open. */
export interface Range {
  from?: string;
  to?: string;
}

let accessToken: string | null = null;

async function problemOf(response: Response): Promise<Problem> {
  const body = await response.json().catch(() => ({}));
  const text = body.detail ?? body.title ?? `The server answered ${response.status}.`;
  return new Problem(response.status, text, body.position);
}

async function call(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers);
  if (accessToken) headers.set("authorization", `Bearer ${accessToken}`);
  return fetch(path, { ...options, headers, credentials: "same-origin" });
}

async function json<T>(path: string, options: RequestInit = {}): Promise<T> {
  let response = await call(path, options);
  if (response.status === 401 && (await refresh())) response = await call(path, options);
  if (!response.ok) throw await problemOf(response);
  return (await response.json()) as T;
}

/** Signs in; throws a Problem with the reason if not. */
export async function login(name: string, password: string): Promise<void> {
  const response = await call("/api/auth/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name, password }),
  });
  if (!response.ok) throw await problemOf(response);
  accessToken = (await response.json()).access_token;
}

let refreshing: Promise<boolean> | null = null;

async function takeToken(): Promise<boolean> {
  const response = await fetch("/api/auth/refresh", { method: "POST", credentials: "same-origin" });
  if (response.status === 401) return false;
  if (!response.ok) throw await problemOf(response);
  accessToken = (await response.json()).access_token;
  return true;
}

/** Takes a new access token by the cookie, once for all who ask; false if there is no session. */
export function refresh(): Promise<boolean> {
  refreshing ??= takeToken().finally(() => {
    refreshing = null;
  });
  return refreshing;
}

export async function logout(): Promise<void> {
  const response = await call("/api/auth/logout", { method: "POST" });
  if (!response.ok) throw await problemOf(response);
  accessToken = null;
}

export const me = (): Promise<User> => json("/api/auth/me");

function parameters(query: string, range: Range, more: Record<string, string> = {}): string {
  return new URLSearchParams({ q: query, ...range, ...more }).toString();
}

export function search(
  query: string,
  range: Range,
  options: { cursor?: string; signal?: AbortSignal } = {},
): Promise<Page> {
  const more: Record<string, string> = { size: "50" };
  if (options.cursor) more.cursor = options.cursor;
  return json(`/api/search/query?${parameters(query, range, more)}`, { signal: options.signal });
}

export const histogram = (query: string, range: Range, signal: AbortSignal): Promise<Histogram> =>
  json(`/api/search/histogram?${parameters(query, range)}`, { signal });

export const event = (id: string): Promise<Hit> => json(`/api/search/event/${encodeURIComponent(id)}`);

export interface About {
  version: string;
  attribution: string;
}

/** What to tell a person about an error. */
export function reasonOf(error: unknown): string {
  return error instanceof Problem ? error.message : "The server does not answer.";
}

export const about = (): Promise<About> => json("/api/health");
