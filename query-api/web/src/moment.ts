// Moments as text, in the local time zone of whoever looks.

const two = (value: number): string => String(value).padStart(2, "0");

/** A day and a time to the millisecond. */
export function momentText(moment: Date | string | number): string {
  const at = new Date(moment);
  if (Number.isNaN(at.getTime())) return String(moment);
  const millis = String(at.getMilliseconds()).padStart(3, "0");
  return `${dayText(at)} ${timeText(at)}.${millis}`;
}

/** A moment only as exact as an interval of so many milliseconds needs. */
export function roughText(moment: number, intervalMillis: number): string {
  const at = new Date(moment);
  if (intervalMillis >= 86_400_000) return dayText(at);
  if (intervalMillis >= 60_000) return `${dayText(at)} ${two(at.getHours())}:${two(at.getMinutes())}`;
  return intervalMillis >= 1000 ? `${dayText(at)} ${timeText(at)}` : momentText(at);
}

/** A length of time in its largest whole unit. */
export function lengthText(millis: number): string {
  const units: [string, number][] = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1000],
  ];
  const [name, unit] = units.find(([, size]) => millis >= size && millis % size === 0) ?? ["ms", 1];
  return `${millis / unit} ${name}`;
}

function dayText(at: Date): string {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

function timeText(at: Date): string {
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}
