// One event, in a row and opened in full.

import type { Hit } from "./api";
import { element } from "./dom";
import { momentText } from "./moment";

type Leaf = string | number | boolean | null;

/** The fields of a document by dotted path, in the order of the document. */
export function fields(document: Record<string, unknown>): [string, unknown][] {
  const found: [string, unknown][] = [];
  const walk = (value: unknown, path: string): void => {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) walk(inner, path ? `${path}.${key}` : key);
    } else {
      found.push([path, value]);
    }
  };
  walk(document, "");
  return found;
}

// Control characters other than tab and line feed, and those that turn the direction of writing: they
// could make a text look like another one.
const INVISIBLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** A value as text in which nothing hides. */
export function text(value: unknown): string {
  const plain = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return plain.replace(INVISIBLE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Fields that say most about an event, with what stands before their values. */
const SUMMARY: [string, string][] = [
  ["message", ""],
  ["error.message", ""],
  ["event.original", ""],
  ["event.action", ""],
  ["shop.order.id", "order"],
  ["shop.order.amount", "amount"],
  ["shop.order.currency", ""],
  ["http.request.method", ""],
  ["url.path", "path"],
  ["url.original", "url"],
  ["url.full", "url"],
  ["http.response.status_code", "status"],
  ["event.risk_score", "risk"],
  ["client.ip", "ip"],
  ["client.geo.country_iso_code", "country"],
];
const SUMMARY_CHARACTERS = 400;

/** Where values stand whose names nobody knows: shown when nothing else says anything. */
const EXTRA = "shop.extra.";
const EXTRA_PARTS = 4;

function part(name: string, shown: string): Node {
  return element("span", { class: "part" }, name !== "" && element("span", { class: "name" }, `${name} `), shown);
}

/** What says most about an event: names in a quieter colour than values, and no value twice. */
function summary(values: Map<string, unknown>): Node[] {
  const said = new Set<string>();
  let room = SUMMARY_CHARACTERS;
  const parts = SUMMARY.flatMap(([field, name]) => {
    const shown = text(values.get(field) ?? "").slice(0, room);
    if (shown === "" || said.has(shown)) return [];
    said.add(shown);
    room -= shown.length;
    return [part(name, shown)];
  });
  return parts.length > 0 ? parts : extraSummary(values);
}

/** The first values of an event that has none of the fields that say something. */
function extraSummary(values: Map<string, unknown>): Node[] {
  const extra = [...values].filter(([field]) => field.startsWith(EXTRA)).slice(0, EXTRA_PARTS);
  const length = Math.floor(SUMMARY_CHARACTERS / EXTRA_PARTS / 2);
  return extra.map(([field, value]) =>
    part(text(field.slice(EXTRA.length)).slice(0, length), text(value).slice(0, length)),
  );
}

const BAD = /^(error|critical|fatal|alert|emergency)$/i;
const WARNING = /^warn(ing)?$/i;

function levelClass(level: string): string {
  if (BAD.test(level)) return "level bad";
  return WARNING.test(level) ? "level warning" : "level";
}

/** A row of the table; a click or Enter calls `open`. */
export function eventRow(hit: Hit, open: (row: HTMLElement) => void): HTMLTableRowElement {
  const values = new Map(fields(hit.document));
  const level = text(values.get("log.level") ?? "");
  const press = (event: Event): void => {
    const key = (event as KeyboardEvent).key;
    if (key !== "Enter" && key !== " ") return;
    event.preventDefault();
    open(row);
  };
  const row: HTMLTableRowElement = element(
    "tr",
    { tabindex: "0", "aria-selected": "false", click: () => open(row), keydown: press, "data-id": hit.id },
    element("td", { class: "time" }, momentText(hit.timestamp)),
    element("td", { class: "type" }, text(values.get("event.dataset") ?? "")),
    element("td", { class: levelClass(level) }, level),
    element("td", { class: "summary" }, ...summary(values)),
  );
  return row;
}

const FILTER_CHARACTERS = 200;

/** A field's name as the query language reads it: a sender may have named it anything. */
function escapedName(name: string): string {
  const escaped = name.replace(/[-+!:(){}[\]^"~*?\\&|<>\s]/g, "\\$&");
  return /^(AND|OR|NOT)$/.test(name) ? `\\${escaped}` : escaped;
}

/** The query text that finds events with this value in this field; null where there is none. */
export function filterText(name: string, value: unknown): string | null {
  const leaf = value as Leaf;
  if (name === "@timestamp" || typeof leaf === "object" || String(leaf).length > FILTER_CHARACTERS) return null;
  const field = escapedName(name);
  if (typeof leaf !== "string") return `${field}:${String(leaf).replace(/^-/, "\\-")}`;
  return leaf === "" ? null : `${field}:"${leaf.replace(/["\\]/g, "\\$&")}"`;
}

export interface EventActions {
  close: () => void;
  /** Adds a filter to the query. */
  filter: (text: string) => void;
}

function fieldRow(name: string, value: unknown, actions: EventActions): HTMLElement {
  const filter = filterText(name, value);
  const button = (sign: string, label: string, added: string): HTMLElement =>
    element("button", { type: "button", "aria-label": label, title: label, click: () => actions.filter(added) }, sign);
  const buttons = filter && [
    button("+", `Only events with this ${name}`, filter),
    button("−", `Only events without this ${name}`, `NOT ${filter}`),
  ];
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, text(name)),
    element("td", { class: "value" }, text(value)),
    element("td", { class: "filters" }, ...(buttons || [])),
  );
}

/** The whole event: every field, and the document as it is stored. */
export function eventView(hit: Hit, actions: EventActions): HTMLElement {
  const rows = fields(hit.document).map(([name, value]) => fieldRow(name, value, actions));
  return element(
    "section",
    { class: "event", "aria-label": "Event" },
    element(
      "header",
      {},
      element("h2", {}, "Event"),
      element("button", { type: "button", click: actions.close, title: "Close (Escape)" }, "Close"),
    ),
    element(
      "dl",
      {},
      element("dt", {}, "Id"),
      element("dd", {}, hit.id),
      element("dt", {}, "Time"),
      element("dd", {}, momentText(hit.timestamp)),
      element("dt", {}, "Index"),
      element("dd", {}, hit.index),
    ),
    element("table", { class: "fields" }, element("tbody", {}, ...rows)),
    element(
      "details",
      {},
      element("summary", {}, "JSON"),
      element("pre", { tabindex: "0" }, JSON.stringify(hit.document, null, 2)),
    ),
  );
}
