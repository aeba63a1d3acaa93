// The search page: query, time range, histogram, table, one event opened. The page's address names what
// is shown, so that it can be kept, sent and gone back to.

import * as api from "./api";
import { element, show } from "./dom";
import { eventRow, eventView, text } from "./event";
import { histogramView } from "./histogram";
import { RangePicker } from "./range";

/** How often a page that follows asks again. */
const FOLLOW_MILLIS = 5000;

function unknownFieldView({ name, suggestion, fields }: api.UnknownField): HTMLElement {
  if (fields.length > 0) {
    const its = fields.join(", ");
    return element("p", {}, `${text(name)} is an object and has no value itself; its fields are ${its}`);
  }
  const meant = suggestion === null ? "" : `; did you mean ${suggestion}?`;
  return element("p", {}, `No such field: ${text(name)}${meant}`);
}

/** The page's parts and what it shows now. */
export class SearchPage {
  readonly node: HTMLElement;
  private readonly query: HTMLInputElement;
  private readonly range = new RangePicker(() => void this.search());
  private readonly follow: HTMLInputElement;
  private readonly error = element("div", { class: "error", id: "query-error", role: "alert" });
  private readonly unknown = element("div", { class: "notice", role: "status" });
  private readonly total = element("p", { class: "total", "aria-live": "polite" });
  private readonly chart = element("div", { class: "chart" });
  private readonly rows = element("tbody");
  private readonly table: HTMLElement;
  private readonly nothing: HTMLElement;
  private readonly widen: HTMLElement;
  private readonly more: HTMLButtonElement;
  private readonly opened = element("div", { class: "opened" });
  private openedRow: HTMLElement | null = null;
  private cursor: string | null = null;
  private asked = new AbortController();
  /** What the table answers: more of it is asked for in these words, whatever the controls say by then. */
  private shown: { query: string; range: api.Range } | null = null;

  /** `signedOut` is called when the session has ended. */
  constructor(private readonly signedOut: () => void) {
    this.query = element("input", {
      id: "query",
      type: "search",
      spellcheck: "false",
      autocomplete: "off",
      autocapitalize: "off",
      maxlength: "4096",
      placeholder: "type:transaction AND shop.order.amount:>100",
      "aria-label": "Query",
      "aria-describedby": "query-error",
      input: () => this.query.removeAttribute("aria-invalid"),
    });
    this.follow = element("input", { type: "checkbox", id: "follow", change: () => void this.run() });
    this.more = element("button", { type: "button", class: "more", click: () => void this.next() }, "Show more");
    const widen = (): void => {
      this.range.widen();
      void this.search();
    };
    this.widen = element("button", { type: "button", click: widen }, "Search all time");
    this.nothing = this.nothingView();
    this.table = this.tableView();
    this.node = element("main", {}, this.formView(), this.error, this.unknown, this.chart, this.total, this.nothing, this.table, this.more, this.opened);
    this.showHits(false, false);
    this.read();
    window.addEventListener("popstate", () => {
      this.read();
      void this.run();
    });
    window.addEventListener("keydown", (event) => this.press(event));
    window.setInterval(() => {
      if (this.follow.checked && this.range.moves && !document.hidden && !this.isBusy) void this.run(true);
    }, FOLLOW_MILLIS);
  }

  private formView(): HTMLElement {
    const submit = (event: Event): void => {
      event.preventDefault();
      void this.search();
    };
    return element(
      "form",
      { class: "search", role: "search", submit },
      this.query,
      this.range.node,
      element("label", { class: "follow", title: "Search again every 5 seconds" }, this.follow, "Follow"),
      element("button", { type: "submit", class: "primary" }, "Search"),
    );
  }

  private tableView(): HTMLElement {
    const heads = ["Time", "Type", "Level", "Event"].map((name) => element("th", { scope: "col" }, name));
    return element("table", { class: "hits" }, element("thead", {}, element("tr", {}, ...heads)), this.rows);
  }

  private nothingView(): HTMLElement {
    return element(
      "div",
      { class: "nothing" },
      element("p", {}, "No events match."),
      this.widen,
    );
  }

  private get isBusy(): boolean {
    return this.node.hasAttribute("aria-busy");
  }

  private showHits(some: boolean, none: boolean): void {
    this.table.hidden = !some;
    this.nothing.hidden = !none;
    this.widen.hidden = this.range.isWhole;
    this.more.hidden = !this.cursor;
  }

  /** Takes query and range from the page's address. */
  private read(): void {
    const address = new URLSearchParams(location.search);
    this.query.value = address.get("q") ?? "";
    this.range.read(address);
  }

  /** Searches for what the controls say, and notes it in the page's address. */
  private search(): Promise<void> {
    const address = new URLSearchParams();
    if (this.query.value) address.set("q", this.query.value);
    this.range.write(address);
    const next = `?${address}`;
    if (next !== location.search) history.pushState(null, "", next);
    return this.run();
  }

  /** Asks for the first page and the histogram. A quiet run leaves an opened event as it is. */
  async run(quiet = false): Promise<void> {
    this.asked.abort();
    const asked = new AbortController();
    this.asked = asked;
    if (!quiet) this.close();
    this.node.setAttribute("aria-busy", "true");
    try {
      const query = this.query.value;
      const range = this.range.value();
      const [page, histogram] = await Promise.all([
        api.search(query, range, { signal: asked.signal }),
        api.histogram(query, range, asked.signal),
      ]);
      if (asked.signal.aborted) return;
      this.error.replaceChildren();
      this.node.classList.remove("stale");
      this.query.removeAttribute("aria-invalid");
      this.shown = { query, range };
      this.showPage(page, histogram);
    } catch (reason) {
      if (!asked.signal.aborted) this.complain(reason);
    } finally {
      if (asked === this.asked) this.node.removeAttribute("aria-busy");
    }
  }

  private showPage(page: api.Page, histogram: api.Histogram): void {
    const narrow = (from: number, to: number): void => {
      this.range.narrow(from, to);
      void this.search();
    };
    if (page.total > 0) show(this.chart, histogramView(histogram, narrow));
    else this.chart.replaceChildren();
    const focused = this.rows.contains(document.activeElement)
      ? (document.activeElement as HTMLElement).dataset.id
      : undefined;
    this.rows.replaceChildren();
    this.unknown.replaceChildren(...page.unknown_fields.map(unknownFieldView));
    this.total.textContent = `${page.total.toLocaleString()} ${page.total === 1 ? "event" : "events"}`;
    this.add(page);
    this.showHits(page.hits.length > 0, page.hits.length === 0);
    this.rowOf(focused)?.focus({ preventScroll: true });
    this.select(this.rowOf(this.openedRow?.dataset.id));
  }

  private async next(): Promise<void> {
    if (!this.cursor || !this.shown) return;
    const asked = this.asked;
    this.more.disabled = true;
    try {
      const page = await api.search(this.shown.query, this.shown.range, {
        cursor: this.cursor,
        signal: asked.signal,
      });
      const first = this.rows.childElementCount;
      this.add(page);
      this.more.hidden = !this.cursor;
      (this.rows.children[first] as HTMLElement | undefined)?.focus();
    } catch (reason) {
      if (!asked.signal.aborted) this.complain(reason);
    } finally {
      this.more.disabled = false;
    }
  }

  private add(page: api.Page): void {
    this.rows.append(...page.hits.map((hit) => eventRow(hit, (row) => void this.open(hit.id, row))));
    this.cursor = page.next_cursor;
  }

  private rowOf(id: string | undefined): HTMLElement | null {
    const rows = [...this.rows.children] as HTMLElement[];
    return rows.find((row) => id !== undefined && row.dataset.id === id) ?? null;
  }

  private async open(id: string, row: HTMLElement): Promise<void> {
    try {
      const hit = await api.event(id);
      this.select(row);
      const view = eventView(hit, { close: () => this.close(), filter: (text) => this.filter(text) });
      show(this.opened, view);
      view.querySelector("button")?.focus({ preventScroll: true });
    } catch (reason) {
      this.complain(reason);
    }
  }

  private select(row: HTMLElement | null): void {
    this.openedRow?.setAttribute("aria-selected", "false");
    this.openedRow = row;
    row?.setAttribute("aria-selected", "true");
  }

  private close(): void {
    if (!this.opened.hasChildNodes()) return;
    this.opened.replaceChildren();
    if (this.openedRow?.isConnected) this.openedRow.focus({ preventScroll: true });
    this.select(null);
  }

  private filter(text: string): void {
    const before = this.query.value.trim();
    this.query.value = before ? `(${before}) AND ${text}` : text;
    void this.search();
  }

  private press(event: KeyboardEvent): void {
    if (event.key === "Escape") {
      this.close();
    } else if (event.key === "/" && !(event.target instanceof HTMLInputElement)) {
      event.preventDefault();
      this.query.focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const row = document.activeElement;
      if (!(row instanceof HTMLTableRowElement)) return;
      const next = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
      if (!(next instanceof HTMLElement)) return;
      event.preventDefault();
      next.focus();
    }
  }

  /** Says what is wrong; a mistake in the query is marked in its text. */
  private complain(reason: unknown): void {
    if (reason instanceof api.Problem && reason.status === 401) {
      this.signedOut();
      return;
    }
    this.node.classList.add("stale");
    // What was found before may stay to be read; that nothing was found says nothing about this query.
    this.unknown.replaceChildren();
    this.nothing.hidden = true;
    if (!this.rows.hasChildNodes()) this.total.textContent = "";
    const parts: Node[] = [element("p", {}, api.reasonOf(reason))];
    if (reason instanceof api.Problem && reason.position !== undefined) {
      parts.push(this.markedQuery(reason.position));
      this.query.setAttribute("aria-invalid", "true");
      this.query.focus();
    }
    this.error.replaceChildren(...parts);
  }

  /** The query with the character at `position` (from 1) marked, and the cursor put there. */
  private markedQuery(position: number): HTMLElement {
    const characters = [...this.query.value];
    const before = characters.slice(0, position - 1).join("");
    const at = characters[position - 1] ?? " ";
    const after = characters.slice(position).join("");
    const begin = Math.min(before.length, this.query.value.length);
    this.query.setSelectionRange(begin, Math.min(begin + at.length, this.query.value.length));
    return element("pre", { "aria-hidden": "true" }, before, element("mark", {}, at), after);
  }
}
