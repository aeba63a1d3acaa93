// The search page: query, time range, histogram, table, one event opened.

import * as api from "./api";
import { element, show } from "./dom";
import { eventRow, eventView } from "./event";
import { histogramView } from "./histogram";
import { RangePicker } from "./range";

/** The page's parts and what it shows now. */
export class SearchPage {
  readonly node: HTMLElement;
  private readonly query: HTMLInputElement;
  private readonly range = new RangePicker(() => void this.run());
  private readonly error = element("p", { class: "error", role: "alert" });
  private readonly total = element("p", { class: "total", "aria-live": "polite" });
  private readonly chart = element("div");
  private readonly rows = element("tbody");
  private readonly more = element("button", { type: "button", click: () => void this.next() }, "Show more");
  private readonly opened = element("div");
  private cursor: string | null = null;
  private asked = 0;

  constructor() {
    this.query = element("input", {
      id: "query",
      type: "search",
      spellcheck: "false",
      placeholder: "type:transaction AND shop.order.amount:>100",
      "aria-label": "Query",
    });
    const submit = (event: Event): void => {
      event.preventDefault();
      void this.run();
    };
    const head = ["Time", "Type", "Level", "Event"].map((name) => element("th", { scope: "col" }, name));
    this.node = element(
      "main",
      {},
      element(
        "form",
        { class: "search", submit },
        this.query,
        this.range.node,
        element("button", { type: "submit", class: "primary" }, "Search"),
      ),
      this.error,
      this.chart,
      this.total,
      this.opened,
      element("table", { class: "hits" }, element("thead", {}, element("tr", {}, ...head)), this.rows),
      this.more,
    );
    this.more.hidden = true;
  }

  /** Asks for the first page and the histogram. */
  async run(): Promise<void> {
    const asked = ++this.asked;
    this.error.textContent = "";
    this.node.setAttribute("aria-busy", "true");
    try {
      const range = this.range.value();
      const [page, histogram] = await Promise.all([
        api.search(this.query.value, range),
        api.histogram(this.query.value, range),
      ]);
      if (asked !== this.asked) return;
      this.rows.replaceChildren();
      this.opened.replaceChildren();
      this.add(page);
      this.total.textContent = `${page.total.toLocaleString()} events`;
      show(
        this.chart,
        histogramView(histogram, (from, to) => {
          this.range.narrow(from, to);
          void this.run();
        }),
      );
    } catch (reason) {
      if (asked === this.asked) this.complain(reason);
    } finally {
      if (asked === this.asked) this.node.removeAttribute("aria-busy");
    }
  }

  private async next(): Promise<void> {
    if (!this.cursor) return;
    try {
      this.add(await api.search(this.query.value, this.range.value(), this.cursor));
    } catch (reason) {
      this.complain(reason);
    }
  }

  private add(page: api.Page): void {
    this.rows.append(...page.hits.map((hit) => eventRow(hit, () => void this.open(hit.id))));
    this.cursor = page.next_cursor;
    this.more.hidden = !page.next_cursor;
  }

  private async open(id: string): Promise<void> {
    try {
      const view = eventView(await api.event(id), () => this.opened.replaceChildren());
      show(this.opened, view);
      view.scrollIntoView({ block: "nearest" });
    } catch (reason) {
      this.complain(reason);
    }
  }

  private complain(reason: unknown): void {
    if (!(reason instanceof api.Problem)) {
      this.error.textContent = "The server does not answer.";
      return;
    }
    this.error.textContent = reason.message;
    if (reason.position !== undefined) {
      this.query.focus();
      this.query.setSelectionRange(reason.position - 1, reason.position);
    }
  }
}
