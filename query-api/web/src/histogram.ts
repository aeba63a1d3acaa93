// Hits over time as bars. A click on a bar, or Enter on the one that the arrow keys chose, narrows the
// range to it.

import type { Bucket, Histogram } from "./api";
import { drawing, element } from "./dom";
import { lengthText, roughText } from "./moment";

const WIDTH = 1000;
const HEIGHT = 100;

/** Draws the bars with the first and last time below. */
export function histogramView(data: Histogram, narrow: (from: number, to: number) => void): HTMLElement {
  const { buckets, interval_ms: interval } = data;
  const most = Math.max(1, ...buckets.map((bucket) => bucket.count));
  const step = WIDTH / Math.max(1, buckets.length);
  const said = element("span", { class: "said", "aria-live": "polite" });
  const describe = (bucket: Bucket): string =>
    `${roughText(bucket.from, interval)}: ${bucket.count.toLocaleString()}`;
  const bars = buckets.map((bucket, place) => {
    const height = bucket.count === 0 ? 0 : Math.max(2, (bucket.count / most) * HEIGHT);
    return drawing(
      "g",
      {
        class: "bar",
        click: () => narrow(bucket.from, bucket.from + interval),
        pointerenter: () => choose(place),
        pointerleave: () => choose(-1),
      },
      drawing("rect", { x: `${place * step}`, y: "0", width: `${step}`, height: `${HEIGHT}`, class: "ground" }),
      drawing("rect", {
        x: `${place * step + step * 0.08}`,
        y: `${HEIGHT - height}`,
        width: `${step * 0.84}`,
        height: `${height}`,
        class: "count",
      }),
    );
  });
  let chosen = -1;
  const choose = (place: number): void => {
    bars[chosen]?.classList.remove("chosen");
    chosen = place;
    bars[chosen]?.classList.add("chosen");
    const bucket = buckets[chosen];
    said.textContent = bucket ? describe(bucket) : `${lengthText(interval)} a bar`;
  };
  const press = (event: Event): void => {
    const key = (event as KeyboardEvent).key;
    const bucket = buckets[chosen];
    if (key === "Enter" && bucket) narrow(bucket.from, bucket.from + interval);
    const places: Record<string, number> = {
      ArrowLeft: Math.max(0, chosen - 1),
      ArrowRight: Math.min(buckets.length - 1, chosen + 1),
      Home: 0,
      End: buckets.length - 1,
    };
    const place = places[key];
    if (place === undefined) return;
    event.preventDefault();
    choose(place);
  };
  choose(-1);
  const total = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  const picture = drawing(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      preserveAspectRatio: "none",
      role: "application",
      tabindex: "0",
      "aria-label": `${total} events over time; the arrow keys choose a bar, Enter shows only it`,
      keydown: press,
      blur: () => choose(-1),
    },
    ...bars,
  );
  const first = buckets[0];
  const last = buckets[buckets.length - 1];
  return element(
    "figure",
    { class: "histogram" },
    element("span", { class: "most", "aria-hidden": "true" }, most.toLocaleString()),
    picture,
    element(
      "figcaption",
      {},
      element("span", {}, first ? roughText(first.from, interval) : ""),
      said,
      element("span", {}, last ? roughText(last.from + interval, interval) : ""),
    ),
  );
}
