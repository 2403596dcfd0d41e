import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Backup,
  type BackupState,
  newestFirst,
  pruneBrake,
  type Retention,
  retained,
  steadyState,
  type Tier,
} from "../../core/retention.ts";

const DAY_MS = 86_400_000;
const at = (text: string) => Date.parse(text);
const UTC = { timeZone: "UTC", floor: 1 } as const;

const backup = (text: string, change: Partial<Backup> = {}): Backup => ({ id: `b-${text}`, atMs: at(text), state: "good", ...change });
const kept = (backups: readonly Backup[], retention: Retention) =>
  retained(backups, retention).flatMap(({ backup: { id }, keep }) => (keep ? [id] : []));

/** One a day at noon, the newest on the last of them. */
const daily = (days: number, last: string): Backup[] =>
  Array.from({ length: days }, (_, index) => backup(new Date(at(last) - index * DAY_MS).toISOString()));

const histories = fc
  .array(
    fc.record({
      atMs: fc.integer({ min: at("2024-01-01T00:00:00Z"), max: at("2026-11-21T00:00:00Z") }),
      state: fc.constantFrom<BackupState>("verified", "good", "good", "good", "failed", "unfinished"),
      hold: fc.option(fc.constant("a court asks for it"), { nil: undefined, freq: 8 }),
    }),
    { maxLength: 60 },
  )
  .map((all) => all.map(({ hold, ...each }, index): Backup => ({ id: `b${index}`, ...each, ...(hold === undefined ? {} : { hold }) })));
const count = fc.integer({ min: 0, max: 8 });
const counts = fc.record<Partial<Record<Tier, number>>>({
  last: count,
  hourly: count,
  daily: count,
  weekly: count,
  monthly: count,
  yearly: count,
});
/** Without any tier only the newest, the floor and people keep something. */
const tierCounts = fc.oneof({ weight: 1, arbitrary: fc.constant({}) }, { weight: 4, arbitrary: counts });
const retentions = fc
  .tuple(tierCounts, fc.constantFrom("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"), fc.integer({ min: 1, max: 5 }))
  .map(([tiers, timeZone, floor]): Retention => ({ ...tiers, timeZone, floor }));
const isGood = ({ state }: Backup) => state === "good" || state === "verified";

describe("what is kept, with its reason", () => {
  test("seven days, two weeks, two months of a daily backup", () => {
    const all = daily(70, "2026-11-21T12:00:00Z");
    const verdicts = retained(all, { ...UTC, daily: 7, weekly: 2, monthly: 2 });
    expect(
      verdicts.filter(({ keep }) => keep).map(({ backup: { atMs }, reasons }) => [new Date(atMs).toISOString().slice(0, 10), reasons]),
    ).toEqual([
      ["2026-11-21", ["daily 2026-11-21", "weekly 2026-W47", "monthly 2026-11", "the newest that is complete"]],
      ["2026-11-20", ["daily 2026-11-20"]],
      ["2026-11-19", ["daily 2026-11-19"]],
      ["2026-11-18", ["daily 2026-11-18"]],
      ["2026-11-17", ["daily 2026-11-17"]],
      ["2026-11-16", ["daily 2026-11-16"]],
      ["2026-11-15", ["daily 2026-11-15", "weekly 2026-W46"]],
      ["2026-10-31", ["monthly 2026-10"]],
    ]);
    expect(verdicts.find(({ backup: { atMs } }) => atMs === at("2026-11-14T12:00:00Z"))?.reasons).toEqual([
      "b-2026-11-21T12:00:00.000Z stands for monthly 2026-11",
    ]);
    expect(verdicts.at(-1)?.reasons).toEqual(["older than every tier reaches"]);
  });

  test("with too little history for a tier the oldest is kept: it alone reaches back (R26)", () => {
    expect(kept(daily(3, "2026-11-21T12:00:00Z"), { ...UTC, monthly: 12 })).toEqual([
      "b-2026-11-21T12:00:00.000Z",
      "b-2026-11-19T12:00:00.000Z",
    ]);
  });

  test("a day is the day of the plan's time zone, on the days the clocks change too", () => {
    // In Berlin the clocks went back at 01:00Z on 25 October 2026: that day has 25 hours.
    const night = ["2026-10-24T22:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T22:30:00Z", "2026-10-25T23:30:00Z"];
    const days = retained(
      night.map((each) => backup(each)),
      { timeZone: "Europe/Berlin", floor: 1, daily: 9, hourly: 9 },
    );
    expect(days.flatMap(({ reasons }) => reasons.filter((reason) => reason.startsWith("daily")))).toEqual([
      "daily 2026-10-26",
      "daily 2026-10-25",
    ]);
    // The hour that comes twice is two hours.
    expect(days.flatMap(({ reasons }) => reasons.filter((reason) => reason.startsWith("hourly")))).toHaveLength(5);
  });

  test("the turn of the year: the week belongs to the year that has its Thursday", () => {
    const [verdict] = retained([backup("2027-01-02T12:00:00Z")], { ...UTC, weekly: 1, yearly: 1 });
    expect(verdict?.reasons).toEqual(["weekly 2026-W53", "yearly 2027", "the newest that is complete"]);
  });

  test("failed ones count for nothing, and go once a newer one is complete (R23)", () => {
    const all = [
      backup("2026-11-21T00:00:00Z", { state: "failed" }),
      backup("2026-11-20T00:00:00Z", { state: "unfinished" }),
      backup("2026-11-19T00:00:00Z"),
      backup("2026-11-18T00:00:00Z", { state: "failed" }),
      backup("2026-11-17T00:00:00Z", { state: "verified" }),
    ];
    expect(retained(all, { ...UTC, last: 1 }).map(({ keep, reasons }) => [keep, ...reasons])).toEqual([
      [true, "failed, and nothing newer is complete"],
      [true, "it is not finished"],
      [true, "last 1", "the newest that is complete"],
      [false, "failed, and a newer one is complete"],
      [true, "the newest that is verified"],
    ]);
  });
});

test("no tier keeps anything: the newest complete one stays beside the newest that is verified (R22)", () => {
  const all = [backup("2026-11-20T12:00:00Z"), backup("2026-11-19T12:00:00Z"), backup("2026-11-18T12:00:00Z", { state: "verified" })];
  expect(kept(all, UTC)).toEqual(["b-2026-11-20T12:00:00Z", "b-2026-11-18T12:00:00Z"]);
});

describe("whatever the history and the policy", () => {
  test("the newest complete and the newest verified one stay, as do held ones and as many as the floor says (R22, R23, R27)", () => {
    fc.assert(
      fc.property(histories, retentions, (backups, retention) => {
        const verdicts = retained(backups, retention);
        const stays = new Set(verdicts.flatMap(({ backup: each, keep }) => (keep ? [each] : [])));
        const good = backups.filter(isGood).toSorted(newestFirst);
        for (const each of [good[0], good.find(({ state }) => state === "verified")]) if (each) expect(stays).toContain(each);
        for (const each of backups) if (each.hold !== undefined || each.state === "unfinished") expect(stays).toContain(each);
        expect(good.filter((each) => stays.has(each)).length).toBeGreaterThanOrEqual(Math.min(good.length, retention.floor));
        expect(verdicts.every(({ reasons }) => reasons.length > 0)).toBe(true);
        expect(verdicts).toHaveLength(backups.length);
      }),
      { numRuns: 400 },
    );
  });

  test("a hold takes nobody's place: without it the others fare the same (R27)", () => {
    fc.assert(
      fc.property(histories, retentions, (backups, retention) => {
        const fates = (all: readonly Backup[]) =>
          retained(all, retention).map(({ keep, reasons }) => [keep, reasons.filter((reason) => !reason.startsWith("held"))]);
        const without = backups.map(({ hold: _, ...each }) => each);
        const held = new Set(backups.flatMap(({ id, hold }) => (hold === undefined ? [] : [id])));
        const sorted = backups.toSorted(newestFirst);
        const [one, other] = [fates(backups), fates(without)];
        sorted.forEach(({ id }, index) => {
          if (!held.has(id)) expect(one[index]).toEqual(other[index]);
        });
      }),
      { numRuns: 400 },
    );
  });

  test("a prune that is repeated deletes nothing more (R24)", () => {
    fc.assert(
      fc.property(histories, retentions, (backups, retention) => {
        const once = retained(backups, retention).flatMap(({ backup: each, keep }) => (keep ? [each] : []));
        expect(retained(once, retention).filter(({ keep }) => !keep)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  test("pruned every day or once at the end: the buckets still in range hold the same (R24)", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 75 }), counts, fc.integer({ min: 0, max: 3 }), (days, tiers, skipped) => {
        // A policy whose days reach over the gap between two of its weeks, and so on: else a month's last day is gone before its month is over.
        const retention: Retention = {
          ...UTC,
          daily: Math.max(7, tiers.daily ?? 0),
          weekly: Math.max(5, tiers.weekly ?? 0),
          monthly: tiers.monthly ?? 0,
        };
        const all = daily(days, "2026-11-21T12:00:00Z")
          .toReversed()
          .filter((_, index) => index % (skipped + 1) === 0);
        let left: Backup[] = [];
        for (const each of all) left = retained([...left, each], retention).flatMap(({ backup: one, keep }) => (keep ? [one] : []));
        const bucketed = (backups: readonly Backup[]) =>
          retained(backups, retention).flatMap(({ backup: one, reasons }) =>
            reasons.filter((reason) => /^(daily|weekly|monthly) /.test(reason)).map((reason) => `${one.id} ${reason}`),
          );
        expect(bucketed(left)).toEqual(bucketed(all));
      }),
      { numRuns: 60 },
    );
  });
});

test("a prune of more than a fifth, or of more than the limit, waits for a person (R28)", () => {
  const verdicts = retained(daily(10, "2026-11-21T12:00:00Z"), { ...UTC, daily: 7 });
  expect(pruneBrake(3, verdicts.length, { percent: 20, most: 50 })).toBe(
    "3 of 10 would be deleted at once, that is 30 %, the limit is 20 %",
  );
  expect(pruneBrake(3, verdicts.length, { percent: 30, most: 50 })).toBeNull();
  expect(pruneBrake(3, verdicts.length, { percent: 100, most: 2 })).toBe("3 of 10 would be deleted at once, the limit is 2");
});

test("the long run's count is the tiers' sum, and never under the floor", () => {
  expect(steadyState({ ...UTC, daily: 7, weekly: 4, monthly: 12 })).toBe(23);
  expect(steadyState({ ...UTC, floor: 3, daily: 1 })).toBe(3);
});
