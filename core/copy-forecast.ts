/**
 * Which copies will not be there in time, hours before: the queue played forward with the slots there are. Pure, and it changes nothing:
 * the very function that gives the slots away is asked who would get them.
 */
import {
  type CopyLimits,
  type CopyQueue,
  type Entry,
  entryOf,
  type InFlight,
  inLine,
  MINUTE_MS,
  mayStart,
  type Taken,
} from "./copy-queue.ts";

/** A copy that will not be there in time. */
export interface Miss {
  readonly id: string;
  readonly database: string;
  readonly endsAtMs: number;
  readonly breaksAtMs: number;
}

/** For a database of which no copy was seen yet. */
const FIRST_GUESS_MINUTES = 30;

/**
 * Plays the slots forward, each copy taking its source's `minutes`: which end after their objective has broken, and when. A guess alone
 * misses nothing: then the copy would have to start too late.
 */
export function forecast(queue: CopyQueue, limits: CopyLimits, nowMs: number, minutes = queue.minutes): Miss[] {
  const lasts = (source: string): number => Math.max(1, (minutes[source] ?? FIRST_GUESS_MINUTES) * MINUTE_MS);
  const misses: Miss[] = [];
  const note = ({ id, database, source, breaksAtMs }: Entry, startsAtMs: number, endsAtMs: number): void => {
    if (minutes[source] === undefined ? startsAtMs >= breaksAtMs : endsAtMs > breaksAtMs)
      misses.push({ id, database, endsAtMs, breaksAtMs });
  };
  let underWay: (Taken & { readonly endsAtMs: number })[] = queue.strangers.map((each) => ({
    ...each,
    endsAtMs: nowMs + lasts(each.source),
  }));
  for (const entry of queue.inFlight) {
    const startedAtMs = startOf(entry);
    const endsAtMs = Math.max(nowMs + 1, startedAtMs + lasts(entry.source));
    underWay.push({ ...entry, endsAtMs });
    note(entry, startedAtMs, endsAtMs);
  }
  let line = inLine(queue);
  for (let atMs = nowMs; line.length > 0; ) {
    const starting = new Set(mayStart(line, underWay, limits, atMs));
    for (const entry of starting) {
      const endsAtMs = atMs + lasts(entry.source);
      underWay.push({ ...entry, endsAtMs });
      note(entry, atMs, endsAtMs);
    }
    line = line.filter((entry) => !starting.has(entry));
    const held = line.map(({ notBeforeMs }) => notBeforeMs).filter((notBeforeMs) => notBeforeMs > atMs);
    const nextMs = Math.min(...underWay.map(({ endsAtMs }) => endsAtMs), ...held);
    // With limits of nothing, nothing ever ends.
    if (!Number.isFinite(nextMs)) break;
    atMs = nextMs;
    underWay = underWay.filter(({ endsAtMs }) => endsAtMs > atMs);
  }
  return misses.sort((one, other) => one.breaksAtMs - other.breaksAtMs || one.endsAtMs - other.endsAtMs);
}

const startOf = ({ startedAtMs, admittedAtMs }: InFlight): number => startedAtMs ?? admittedAtMs;

/** A night's copies come one by one, and people read of all that will be late in few mails. */
const FORETELL_AGAIN_MS = 30 * MINUTE_MS;

/** Of those that miss, what people are to hear of now. An objective that was broken when the copy was asked for needs no foretelling. */
export function toForetell(queue: CopyQueue, misses: readonly Miss[], nowMs: number): Miss[] {
  if (nowMs - queue.foretoldAtMs < FORETELL_AGAIN_MS) return [];
  return misses.filter(({ id }) => {
    const entry = entryOf(queue, id);
    return entry && !entry.foretold && !entry.told && entry.breaksAtMs > entry.askedAtMs;
  });
}
