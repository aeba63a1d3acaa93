// Hits over time as bars. A click on a bar narrows the range to it.

import type { Histogram } from "./api";
import { drawing, element } from "./dom";

const WIDTH = 1000;
const HEIGHT = 90;

/** Draws the bars with the first and last time below. */
export function histogramView(data: Histogram, narrow: (from: number, to: number) => void): HTMLElement {
  const most = Math.max(1, ...data.buckets.map((bucket) => bucket.count));
  const step = WIDTH / Math.max(1, data.buckets.length);
  const bars = data.buckets.map((bucket, place) => {
    const height = bucket.count === 0 ? 0 : Math.max(2, (bucket.count / most) * HEIGHT);
    const until = bucket.from + data.interval_ms;
    const text = `${new Date(bucket.from).toLocaleString()}: ${bucket.count.toLocaleString()}`;
    return drawing(
      "g",
      { class: "bar", click: () => narrow(bucket.from, until) },
      drawing("rect", { x: `${place * step}`, y: "0", width: `${step}`, height: `${HEIGHT}`, class: "hover" }),
      drawing("rect", {
        x: `${place * step + step * 0.08}`,
        y: `${HEIGHT - height}`,
        width: `${step * 0.84}`,
        height: `${height}`,
        class: "count",
      }),
      drawing("title", {}, text),
    );
  });
  const picture = drawing(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": "Hits over time" },
    ...bars,
  );
  const first = data.buckets[0];
  const last = data.buckets[data.buckets.length - 1];
  const text = (millis?: number): string => (millis === undefined ? "" : new Date(millis).toLocaleString());
  return element(
    "figure",
    { class: "histogram" },
    picture as unknown as HTMLElement,
    element(
      "figcaption",
      {},
      element("span", {}, text(first?.from)),
      element("span", {}, `most in a bar: ${most.toLocaleString()}`),
      element("span", {}, text(last && last.from + data.interval_ms)),
    ),
  );
}
