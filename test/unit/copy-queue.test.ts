import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { faultOf, isHeldUp } from "../../core/copy-fault.ts";
import { forecast, toForetell } from "../../core/copy-forecast.ts";
import { foreseenNews, fullNews, lateNews } from "../../core/copy-news.ts";
import { notTheSame, type Origin, tagsOfCopy } from "../../core/copy-origin.ts";
import {
  admit,
  type BackOff,
  backOff,
  COPY_LIMITS,
  type CopyKind,
  type CopyQueue,
  deadlines,
  EMPTY_QUEUE,
  ended,
  enter,
  foretold,
  inLine,
  isToBeSeen,
  type ListedCopy,
  mayBegin,
  overdue,
  reconcile,
  started,
  told,
  UNSEEN_MS,
  type Wanted,
} from "../../core/copy-queue.ts";
import { writeMail } from "../../core/mail.ts";

const NOW = Date.parse("2026-11-21T20:00:00Z");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const wanted = (id: string, change: Partial<Wanted> = {}): Wanted => ({
  id,
  kind: "instance",
  database: id,
  source: `eu-central-1/${id}`,
  breaksAtMs: NOW + 6 * HOUR,
  dueAtMs: NOW + 6 * HOUR,
  ...change,
});
const queueOf = (all: readonly Wanted[]): CopyQueue => all.reduce((queue, each) => enter(queue, each, NOW), EMPTY_QUEUE);
const ids = (entries: readonly { readonly id: string }[]) => entries.map(({ id }) => id);
const everyone = ({ waiting, inFlight }: CopyQueue) => ids([...waiting, ...inFlight]).sort();

/** A night: a thousand snapshots of 300 databases, some of them clusters. Drawn from a number, so that a counterexample can be read. */
const nights = fc.nat().map((seed) => {
  const [database, breaks] = [numbers(seed), numbers(seed + 1)];
  return Array.from({ length: 1000 }, (_, index) => {
    const which = database() % 300;
    return wanted(`copy-${index}`, {
      kind: which % 10 === 0 ? "cluster" : "instance",
      source: `eu-central-1/db-${which}`,
      breaksAtMs: NOW + ((breaks() % 2040) - 600) * MINUTE,
    });
  });
});

/** Marsaglia's xorshift. */
function numbers(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

/** What can befall a queue, each by chance. */
const which = fc.nat(40);
const moves = fc.oneof(
  fc.record({ what: fc.constantFrom("admit" as const, "again" as const), minutes: fc.integer({ min: 0, max: 90 }) }),
  fc.record({ what: fc.constantFrom("start" as const, "end" as const, "fail" as const, "die" as const), which }),
  fc.record({
    what: fc.constant("refuse" as const),
    which,
    why: fc.constantFrom<BackOff>("slots are taken", "region is full", "throttled"),
    chance: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ what: fc.constant("stranger" as const), which }),
);
type Move = typeof moves extends fc.Arbitrary<infer Each> ? Each : never;

/** Plays the moves and tells, after each of them, what it was and what came of it. */
function played(night: readonly Wanted[], story: readonly Move[], look: (before: CopyQueue, after: CopyQueue, nowMs: number) => void) {
  let queue = queueOf(night);
  let nowMs = NOW;
  let strangers: ListedCopy[] = [];
  const gone = new Set<string>();
  const pick = (index: number) => queue.inFlight[index % Math.max(1, queue.inFlight.length)];
  const step = (next: CopyQueue) => {
    look(queue, next, nowMs);
    queue = next;
  };
  for (const move of [{ what: "admit", minutes: 0 } as const, ...story]) {
    if ("minutes" in move) {
      nowMs += move.minutes * MINUTE;
      const again = move.what === "again" ? night.slice(0, 50).filter(({ id }) => !gone.has(id)) : [];
      step(move.what === "admit" ? admit(queue, COPY_LIMITS, nowMs) : again.reduce((before, each) => enter(before, each, nowMs), queue));
    } else if (move.what === "stranger") {
      const theirs: ListedCopy = { id: `theirs-${move.which}`, kind: "instance", source: `eu-west-3/db-${move.which}`, status: "pending" };
      strangers = [theirs, ...strangers.filter(({ id }) => id !== theirs.id)].slice(0, 3);
      const ours = queue.inFlight.map(({ id, kind, source }): ListedCopy => ({ id, kind, source, status: "copying" }));
      step(reconcile(queue, [...ours, ...strangers], nowMs));
    } else {
      const one = pick(move.which);
      if (!one) continue;
      if (move.what === "start") step(started(queue, one.id, nowMs));
      if (move.what === "refuse") step(backOff(queue, one.id, move.why, move.chance, nowMs));
      if (move.what === "end" || move.what === "fail") {
        gone.add(one.id);
        step(ended(queue, one.id, move.what === "end" ? "available" : "failed", nowMs));
      }
      if (move.what === "die") {
        gone.add(one.id);
        step(ended(queue, one.id, "given up", nowMs));
      }
    }
  }
  return { queue, gone };
}

/** Whether another of its database was refused, and RDS has not been asked since what is under way. */
const mayBeUnderWay = ({ waiting, seenAtMs }: CopyQueue, { id, source }: Wanted): boolean =>
  waiting.some((other) => other.source === source && other.id !== id && (other.refusedAtMs ?? -MINUTE) > seenAtMs - MINUTE);
const isAdmitted = ({ inFlight }: CopyQueue, id: string): boolean => inFlight.some((entry) => entry.id === id);
const admittedOf = (queue: CopyQueue, kind: CopyKind) => queue.inFlight.filter((each) => each.kind === kind).length;
const count = (queue: CopyQueue, kind: CopyKind) => [...queue.inFlight, ...queue.strangers].filter((each) => each.kind === kind).length;

describe("whatever a night with a thousand copies brings", () => {
  const stories = fc.array(moves, { minLength: 40, maxLength: 120 });

  test("never more under way than RDS takes, never two of one database (R8, R9)", () => {
    fc.assert(
      fc.property(nights, stories, (night, story) => {
        const { queue } = played(night, story, (before, after) => {
          // Others may take more than there are; whom the queue lets in after that would be one too many.
          for (const kind of ["instance", "cluster"] as const)
            if (admittedOf(after, kind) > admittedOf(before, kind)) expect(count(after, kind)).toBeLessThanOrEqual(COPY_LIMITS[kind]);
          const sources = after.inFlight.map(({ source }) => source);
          expect(new Set(sources).size).toBe(sources.length);
        });
        expect(queue.tally.most.instance).toBeLessThanOrEqual(20);
        expect(queue.tally.most.cluster).toBeLessThanOrEqual(5);
      }),
      { numRuns: 40 },
    );
  });

  test("the slot goes to whom it is most urgent for: nobody who could have gone first is passed over (R11)", () => {
    fc.assert(
      fc.property(nights, stories, (night, story) => {
        played(night, story, (before, after, nowMs) => {
          const admitted = after.inFlight.filter(({ id }) => !isAdmitted(before, id));
          const busy = new Set([...after.inFlight, ...after.strangers].map(({ source }) => source));
          for (const entry of admitted) {
            const passedOver = after.waiting.filter(
              (other) =>
                other.kind === entry.kind && other.notBeforeMs <= nowMs && other.breaksAtMs < entry.breaksAtMs && !busy.has(other.source),
            );
            expect(ids(passedOver.filter((other) => !mayBeUnderWay(before, other)))).toEqual([]);
            // Of one database's copies the most urgent goes.
            const sisters = after.waiting.filter(
              (other) => other.source === entry.source && other.notBeforeMs <= nowMs && other.breaksAtMs < entry.breaksAtMs,
            );
            expect(ids(sisters.filter((other) => !mayBeUnderWay(before, other)))).toEqual([]);
            expect(mayBeUnderWay(before, entry)).toBe(false);
          }
        });
      }),
      { numRuns: 40 },
    );
  });

  test("nothing is lost, nothing is in it twice, and a refusal for want of a slot is no failure (R10)", () => {
    fc.assert(
      fc.property(nights, stories, (night, story) => {
        const { queue, gone } = played(night, story, (before, after, nowMs) => {
          const back = after.waiting.filter(({ id }) => isAdmitted(before, id));
          for (const entry of back) {
            expect(entry.notBeforeMs).toBeGreaterThanOrEqual(nowMs + 5000);
            expect(entry.notBeforeMs).toBeLessThanOrEqual(nowMs + HOUR);
            expect(isAdmitted(admit(after, COPY_LIMITS, entry.notBeforeMs - 1), entry.id)).toBe(false);
          }
          if (back.length > 0) expect(after.tally).toEqual(before.tally);
        });
        expect(everyone(queue)).toEqual(
          ids(night)
            .filter((id) => !gone.has(id))
            .sort(),
        );
        expect(queue.tally.copied + queue.tally.failed).toBeLessThanOrEqual(gone.size);
      }),
      { numRuns: 40 },
    );
  });

  test("a thousand copies with one slot each: all are served, and the queue is empty in the end", () => {
    fc.assert(
      fc.property(nights, (night) => {
        let queue = queueOf(night);
        for (let nowMs = NOW; queue.waiting.length > 0; nowMs += 30 * MINUTE) {
          queue = admit(queue, COPY_LIMITS, nowMs);
          for (const { id } of queue.inFlight) queue = ended(started(queue, id, nowMs), id, "available", nowMs + 30 * MINUTE);
        }
        expect(queue.tally).toEqual({ most: COPY_LIMITS, copied: 1000, failed: 0 });
        expect(everyone(queue)).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });
});

test("the same backup asks twice, and two at once: it is in the queue once, at its old place", () => {
  const queue = enter(queueOf([wanted("a"), wanted("b")]), wanted("a", { breaksAtMs: 0 }), NOW + HOUR);
  expect(ids(inLine(queue))).toEqual(["a", "b"]);
  const admitted = admit(queue, COPY_LIMITS, NOW);
  expect(enter(admitted, wanted("a"), NOW)).toBe(admitted);
  expect(started(started(admitted, "a", NOW), "a", NOW + 1).inFlight[0]?.startedAtMs).toBe(NOW);
  const left = ended(ended(admitted, "a", "available", NOW), "a", "available", NOW);
  expect(left.tally).toMatchObject({ copied: 1, failed: 0 });
});

test("of two that are as urgent, who asked first goes first", () => {
  const queue = enter(enter(EMPTY_QUEUE, wanted("b"), NOW), wanted("a"), NOW + 1);
  expect(ids(admit(queue, { instance: 1, cluster: 0 }, NOW + 2).inFlight)).toEqual(["b"]);
});

test("a region has thousands of snapshots: what takes a minute to list is listed each twenty minutes, not each one (R33)", () => {
  const few = reconcile(EMPTY_QUEUE, [], NOW, 200);
  expect([isToBeSeen(few, NOW + MINUTE - 1), isToBeSeen(few, NOW + MINUTE)]).toEqual([false, true]);
  const many = reconcile(EMPTY_QUEUE, [], NOW, MINUTE);
  expect([isToBeSeen(many, NOW + 20 * MINUTE - 1), isToBeSeen(many, NOW + 20 * MINUTE)]).toEqual([false, true]);
});

test("its execution has waited for days and gives up, and RDS goes on copying: RDS is asked before another of that source starts (R9)", () => {
  const first = admit(queueOf([wanted("first")]), COPY_LIMITS, NOW);
  const seen = reconcile(first, [{ id: "first", kind: "instance", source: wanted("first").source, status: "copying" }], NOW);
  const left = ended(seen, "first", "failed", NOW + 1);
  expect(isToBeSeen(left, NOW + 1)).toBe(true);
  expect(isToBeSeen(ended(seen, "first", "available", NOW + 1), NOW + 1)).toBe(false);
});

test("the execution that was admitted is dead: after some minutes its slot is another's", () => {
  const queue = admit(queueOf([wanted("dead"), wanted("alive", { breaksAtMs: NOW + 9 * HOUR })]), { instance: 1, cluster: 0 }, NOW);
  expect(ids(reconcile(queue, [], NOW + UNSEEN_MS).inFlight)).toEqual(["dead"]);
  const later = reconcile(queue, [], NOW + UNSEEN_MS + 1);
  expect(ids(admit(later, { instance: 1, cluster: 0 }, NOW + UNSEEN_MS + 1).inFlight)).toEqual(["alive"]);
  expect(later.tally.failed).toBe(0);
  // It was only slow: it asks again, and stands in line again.
  expect(ids(inLine(enter(later, wanted("dead"), NOW + HOUR)))).toEqual(["dead", "alive"]);
});

test("an execution comes late to an old admission: it does not begin, for a look that began before may give its slot away (R9)", () => {
  const queue = admit(queueOf([wanted("late")]), COPY_LIMITS, NOW);
  const limitMs = NOW + UNSEEN_MS / 2;
  expect([mayBegin(queue, "late", limitMs), mayBegin(queue, "late", limitMs + 1)]).toEqual([true, false]);
  // Given up and asked for anew, it may.
  const again = admit(
    enter(reconcile(queue, [], NOW + UNSEEN_MS + 1), wanted("late"), NOW + UNSEEN_MS + 1),
    COPY_LIMITS,
    NOW + UNSEEN_MS + 1,
  );
  expect(mayBegin(again, "late", NOW + UNSEEN_MS + 1)).toBe(true);
  // What RDS lists has begun, and is found by whoever begins it again.
  expect(mayBegin(started(queue, "late", NOW), "late", NOW + HOUR)).toBe(true);
});

test("a copy is refused, and the answer to its first try may have been lost: another of its database starts only when RDS has been asked (R9)", () => {
  const [first, second] = [wanted("first"), wanted("second", { source: "eu-central-1/first", breaksAtMs: NOW + 7 * HOUR })];
  const refused = backOff(admit(queueOf([first, second, wanted("other")]), COPY_LIMITS, NOW), "first", "region is full", 1, NOW);
  const later = NOW + 2 * MINUTE;
  expect(ids(admit(refused, COPY_LIMITS, later).inFlight)).toEqual(["other"]);
  // A list that was made right after it may not have it yet.
  expect(ids(admit(reconcile(refused, [], NOW + MINUTE - 1), COPY_LIMITS, later).inFlight)).toEqual(["other"]);
  expect(ids(admit(reconcile(refused, [], NOW + MINUTE), COPY_LIMITS, later).inFlight)).toEqual(["other", "second"]);
  const listed: ListedCopy = { id: "first", kind: "instance", source: "eu-central-1/first", status: "creating" };
  expect(ids(admit(reconcile(refused, [listed], NOW + MINUTE), COPY_LIMITS, later).inFlight).sort()).toEqual(["first", "other"]);
  // It may come again itself: what is there by its name is found.
  expect(ids(admit(refused, COPY_LIMITS, NOW + HOUR).inFlight).sort()).toEqual(["first", "other"]);
});

test("an execution dies while its copy is under way: the slot is taken until RDS says that the copy is there", () => {
  const queue = started(admit(queueOf([wanted("a")]), COPY_LIMITS, NOW), "a", NOW);
  const listed = (status: string): ListedCopy => ({ id: "a", kind: "instance", source: "eu-central-1/a", status });
  for (const status of ["pending", "creating", "copying"])
    expect(ids(reconcile(queue, [listed(status)], NOW + 9 * HOUR).inFlight)).toEqual(["a"]);
  expect(reconcile(queue, [listed("available")], NOW + 40 * MINUTE)).toMatchObject({
    inFlight: [],
    tally: { copied: 1, failed: 0 },
    minutes: { "eu-central-1/a": 40 },
  });
  expect(reconcile(queue, [listed("failed")], NOW + HOUR)).toMatchObject({ inFlight: [], tally: { copied: 0, failed: 1 } });
});

test("other people's copies take slots too, and one of the same database is waited for", () => {
  const theirs = (source: string, n: number): ListedCopy => ({ id: `theirs-${n}`, kind: "instance", source, status: "pending" });
  const full = Array.from({ length: 20 }, (_, n) => theirs(`eu-west-3/db-${n}`, n));
  expect(admit(reconcile(queueOf([wanted("a")]), full, NOW), COPY_LIMITS, NOW).inFlight).toEqual([]);
  const [own] = [theirs("eu-central-1/a", 1)];
  const queue = admit(reconcile(queueOf([wanted("a"), wanted("b")]), own ? [own] : [], NOW), COPY_LIMITS, NOW);
  expect(ids(queue.inFlight)).toEqual(["b"]);
});

test("a copy that RDS lists while its place says it waits is under way: it takes one slot, not two", () => {
  const listed: ListedCopy = { id: "a", kind: "instance", source: "eu-central-1/a", status: "pending" };
  expect(reconcile(queueOf([wanted("a")]), [listed], NOW)).toMatchObject({ waiting: [], inFlight: [{ id: "a" }], strangers: [] });
});

describe("late", () => {
  test("a copy past its time is told once, whether it waits or is under way", () => {
    const all = [wanted("a"), wanted("b", { dueAtMs: NOW + HOUR }), wanted("c", { dueAtMs: NOW + 2 * HOUR })];
    const queue = started(admit(queueOf(all), { instance: 2, cluster: 0 }, NOW), "b", NOW);
    expect(ids(overdue(queue, NOW + HOUR - 1))).toEqual([]);
    const late = overdue(queue, NOW + 2 * HOUR);
    expect(ids(late)).toEqual(["b", "c"]);
    expect(overdue(told(queue, ids(late)), NOW + 3 * HOUR)).toEqual([]);
    const [underWay, waits] = late.map((entry) => lateNews("eu-west-1", queue, entry, NOW + 2 * HOUR));
    expect(underWay?.sentence).toBe(
      "The copy of b to eu-west-1 is late: it was due at 2026-11-21T21:00:00.000Z, and it is under way since 2026-11-21T20:00:00.000Z.",
    );
    expect(waits?.sentence).toMatch(/it waits for a slot, 0 before it\.$/);
    expect(writeMail(underWay as NonNullable<typeof underWay>, "corner-shop").subject).toBe("[corner-shop] b: a copy is delayed");
  });

  test("the objective breaks when the second backup after the newest one would be due; without any it is broken already", () => {
    expect(deadlines(NOW - 6 * HOUR, NOW, 360)).toEqual({ breaksAtMs: NOW + 6 * HOUR, dueAtMs: NOW + 6 * HOUR });
    // Two were missed: more urgent, and still given its time.
    expect(deadlines(NOW - 18 * HOUR, NOW, 360)).toEqual({ breaksAtMs: NOW - 6 * HOUR, dueAtMs: NOW + 6 * HOUR });
    expect(deadlines(null, NOW, 360)).toEqual({ breaksAtMs: NOW, dueAtMs: NOW + 6 * HOUR });
  });
});

describe("foreseen hours before", () => {
  test("a thousand copies of half an hour, twenty at a time, take 25 hours: those after the first day are named at once", () => {
    const all = Array.from({ length: 1000 }, (_, n) => wanted(`c-${String(n).padStart(3, "0")}`, { breaksAtMs: NOW + 24 * HOUR }));
    const misses = forecast(queueOf(all), COPY_LIMITS, NOW);
    expect(misses).toHaveLength(1000 - 48 * 20);
    expect(misses.at(-1)?.endsAtMs).toBe(NOW + 25 * HOUR);
  });

  test("each copy takes as long as its last one did, beside what is under way already", () => {
    const times = { breaksAtMs: NOW + HOUR, dueAtMs: NOW + HOUR };
    const all = [
      wanted("a", { ...times, breaksAtMs: NOW + HOUR - 1 }),
      wanted("b", times),
      wanted("c", { ...times, breaksAtMs: NOW + 90 * MINUTE }),
    ];
    const known = { ...queueOf(all), minutes: { "eu-central-1/a": 20, "eu-central-1/b": 50, "eu-central-1/c": 10 } };
    const queue = admit(known, { instance: 1, cluster: 0 }, NOW);
    expect(forecast(queue, { instance: 1, cluster: 0 }, NOW)).toEqual([
      { id: "b", database: "b", endsAtMs: NOW + 70 * MINUTE, breaksAtMs: NOW + HOUR },
    ]);
    expect(forecast(queue, { instance: 2, cluster: 0 }, NOW)).toEqual([]);
  });

  test("people read of it once, all of a night's in few mails, and not of what was broken before", () => {
    const soon = { breaksAtMs: NOW + MINUTE };
    const minutes = Object.fromEntries(["a", "b", "d", "first"].map((name) => [`eu-central-1/${name}`, 30]));
    const queue = { ...queueOf([wanted("a", soon), wanted("b", soon), wanted("first", { breaksAtMs: NOW })]), minutes };
    const [first, ...others] = toForetell(queue, forecast(queue, COPY_LIMITS, NOW), NOW);
    expect(ids([first, ...others].flatMap((each) => each ?? []))).toEqual(["a", "b"]);
    if (!first) return;
    expect(foreseenNews("eu-west-1", queue, [first, ...others], NOW).sentence).toBe(
      "The copy of a to eu-west-1 will be late: expected at 2026-11-21T20:30:00.000Z, needed by 2026-11-21T20:01:00.000Z, and 1 more after it.",
    );
    const knows = enter(foretold(queue, ["a", "b"], NOW), wanted("d", { breaksAtMs: NOW + 2 * MINUTE }), NOW);
    const misses = (nowMs: number) => ids(toForetell(knows, forecast(knows, COPY_LIMITS, nowMs), nowMs));
    expect(misses(NOW + 20 * MINUTE)).toEqual([]);
    expect(misses(NOW + 31 * MINUTE)).toEqual(["d"]);
  });

  test("whatever the night, a forecast is what then happens when each copy takes what it took before", () => {
    fc.assert(
      fc.property(nights, (night) => {
        const some = night.slice(0, 150);
        const missed = new Set<string>();
        const minutes = Object.fromEntries(some.map(({ source }) => [source, 30]));
        const foreseen = ids(forecast(queueOf(some), COPY_LIMITS, NOW, minutes));
        let queue = queueOf(some);
        for (let nowMs = NOW; queue.waiting.length > 0; nowMs += 30 * MINUTE) {
          queue = admit(queue, COPY_LIMITS, nowMs);
          for (const { id, breaksAtMs } of queue.inFlight) {
            if (nowMs + 30 * MINUTE > breaksAtMs) missed.add(id);
            queue = ended(queue, id, "available", nowMs + 30 * MINUTE);
          }
        }
        expect(foreseen.sort()).toEqual([...missed].sort());
      }),
      { numRuns: 20 },
    );
  });

  test("nobody has seen a copy of it yet: a guess alone is no news, but a start that comes too late is", () => {
    const one = wanted("a", { breaksAtMs: NOW + 10 * MINUTE });
    expect(forecast(queueOf([one]), COPY_LIMITS, NOW)).toEqual([]);
    const two = queueOf([one, wanted("b", { breaksAtMs: NOW + 20 * MINUTE })]);
    expect(ids(forecast(two, { instance: 1, cluster: 0 }, NOW))).toEqual(["b"]);
  });

  test("no slots at all, and the forecast ends all the same", () => {
    expect(forecast(queueOf([wanted("a")]), { instance: 0, cluster: 0 }, NOW)).toEqual([]);
  });
});

describe("what RDS means when it does not start a copy", () => {
  test.each([
    ["SnapshotQuotaExceeded", "Cannot copy more than 5 snapshots across regions", "slots are taken"],
    ["SnapshotQuotaExceeded", "Cannot create more than 100 manual snapshots", "region is full"],
    ["SnapshotQuotaExceeded", "words nobody has met yet", "region is full"],
    ["ResourceLimitExceeded", "Too many snapshot copies in progress.", "slots are taken"],
    ["DBSnapshotAlreadyExists", "Cannot create the snapshot because a snapshot with the identifier a already exists.", "exists"],
    ["DBClusterSnapshotAlreadyExists", "", "exists"],
    ["Throttling", "Rate exceeded", "throttled"],
    ["RequestLimitExceeded", "", "throttled"],
    ["KMSKeyNotAccessible", "the key is disabled", "refused"],
    ["AccessDenied", "User is not authorized", "refused"],
    ["InvalidDBSnapshotState", "it is creating", "passes"],
    ["InternalFailure", "", "passes"],
  ] as const)("%s: %s", (code, message, means) => {
    expect(faultOf(code, message)).toBe(means);
    expect(isHeldUp(faultOf(code, message))).toBe(["slots are taken", "region is full", "throttled"].includes(means));
  });

  test("a region that is full is told once a day, whichever copy met it first, and tried again about every hour", () => {
    const words = "Cannot create more than 100 manual snapshots";
    const [one, other] = ["a", "b"].map((id) => fullNews("eu-west-1", queueOf([wanted(id)]), id, words, NOW));
    expect(one?.id).toBe(other?.id);
    const back = backOff(admit(queueOf([wanted("a")]), COPY_LIMITS, NOW), "a", "region is full", 0.5, NOW);
    expect(back.waiting[0]?.notBeforeMs).toBe(NOW + 45 * MINUTE);
  });
});

describe("a copy of that name is there already", () => {
  const ours = { "understudy:database": "shop", "understudy:slot": "20261121t0600" };
  const copy: Origin = {
    instanceId: "shop-a",
    copyOf: "arn:aws:rds:eu-central-1:111122223333:snapshot:understudy-shop-20261121t0600",
    takenAtMs: NOW,
    tags: { ...ours, team: "orders" },
  };
  test("of the same source it counts, also while RDS does not say when its data was taken (R14)", () => {
    expect(notTheSame(copy, { ...copy, tags: ours })).toBe(null);
    expect(notTheSame({ ...copy, takenAtMs: null, instanceId: "SHOP-A" }, { ...copy, tags: ours })).toBe(null);
  });
  test.each<[string, Partial<Origin>, string]>([
    ["without our tags", { tags: { "understudy:database": "shop" } }, "does not carry our tags"],
    ["of another snapshot", { copyOf: "arn:aws:rds:eu-central-1:111122223333:snapshot:daily" }, "is a copy of arn:aws:rds:eu-central-1:"],
    ["no copy at all", { copyOf: null }, "is no copy, not of arn:aws:rds:eu-central-1:"],
    ["of another instance", { instanceId: "shop-b" }, "holds shop-b, not shop-a"],
    ["of another moment", { takenAtMs: NOW - HOUR }, "holds shop-a as of 2026-11-21T19:00:00.000Z, not as of 2026-11-21T20:00:00.000Z"],
  ])("%s: an error for people", (_, change, reason) => {
    expect(notTheSame({ ...copy, ...change }, { ...copy, tags: ours })).toContain(reason);
  });
});

test("a copy carries every tag of its source but the reserved ones, and ours over them (R15)", () => {
  const source = {
    team: "orders",
    "aws:cloudformation:stack-id": "x",
    "AWS:x": "y",
    "rds:z": "1",
    "understudy:slot": "old",
    awsome: "yes",
  };
  expect(tagsOfCopy(source, { "understudy:slot": "new" })).toEqual({ team: "orders", awsome: "yes", "understudy:slot": "new" });
});
