/**
 * Schedule expressions of rules: `rate(5 minutes)` and `cron(0 12 * * ? *)`, in UTC. Cron's L, W and # are refused.
 * Says when to fire next; keeps no timers.
 */
import { ServiceError } from "../wire/errors.ts";

export type Schedule =
  | { readonly kind: "rate"; readonly periodMs: number }
  | { readonly kind: "cron"; readonly fields: readonly Set<number>[] };

const UNIT_MS: Record<string, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/** Minute, hour, day of month, month, day of week (1 is Sunday), year. */
const FIELDS: readonly { readonly min: number; readonly max: number; readonly names?: readonly string[] }[] = [
  { min: 0, max: 59 },
  { min: 0, max: 23 },
  { min: 1, max: 31 },
  { min: 1, max: 12, names: MONTHS },
  { min: 1, max: 7, names: DAYS },
  { min: 1970, max: 2199 },
];
const DAY_OF_MONTH = 2;
const DAY_OF_WEEK = 4;

export function parseSchedule(expression: string): Schedule {
  const rate = /^rate\((\d+) (minute|hour|day)(s?)\)$/.exec(expression);
  if (rate) {
    const [, count, unit, plural] = rate;
    const value = Number(count);
    if (value < 1 || (value === 1) !== (plural === "")) throw invalid(`"${unit}" is for 1, "${unit}s" for more`);
    return { kind: "rate", periodMs: value * UNIT_MS[unit!]! };
  }
  const parts = /^cron\((.+)\)$/.exec(expression)?.[1]?.trim().split(/\s+/);
  if (!parts) throw invalid("write rate(value unit) or cron(minutes hours day-of-month month day-of-week year)");
  if (parts.length !== 6) throw invalid(`cron takes six fields, not ${parts.length}`);
  if ((parts[DAY_OF_MONTH] === "?") === (parts[DAY_OF_WEEK] === "?"))
    throw invalid("one of day-of-month and day-of-week, and only one, must be ?");
  return { kind: "cron", fields: parts.map((part, at) => fieldOf(part, at)) };
}

/** The first matching minute after `after` (epoch milliseconds), or undefined when the years run out. */
export function nextCron(fields: readonly Set<number>[], after: number): number | undefined {
  const [minutes, hours, days, months, weekdays, years] = fields as [
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
    Set<number>,
  ];
  const from = Math.floor(after / 60_000) * 60_000 + 60_000;
  const lastYear = Math.max(...years);
  for (let day = Math.floor(from / 86_400_000) * 86_400_000; ; day += 86_400_000) {
    const date = new Date(day);
    if (date.getUTCFullYear() > lastYear) return undefined;
    if (!years.has(date.getUTCFullYear()) || !months.has(date.getUTCMonth() + 1)) continue;
    if (!days.has(date.getUTCDate()) || !weekdays.has(date.getUTCDay() + 1)) continue;
    for (const hour of [...hours].sort((a, b) => a - b)) {
      for (const minute of [...minutes].sort((a, b) => a - b)) {
        const at = day + hour * 3_600_000 + minute * 60_000;
        if (at >= from) return at;
      }
    }
  }
}

function fieldOf(text: string, at: number): Set<number> {
  const { min, max, names } = FIELDS[at]!;
  const numberOf = (word: string) => {
    const named = names?.indexOf(word.toUpperCase()) ?? -1;
    const value = named >= 0 ? named + min : /^\d+$/.test(word) ? Number(word) : Number.NaN;
    if (!(value >= min && value <= max)) throw invalid(`"${word}" in field ${at + 1} is not one of ${min} to ${max}`);
    return value;
  };
  const values = new Set<number>();
  for (const item of text.split(",")) {
    const [range = "", step] = item.split("/");
    if (step !== undefined && !/^[1-9]\d*$/.test(step)) throw invalid(`"${item}" in field ${at + 1} has no whole step`);
    const every = range === "*" || (range === "?" && (at === DAY_OF_MONTH || at === DAY_OF_WEEK));
    const [low = "", high] = range.split("-");
    const from = every ? min : numberOf(low);
    const to = every || (step !== undefined && high === undefined) ? max : high === undefined ? from : numberOf(high);
    if (to < from) throw invalid(`"${range}" in field ${at + 1} ends before it begins`);
    for (let value = from; value <= to; value += Number(step ?? 1)) values.add(value);
  }
  return values;
}

function invalid(reason: string): ServiceError {
  return new ServiceError("ValidationException", `Parameter ScheduleExpression is not valid. (${reason})`);
}
