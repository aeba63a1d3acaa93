// Time ranges: relative ones that move with the clock, or two fixed ends.

import type { Range } from "./api";
import { element } from "./dom";

const PRESETS: [string, string][] = [
  ["now-15m", "Last 15 minutes"],
  ["now-1h", "Last hour"],
  ["now-6h", "Last 6 hours"],
  ["now-24h", "Last 24 hours"],
  ["now-7d", "Last 7 days"],
  ["now-30d", "Last 30 days"],
  ["now-20y", "All time"],
  ["custom", "From … to …"],
];

function localText(millis: number): string {
  const shifted = new Date(millis - new Date(millis).getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}

/** The control; `changed` is called when another range is chosen. */
export class RangePicker {
  readonly node: HTMLElement;
  private readonly select: HTMLSelectElement;
  private readonly from: HTMLInputElement;
  private readonly to: HTMLInputElement;
  private readonly ends: HTMLElement;

  constructor(changed: () => void) {
    const options = PRESETS.map(([value, text]) => element("option", { value }, text));
    const change = (): void => {
      this.ends.hidden = this.select.value !== "custom";
      if (this.ends.hidden || (this.from.value && this.to.value)) changed();
    };
    this.select = element("select", { "aria-label": "Time range", change }, ...options);
    this.select.value = "now-24h";
    const end = (label: string): HTMLInputElement =>
      element("input", { type: "datetime-local", step: "1", "aria-label": label, change });
    this.from = end("From");
    this.to = end("To");
    this.ends = element("span", { class: "ends" }, this.from, " – ", this.to);
    this.ends.hidden = true;
    this.node = element("span", { class: "range" }, this.select, this.ends);
  }

  /** What to ask the API for. */
  value(): Range {
    if (this.select.value !== "custom") return { from: this.select.value, to: "now+1d" };
    return { from: new Date(this.from.value).toISOString(), to: new Date(this.to.value).toISOString() };
  }

  /** Narrows to a part of the histogram. */
  narrow(fromMillis: number, toMillis: number): void {
    this.select.value = "custom";
    this.ends.hidden = false;
    this.from.value = localText(fromMillis);
    this.to.value = localText(toMillis);
  }
}
