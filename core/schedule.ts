/**
 * Backups at times of day, by a place's own clock. On the day the clocks go forward a time that is left out is its end: the moment they go
 * on from; on the day they go back one that comes twice is its first. So each day has as many as are planned. Pure.
 */
import { tzOffset } from "@date-fns/tz";

export interface Schedule {
  /** "HH:MM", each at least two hours from the next, over midnight too. */
  readonly at: readonly string[];
  /** IANA name. */
  readonly timeZone: string;
}

const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;
/** More than any clock is put forward or back: no two of a day fall together. */
export const LEAST_APART_MINUTES = 120;

/** Milliseconds east of UTC. */
const offsetMs = (timeZone: string, ms: number): number => tzOffset(timeZone, new Date(ms)) * MINUTE_MS;

/** The days since 1970 by the local calendar. */
const localDay = (timeZone: string, ms: number): number => Math.floor((ms + offsetMs(timeZone, ms)) / DAY_MS);

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

/** The moments of one local day, in their order; `day`: days since 1970. */
export const momentsOf = (day: number, { at, timeZone }: Schedule): number[] =>
  at.map((time) => momentAt(timeZone, day * DAY_MS + minutesOf(time) * MINUTE_MS)).sort((one, other) => one - other);

/** The newest planned moment that is not in the future. */
export function lastPlanned(nowMs: number, schedule: Schedule): number {
  const today = localDay(schedule.timeZone, nowMs);
  const moments = [today - 1, today].flatMap((day) => momentsOf(day, schedule));
  return Math.max(...moments.filter((ms) => ms <= nowMs));
}

/** When a clock of the zone shows what a clock of UTC shows at `shownMs`. */
function momentAt(timeZone: string, shownMs: number): number {
  const [before, after] = [offsetMs(timeZone, shownMs - DAY_MS), offsetMs(timeZone, shownMs + DAY_MS)];
  const shows = [shownMs - before, shownMs - after].filter((ms) => ms + offsetMs(timeZone, ms) === shownMs);
  if (shows.length > 0) return Math.min(...shows);
  // It is left out: the first moment that shows more.
  let [early, late] = [shownMs - DAY_MS, shownMs + DAY_MS];
  while (late - early > MINUTE_MS) {
    const middle = early + Math.floor((late - early) / 2 / MINUTE_MS) * MINUTE_MS;
    if (middle + offsetMs(timeZone, middle) < shownMs) early = middle;
    else late = middle;
  }
  return late;
}

/** Of two planned moments after each other, in any of the `days` from `fromMs` on. */
export function longestGapMinutes(schedule: Schedule, fromMs: number, days = 730): number {
  const first = localDay(schedule.timeZone, fromMs);
  const moments = Array.from({ length: days }, (_, index) => momentsOf(first + index, schedule)).flat();
  return Math.max(...moments.slice(1).map((ms, index) => ms - (moments[index] as number))) / MINUTE_MS;
}

/** Minutes between the two that are closest by the clock, over midnight too; one alone: a day. */
export function closestMinutes(at: readonly string[]): number {
  const sorted = at.map(minutesOf).sort((one, other) => one - other);
  return Math.min(
    ...sorted.map((minute, index) => (index === 0 ? minute + 1440 - (sorted.at(-1) as number) : minute - (sorted[index - 1] as number))),
  );
}
