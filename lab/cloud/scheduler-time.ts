/**
 * When a schedule of EventBridge Scheduler is due: `at(…)`, `rate(…)` and `cron(…)` on the clock of a time zone. A local time that the clock
 * jumps over is left out, one that it shows twice counts once. Says when; keeps no timers.
 */
import { ServiceError } from "../wire/errors.ts";
import { nextCron, parseSchedule } from "./eventbridge-schedule.ts";

export interface Timing {
  readonly expression: string;
  readonly zone: string;
  /** Epoch milliseconds; what is due lies between them. */
  readonly startAt?: number;
  readonly endAt?: number;
  readonly createdAt: number;
}

type Parsed =
  | { readonly kind: "at"; readonly localMs: number }
  | { readonly kind: "rate"; readonly periodMs: number }
  | { readonly kind: "cron"; readonly fields: readonly Set<number>[] };

/** Refuses an expression or a zone that the service would refuse. */
export function checkTiming({ expression, zone }: Pick<Timing, "expression" | "zone">): void {
  parse(expression);
  try {
    formatOf(zone);
  } catch {
    throw invalid(`Invalid Schedule Expression Timezone ${zone}: expected a name of the IANA time zone database, such as Europe/Berlin.`);
  }
}

/** Whether it fires once and is then over. */
export function isOneTime(expression: string): boolean {
  return parse(expression).kind === "at";
}

/** The first time after `after` that it is due; undefined when there is none any more. `firstMs` is how soon a rate without a start fires. */
export function nextDue(timing: Timing, after: number, firstMs: number): number | undefined {
  const due = dueWithoutEnd(timing, after, firstMs);
  return due !== undefined && (timing.endAt === undefined || due <= timing.endAt) ? due : undefined;
}

function dueWithoutEnd({ expression, zone, startAt, createdAt }: Timing, after: number, firstMs: number): number | undefined {
  const parsed = parse(expression);
  if (parsed.kind === "at") {
    const due = instantOf(parsed.localMs, zone) ?? parsed.localMs - offsetAt(parsed.localMs, zone);
    return due > after ? due : undefined;
  }
  if (parsed.kind === "rate") {
    const first = startAt ?? createdAt + firstMs;
    return after < first ? first : first + (Math.floor((after - first) / parsed.periodMs) + 1) * parsed.periodMs;
  }
  const from = Math.max(after, (startAt ?? 0) - 1);
  let localMs: number | undefined = from + offsetAt(from, zone);
  for (;;) {
    localMs = nextCron(parsed.fields, localMs);
    if (localMs === undefined) return undefined;
    const due = instantOf(localMs, zone);
    if (due !== undefined && due > from) return due;
  }
}

function parse(expression: string): Parsed {
  const at = /^at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)$/.exec(expression)?.[1];
  const localMs = at ? Date.parse(`${at}Z`) : Number.NaN;
  if (!Number.isNaN(localMs)) return { kind: "at", localMs };
  try {
    // Unlike a rule's, this service's units may be in the plural for 1.
    return parseSchedule(expression.replace(/^rate\(1 (minute|hour|day)s\)$/, "rate(1 $1)"));
  } catch {
    throw invalid(`Invalid Schedule Expression ${expression}.`);
  }
}

function invalid(message: string): ServiceError {
  return new ServiceError("ValidationException", message, 400);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  formats.set(zone, format);
  return format;
}

/** How far the zone's clock is ahead of UTC at an instant, in milliseconds. */
function offsetAt(instant: number, zone: string): number {
  const parts = Object.fromEntries(
    formatOf(zone)
      .formatToParts(instant)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(instant / 1000) * 1000;
}

/** The first instant at which the zone's clock shows a local time; undefined when it jumps over it. */
function instantOf(localMs: number, zone: string): number | undefined {
  const offsets = [localMs - 86_400_000, localMs + 86_400_000].map((near) => offsetAt(near, zone));
  const instants = offsets.map((offset) => localMs - offset).filter((instant) => instant + offsetAt(instant, zone) === localMs);
  return instants.length > 0 ? Math.min(...instants) : undefined;
}
