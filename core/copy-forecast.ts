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

/** Nobody has seen a copy of it yet. */
const FIRST_GUESS_MINUTES = 30;
export const expectedMinutes = (queue: CopyQueue, source: string): number => queue.minutes[source] ?? FIRST_GUESS_MINUTES;

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

/** Plays the slots forward, each copy taking as long as its last one did: which end after their objective has broken, and when. */
export function forecast(queue: CopyQueue, limits: CopyLimits, nowMs: number, minutesOf = expectedMinutes): Miss[] {
  const lasts = (source: string): number => Math.max(1, minutesOf(queue, source) * MINUTE_MS);
  const misses: Miss[] = [];
  const note = ({ id, database, breaksAtMs }: Entry, endsAtMs: number): void => {
    if (endsAtMs > breaksAtMs) misses.push({ id, database, endsAtMs, breaksAtMs });
  };
  const leftOf = ({ source, startedAtMs, admittedAtMs }: InFlight) => Math.max(nowMs + 1, (startedAtMs ?? admittedAtMs) + lasts(source));
  let running: (Taken & { readonly endsAtMs: number })[] = [
    ...queue.inFlight.map((entry) => ({ ...entry, endsAtMs: leftOf(entry) })),
    ...queue.strangers.map((each) => ({ ...each, endsAtMs: nowMs + lasts(each.source) })),
  ];
  for (const entry of queue.inFlight) note(entry, leftOf(entry));
  let line = inLine(queue);
  for (let atMs = nowMs; line.length > 0; ) {
    const starting = new Set(mayStart(line, running, limits, atMs));
    for (const entry of starting) {
      const endsAtMs = atMs + lasts(entry.source);
      running.push({ kind: entry.kind, source: entry.source, endsAtMs });
      note(entry, endsAtMs);
    }
    line = line.filter((entry) => !starting.has(entry));
    const nextMs = Math.min(
      ...running.map(({ endsAtMs }) => endsAtMs),
      ...line.map(({ notBeforeMs }) => notBeforeMs).filter((at) => at > atMs),
    );
    // With limits of nothing, nothing ever ends.
    if (!Number.isFinite(nextMs)) break;
    atMs = nextMs;
    running = running.filter(({ endsAtMs }) => endsAtMs > atMs);
  }
  return misses.sort((one, other) => one.breaksAtMs - other.breaksAtMs || one.endsAtMs - other.endsAtMs);
}
