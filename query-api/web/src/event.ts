// One event, in a row and opened in full.

import type { Hit } from "./api";
import { element } from "./dom";

/** The fields of a document by dotted path, in the order of the document. */
export function fields(document: Record<string, unknown>): [string, string][] {
  const found: [string, string][] = [];
  const walk = (value: unknown, path: string): void => {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      for (const [key, inner] of Object.entries(value)) walk(inner, path ? `${path}.${key}` : key);
    } else {
      found.push([path, typeof value === "string" ? value : JSON.stringify(value)]);
    }
  };
  walk(document, "");
  return found;
}

const SUMMARY = [
  "message",
  "error.message",
  "event.original",
  "event.action",
  "shop.order.id",
  "shop.order.amount",
  "shop.order.currency",
  "http.request.method",
  "url.path",
  "url.original",
  "url.full",
  "http.response.status_code",
  "event.risk_score",
  "client.ip",
  "client.geo.country_iso_code",
];

function summary(values: Map<string, string>): string {
  const parts = SUMMARY.flatMap((name) => {
    const value = values.get(name);
    return value ? [name.endsWith("message") ? value : `${name.split(".").pop()}=${value}`] : [];
  });
  return parts.join("  ").slice(0, 400);
}

/** A row of the table; a click calls `open`. */
export function eventRow(hit: Hit, open: () => void): HTMLTableRowElement {
  const values = new Map(fields(hit.document));
  const level = values.get("log.level") ?? "";
  const press = (event: Event): void => {
    if ((event as KeyboardEvent).key === "Enter") open();
  };
  return element(
    "tr",
    { tabindex: "0", click: open, keydown: press, "data-id": hit.id },
    element("td", { class: "time" }, new Date(hit.timestamp).toLocaleString(undefined, { hour12: false })),
    element("td", {}, values.get("event.dataset") ?? ""),
    element("td", { class: `level ${/^(error|critical|fatal)$/.test(level) ? "bad" : ""}` }, level),
    element("td", { class: "summary" }, summary(values)),
  );
}

/** The whole event: every field, and the document as it is stored. */
export function eventView(hit: Hit, close: () => void): HTMLElement {
  const rows = fields(hit.document).map(([name, value]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value)),
  );
  return element(
    "section",
    { class: "event", "aria-label": "Event" },
    element(
      "header",
      {},
      element("h2", {}, `Event ${hit.id}`),
      element("button", { type: "button", click: close, "aria-label": "Close" }, "Close"),
    ),
    element("p", { class: "index" }, hit.index),
    element("table", { class: "fields" }, element("tbody", {}, ...rows)),
    element(
      "details",
      {},
      element("summary", {}, "JSON"),
      element("pre", {}, JSON.stringify(hit.document, null, 2)),
    ),
  );
}
