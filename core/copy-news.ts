/** What people hear of the copy queue: a copy that is late, copies that will be, a region that takes no more snapshots. Pure. */
import type { Miss } from "./copy-forecast.ts";
import { COPY_LIMITS, type CopyQueue, type InFlight, inLine, type Waiting } from "./copy-queue.ts";
import type { News } from "./news.ts";
import { isVaultPlace, slugOf } from "./vault.ts";

const iso = (atMs: number): string => new Date(atMs).toISOString();

/** The line as it stands, as rows of a mail. */
const lineOf = ({ inFlight, strangers, waiting }: CopyQueue): [label: string, value: string][] => [
  ["Under way", `${inFlight.length + strangers.length}, of which ${strangers.length} not by Understudy; RDS takes ${COPY_LIMITS.instance}`],
  ["Waiting", String(waiting.length)],
];

/** A snapshot's copy into a region and the one into the vault have one name. */
const ofVault = (place: string): string => (isVaultPlace(place) ? "-vault" : "");

export function lateNews(region: string, queue: CopyQueue, entry: Waiting | InFlight, nowMs: number): News {
  return {
    kind: "Copy Delayed",
    id: `${entry.id}${ofVault(region)}-late`,
    database: entry.database,
    atMs: nowMs,
    sentence: `The copy of ${entry.id} to ${region} is late: it was due at ${iso(entry.dueAtMs)}, and ${standing(queue, entry)}.`,
    details: [
      ["Objective", `breaks at ${iso(entry.breaksAtMs)}`],
      ["Refused", `${entry.sentBack} times for want of a slot`],
      ...lineOf(queue),
    ],
    next: "It goes on by itself. See whether copies that nobody needs take the slots, or ask AWS for more of them.",
  };
}

function standing(queue: CopyQueue, entry: Waiting | InFlight): string {
  if (!("startedAtMs" in entry)) return `it waits for a slot, ${inLine(queue).findIndex(({ id }) => id === entry.id)} before it`;
  return entry.startedAtMs === null ? "its turn has only come now" : `it is under way since ${iso(entry.startedAtMs)}`;
}

/** At most so many are named. */
const NAMED = 20;

export function foreseenNews(region: string, queue: CopyQueue, misses: readonly [Miss, ...Miss[]], nowMs: number): News {
  const [first] = misses;
  const others = misses.length === 1 ? "" : `, and ${misses.length - 1} more after it`;
  const times = ({ endsAtMs, breaksAtMs }: Miss) => `${iso(endsAtMs)}, needed by ${iso(breaksAtMs)}`;
  return {
    kind: "Copy Delayed",
    id: `${first.id}${ofVault(region)}-will-be-late`,
    database: first.database,
    atMs: nowMs,
    sentence: `The copy of ${first.id} to ${region} will be late: expected at ${times(first)}${others}.`,
    details: [...misses.slice(0, NAMED).map((miss): [string, string] => [miss.id, times(miss)]), ...lineOf(queue)],
    next: "Nothing is late yet: it is how long the last copies took. Free slots, or back up less often what can wait.",
  };
}

/** Once a day and region, however many copies meet it. */
export const fullNews = (region: string, queue: CopyQueue, database: string, words: string, nowMs: number): News => ({
  kind: "Copy Delayed",
  id: `copies-${slugOf(region)}-full-${iso(nowMs).slice(0, 10)}`,
  database,
  atMs: nowMs,
  sentence: `${region} takes no more snapshots: ${words}`,
  details: lineOf(queue),
  next: "Delete snapshots nobody needs, or ask AWS for a higher quota. Until then the copies are tried again about every hour.",
});
