/**
 * The queue of snapshot copies into one region, as a plain value: who waits, who is under way, who may start now. It starts nothing and
 * asks nobody: what RDS lists, the clock and chance come in as arguments. Whatever changes nothing gives the same value back.
 *
 * RDS takes so many copies at a time into a region, and works on those of one database one after another (RDS User Guide, copying a
 * snapshot). A refusal for want of a slot is no failure: the copy goes back and comes again.
 */
export type CopyKind = "instance" | "cluster";

/** At a time, from one region into another (RDS User Guide and Aurora User Guide, copying a snapshot). */
export const COPY_LIMITS: CopyLimits = { instance: 20, cluster: 5 };
export type CopyLimits = Readonly<Record<CopyKind, number>>;

export interface Wanted {
  /** The copy's identifier in the region: asked for twice, it is one. */
  readonly id: string;
  readonly kind: CopyKind;
  /** The plan's name of the database. */
  readonly database: string;
  /** The instance it is a snapshot of, by region and identifier, like "eu-central-1/shop-a". */
  readonly source: string;
  /** When the recovery point objective breaks if this copy is not there. */
  readonly breaksAtMs: number;
  /** People hear of a copy that is not there by then. */
  readonly dueAtMs: number;
}

export interface Entry extends Wanted {
  readonly askedAtMs: number;
  /** How often it was refused for want of a slot. */
  readonly sentBack: number;
  /** People know that it is late; that it will be. */
  readonly told: boolean;
  readonly foretold: boolean;
}

export interface Waiting extends Entry {
  readonly notBeforeMs: number;
  /** When it was refused last. It may be under way all the same: an answer before that one may have been lost. */
  readonly refusedAtMs?: number;
}

export interface InFlight extends Entry {
  readonly admittedAtMs: number;
  /** When RDS took it; null until then. */
  readonly startedAtMs: number | null;
}

/** A copy into the region, as RDS lists it. */
export interface ListedCopy {
  readonly id: string;
  readonly kind: CopyKind;
  readonly source: string;
  readonly status: string;
}

export interface CopyQueue {
  readonly waiting: readonly Waiting[];
  readonly inFlight: readonly InFlight[];
  /** Under way, and not asked for here: other people's copies take slots too. */
  readonly strangers: readonly ListedCopy[];
  /** When RDS was asked last, and how long it took to list all there is. */
  readonly seenAtMs: number;
  readonly seenForMs?: number;
  /** When people last heard of copies that will be late. */
  readonly foretoldAtMs: number;
  /** By source, how long its last copy took. */
  readonly minutes: Readonly<Record<string, number>>;
  /** `most`: how many were under way at a time, when one was let in. */
  readonly tally: { readonly most: CopyLimits; readonly copied: number; readonly failed: number };
}

export const EMPTY_QUEUE: CopyQueue = {
  waiting: [],
  inFlight: [],
  strangers: [],
  seenAtMs: 0,
  foretoldAtMs: 0,
  minutes: {},
  tally: { most: { instance: 0, cluster: 0 }, copied: 0, failed: 0 },
};

/** The least slack first; of equals who asked first. */
const bySlack = (one: Entry, other: Entry): number =>
  one.breaksAtMs - other.breaksAtMs || one.askedAtMs - other.askedAtMs || (one.id < other.id ? -1 : 1);

export const inLine = ({ waiting }: CopyQueue): Waiting[] => waiting.toSorted(bySlack);

export const entryOf = (queue: CopyQueue, id: string): Waiting | InFlight | undefined =>
  [...queue.inFlight, ...queue.waiting].find((entry) => entry.id === id);

/** Whoever is in it keeps their place. */
export function enter(queue: CopyQueue, wanted: Wanted, nowMs: number): CopyQueue {
  if (entryOf(queue, wanted.id)) return queue;
  const entry: Waiting = { ...wanted, askedAtMs: nowMs, sentBack: 0, told: false, foretold: false, notBeforeMs: nowMs };
  return { ...queue, waiting: [...queue.waiting, entry] };
}

export interface Taken {
  readonly kind: CopyKind;
  readonly source: string;
}

/** Who of a sorted line may start beside those under way. */
export function mayStart(line: readonly Waiting[], underWay: readonly Taken[], limits: CopyLimits, nowMs: number): Waiting[] {
  const busy = new Set(underWay.map(({ source }) => source));
  const free = { ...limits };
  for (const { kind } of underWay) free[kind]--;
  const chosen: Waiting[] = [];
  for (const entry of line) {
    if (free.instance <= 0 && free.cluster <= 0) break;
    if (free[entry.kind] <= 0 || entry.notBeforeMs > nowMs || busy.has(entry.source)) continue;
    free[entry.kind]--;
    busy.add(entry.source);
    chosen.push(entry);
  }
  return chosen;
}

/**
 * Gives the free slots away: never more than the limits, never two of one database. After a refusal, another of its database starts only
 * when RDS has been asked what is under way.
 */
export function admit(queue: CopyQueue, limits: CopyLimits, nowMs: number): CopyQueue {
  const unclear = queue.waiting.filter(({ refusedAtMs }) => refusedAtMs !== undefined && refusedAtMs + LISTED_AFTER_MS > queue.seenAtMs);
  // Two of one database that are unclear hold each other up until then, too.
  const refused = Map.groupBy(unclear, ({ source }) => source);
  const line = inLine(queue).filter(({ id, source }) => (refused.get(source) ?? []).every((each) => each.id === id));
  const chosen = mayStart(line, [...queue.inFlight, ...queue.strangers], limits, nowMs);
  if (chosen.length === 0) return queue;
  const inFlight = [...queue.inFlight, ...chosen.map((entry) => admitted(entry, nowMs, null))];
  const most = { ...queue.tally.most };
  for (const { kind } of chosen)
    most[kind] = Math.max(most[kind], [...inFlight, ...queue.strangers].filter((each) => each.kind === kind).length);
  return { ...queue, waiting: queue.waiting.filter((entry) => !chosen.includes(entry)), inFlight, tally: { ...queue.tally, most } };
}

const admitted = ({ notBeforeMs: _, refusedAtMs: __, ...entry }: Waiting, admittedAtMs: number, startedAtMs: number | null): InFlight => ({
  ...entry,
  admittedAtMs,
  startedAtMs,
});

/** Whether it may be started. Not on an old admission: a look at RDS that began before the start may be giving its slot to another. */
export const mayBegin = ({ inFlight }: CopyQueue, id: string, nowMs: number): boolean =>
  inFlight.some((entry) => entry.id === id && (entry.startedAtMs !== null || nowMs - entry.admittedAtMs <= UNSEEN_MS / 2));

/** RDS has taken it. */
export function started(queue: CopyQueue, id: string, nowMs: number): CopyQueue {
  if (!queue.inFlight.some((entry) => entry.id === id && entry.startedAtMs === null)) return queue;
  return { ...queue, inFlight: queue.inFlight.map((entry) => (entry.id === id ? { ...entry, startedAtMs: nowMs } : entry)) };
}

/** It is there, it failed, or nobody wants it any more. Told twice, it counts once. */
export function ended(queue: CopyQueue, id: string, how: "available" | "failed" | "given up", nowMs: number): CopyQueue {
  const entry = entryOf(queue, id);
  if (!entry) return queue;
  const { tally } = queue;
  const startedAtMs = "startedAtMs" in entry ? entry.startedAtMs : null;
  const took = how === "available" && startedAtMs !== null ? { [entry.source]: Math.max(0, nowMs - startedAtMs) / MINUTE_MS } : {};
  return {
    ...queue,
    waiting: queue.waiting.filter((each) => each.id !== id),
    inFlight: queue.inFlight.filter((each) => each.id !== id),
    minutes: { ...queue.minutes, ...took },
    // Who gave it up may have left it under way: RDS is asked before anybody of its source starts.
    ...(how === "available" ? {} : { seenAtMs: 0 }),
    tally: {
      ...tally,
      copied: tally.copied + (how === "available" ? 1 : 0),
      failed: tally.failed + (how === "failed" ? 1 : 0),
    },
  };
}

export const MINUTE_MS = 60_000;

/** Why RDS would not start it now. "region is full": its total of snapshots, which only people can change. */
export type BackOff = "slots are taken" | "region is full" | "throttled";

const BACK_OFF_MS: Readonly<Record<BackOff, { readonly least: number; readonly most: number }>> = {
  "slots are taken": { least: 30_000, most: 10 * MINUTE_MS },
  "region is full": { least: 30 * MINUTE_MS, most: 60 * MINUTE_MS },
  throttled: { least: 5_000, most: 2 * MINUTE_MS },
};

/** Back into the line, for a time that doubles with each refusal; `chance` (0 to 1) keeps them from coming again all at once. */
export function backOff(queue: CopyQueue, id: string, why: BackOff, chance: number, nowMs: number): CopyQueue {
  const entry = queue.inFlight.find((each) => each.id === id);
  if (!entry) return queue;
  const { admittedAtMs: _, startedAtMs: __, ...rest } = entry;
  const { least, most } = BACK_OFF_MS[why];
  const longest = Math.min(most, least * 2 ** (entry.sentBack + 1));
  const notBeforeMs = nowMs + Math.round(least + chance * (longest - least));
  const back: Waiting = { ...rest, sentBack: entry.sentBack + 1, notBeforeMs, refusedAtMs: nowMs };
  return { ...queue, waiting: [...queue.waiting, back], inFlight: queue.inFlight.filter((each) => each !== entry) };
}

/** aws-facts: a copy is `creating`, `copying` or `pending` until it is there, and may show no progress for long. */
const isUnderWay = ({ status }: ListedCopy): boolean => ["creating", "copying", "pending"].includes(status);

/** So long a slot is kept for one that was admitted and that RDS does not list: its execution is about to start it, or is dead. */
export const UNSEEN_MS = 5 * MINUTE_MS;

/** What RDS has taken is in its lists by then. */
const LISTED_AFTER_MS = MINUTE_MS;

/** RDS is asked once in so long, by whoever looks first; where there is much to list, a twentieth of the time at most. */
const SEE_AGAIN_MS = MINUTE_MS;
const SEEN_SHARE = 20;

export const isToBeSeen = ({ seenAtMs, seenForMs = 0 }: CopyQueue, nowMs: number): boolean =>
  nowMs - seenAtMs >= Math.max(SEE_AGAIN_MS, SEEN_SHARE * seenForMs);

/** What RDS lists counts: a slot whose execution died is free again, a copy that others started takes one. `forMs`: how long it took. */
export function reconcile(queue: CopyQueue, listed: readonly ListedCopy[], nowMs: number, forMs = 0): CopyQueue {
  let next: CopyQueue = queue;
  for (const { id, startedAtMs, admittedAtMs } of queue.inFlight) {
    const found = listed.find((each) => each.id === id);
    if (found && isUnderWay(found)) next = started(next, id, nowMs);
    else if (found) next = ended(next, id, found.status === "available" ? "available" : "failed", nowMs);
    else if (nowMs - (startedAtMs ?? admittedAtMs) > UNSEEN_MS) next = ended(next, id, "given up", nowMs);
  }
  const underWay = listed.filter(isUnderWay);
  const known = new Set(underWay.map(({ id }) => id));
  const adopted = next.waiting.filter(({ id }) => known.has(id));
  const inFlight = [...next.inFlight, ...adopted.map((entry) => admitted(entry, nowMs, nowMs))];
  return {
    ...next,
    waiting: next.waiting.filter((entry) => !adopted.includes(entry)),
    inFlight,
    strangers: underWay.filter(({ id }) => !inFlight.some((entry) => entry.id === id)),
    seenAtMs: nowMs,
    seenForMs: forMs,
  };
}

/** Not there by their time, waiting or under way, and nobody knows yet. */
export const overdue = (queue: CopyQueue, nowMs: number): (Waiting | InFlight)[] =>
  [...queue.inFlight, ...queue.waiting].filter(({ told, dueAtMs }) => !told && dueAtMs <= nowMs).sort(bySlack);

/** People know that these are late. */
export const told = (queue: CopyQueue, ids: readonly string[]): CopyQueue => marked(queue, ids, { told: true });

/** People know that these will be late. */
export const foretold = (queue: CopyQueue, ids: readonly string[], nowMs: number): CopyQueue => ({
  ...marked(queue, ids, { foretold: true }),
  foretoldAtMs: nowMs,
});

function marked(queue: CopyQueue, ids: readonly string[], mark: Partial<Entry>): CopyQueue {
  const put = <E extends Entry>(entry: E): E => (ids.includes(entry.id) ? { ...entry, ...mark } : entry);
  return { ...queue, waiting: queue.waiting.map(put), inFlight: queue.inFlight.map(put) };
}

/** By when a copy is wanted of a database that is backed up each `everyMinutes`: before the second backup after the newest one is due. */
export function deadlines(newestAtMs: number | null, takenAtMs: number, everyMinutes: number): Pick<Wanted, "breaksAtMs" | "dueAtMs"> {
  const everyMs = everyMinutes * MINUTE_MS;
  // Without any copy the objective is broken already, and nothing is more urgent.
  const breaksAtMs = newestAtMs === null ? takenAtMs : newestAtMs + 2 * everyMs;
  return { breaksAtMs, dueAtMs: Math.max(breaksAtMs, takenAtMs + everyMs) };
}
