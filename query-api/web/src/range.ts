// Time ranges: relative ones that move with the clock, everything, or two fixed ends.

import type { Range } from "./api";
import { element } from "./dom";

const ALL = "all";
const CUSTOM = "custom";
const DEFAULT = "now-24h";

const CHOICES: [string, string][] = [
  ["now-15m", "Last 15 minutes"],
  ["now-1h", "Last hour"],
  ["now-6h", "Last 6 hours"],
  ["now-24h", "Last 24 hours"],
  ["now-7d", "Last 7 days"],
  ["now-30d", "Last 30 days"],
  [ALL, "All time"],
  [CUSTOM, "From … to …"],
];

/** A moment as the browser's control wants it: local, to the millisecond. */
function controlText(millis: number): string {
  const shifted = new Date(millis - new Date(millis).getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 23);
}

function millisOf(control: HTMLInputElement): number | null {
  const millis = control.value ? new Date(control.value).getTime() : Number.NaN;
  return Number.isNaN(millis) ? null : millis;
}

/** The control; `changed` is called when another range is chosen. */
export class RangePicker {
  readonly node: HTMLElement;
  private readonly select: HTMLSelectElement;
  private readonly from: HTMLInputElement;
  private readonly to: HTMLInputElement;
  private readonly ends: HTMLElement;

  constructor(changed: () => void) {
    const options = CHOICES.map(([value, text]) => element("option", { value }, text));
    const change = (): void => {
      this.ends.hidden = this.select.value !== CUSTOM;
      if (this.ends.hidden || this.isComplete()) changed();
      else this.from.focus();
    };
    this.select = element("select", { "aria-label": "Time range", change }, ...options);
    const end = (label: string): HTMLInputElement =>
      element("input", { type: "datetime-local", step: "0.001", "aria-label": label, change });
    this.from = end("From");
    this.to = end("To");
    this.ends = element("span", { class: "ends" }, this.from, " – ", this.to);
    this.node = element("span", { class: "range" }, this.select, this.ends);
    this.choose(DEFAULT);
  }

  private isComplete(): boolean {
    const [from, to] = [millisOf(this.from), millisOf(this.to)];
    const inOrder = from === null || to === null || from < to;
    this.to.setCustomValidity(inOrder ? "" : "The end lies before the beginning.");
    if (!inOrder) this.to.reportValidity();
    return from !== null && to !== null && inOrder;
  }

  private choose(choice: string): void {
    this.select.value = choice;
    this.ends.hidden = choice !== CUSTOM;
  }

  /** What to ask the API for. */
  value(): Range {
    if (this.select.value === ALL) return {};
    if (this.select.value !== CUSTOM) return { from: this.select.value, to: "now" };
    const text = (control: HTMLInputElement): string | undefined => {
      const millis = millisOf(control);
      return millis === null ? undefined : new Date(millis).toISOString();
    };
    const [from, to] = [text(this.from), text(this.to)];
    return { ...(from && { from }), ...(to && { to }) };
  }

  /** Whether the range moves with the clock. */
  get moves(): boolean {
    return this.select.value !== CUSTOM;
  }

  /** Whether the range is everything. */
  get isWhole(): boolean {
    return this.select.value === ALL;
  }

  /** Sets both ends. */
  narrow(fromMillis: number, toMillis: number): void {
    this.choose(CUSTOM);
    this.from.value = controlText(fromMillis);
    this.to.value = controlText(toMillis);
  }

  /** Chooses everything. */
  widen(): void {
    this.choose(ALL);
  }

  /** The range as parameters of the page's address. */
  write(address: URLSearchParams): void {
    const range = this.value();
    if (this.select.value !== CUSTOM) address.set("range", this.select.value);
    else for (const [name, value] of Object.entries(range)) address.set(name, value);
  }

  /** The range that the page's address names. */
  read(address: URLSearchParams): void {
    const choice = address.get("range");
    const [from, to] = [Date.parse(address.get("from") ?? ""), Date.parse(address.get("to") ?? "")];
    if (!Number.isNaN(from) && !Number.isNaN(to)) this.narrow(from, to);
    else this.choose(CHOICES.some(([known]) => known === choice) ? (choice as string) : DEFAULT);
  }
}
