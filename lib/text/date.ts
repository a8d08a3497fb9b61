/** Dates in local time as ctime(3) and date(1) write them. */

interface Parts {
  /** `Fri Nov 27 08:01:22` */
  readonly head: string;
  readonly year: string;
}

/** Without ctime's newline: `Thu Jan  2 12:41:04 2003`. */
export function ctime(date: Date): string {
  const { head, year } = partsOf(date);
  return `${head} ${year}`;
}

/** With the zone, in the form that date(1) has in the C locale: `Thu Jan  2 12:41:04 UTC 2003`. */
export function dateText(date: Date): string {
  const { head, year } = partsOf(date);
  const zone = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" }).formatToParts(date);
  return `${head} ${zone.find(({ type }) => type === "timeZoneName")?.value ?? "UTC"} ${year}`;
}

function partsOf(date: Date): Parts {
  const [weekday, month, day, year] = date.toDateString().split(" ");
  return { head: `${weekday} ${month} ${String(Number(day)).padStart(2)} ${date.toTimeString().slice(0, 8)}`, year };
}
