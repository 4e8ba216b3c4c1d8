// Numbers and times as the browser's language writes them.
const amounts = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 4 });
const abouts = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumSignificantDigits: 3 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const z = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: "exceptZero" });
const stamp = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const months = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric", timeZone: "UTC" });

export const amount = value => amounts.format(value);
// Means and percentiles: their fourth decimal says nothing.
export const about = value => abouts.format(value);
export const count = value => value === null || value === undefined ? "unknown" : whole.format(value);
export const rate = value => short.format(value);
export const brief = value => compact.format(value);
export const share = value => percent.format(value);
export const deviations = value => z.format(value);
export const id = value => String(value);
export const time = text => stamp.format(new Date(text));
export const fullTime = text => exact.format(new Date(text));
export const timeOfDay = date => clock.format(date);
export const month = text => months.format(new Date(`${text}-01T00:00:00Z`));

const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

// 0.04 s, 12 s, 3 min: the unit in which the number is easy to read.
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "unknown";
  if (seconds < 1) return new Intl.NumberFormat(undefined, { style: "unit", unit: "millisecond", maximumFractionDigits: 0 }).format(seconds * 1000);
  const [unit, size] = units.find(([, size]) => seconds >= size * 2) ?? units[3];
  return new Intl.NumberFormat(undefined, { style: "unit", unit, unitDisplay: unit === "day" ? "long" : "short", maximumFractionDigits: seconds < 10 ? 1 : 0 })
    .format(seconds / size);
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

export function ago(text, now = Date.now()) {
  const seconds = (now - new Date(text).getTime()) / 1000;
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units[3];
  return relative.format(-Math.round(seconds / size), unit);
}
