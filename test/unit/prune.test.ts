import fc from "fast-check";
import { expect, test } from "vitest";
import { type Catalogue, expiredIn, type Kept, type PlaceState, type Point } from "../../core/catalogue.ts";
import { type PruneFacts, pruneOf, prunesOf } from "../../core/prune.ts";

const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const DAY_MS = 86_400_000;
const START = Date.parse("2026-01-01T12:00:00Z");
const UNLIMITED = { percent: 100, most: 100_000 };
const POLICY = { daily: 3, timeZone: "UTC", floor: 1 } as const;

const kept = (state: PlaceState): Kept => ({ state, sinceMs: START, encrypted: false, kmsKeyId: null });
const point = (day: number, home: PlaceState | null = "good", away: PlaceState | null = "good", more: Partial<Point> = {}): Point => ({
  id: `b${String(day).padStart(3, "0")}`,
  atMs: START + day * DAY_MS,
  verifiedAtMs: null,
  places: { ...(home ? { [HOME]: kept(home) } : {}), ...(away ? { [AWAY]: kept(away) } : {}) },
  ...more,
});
const catalogue = (...points: Point[]): Catalogue => ({ database: "shop", atMs: START, points: points.toReversed() });
const days = (count: number) => catalogue(...Array.from({ length: count }, (_, day) => point(day)));
const prune = (change: Partial<PruneFacts> & Pick<PruneFacts, "catalogue">) =>
  pruneOf({ region: HOME, retention: POLICY, holds: {}, limits: UNLIMITED, allowed: 0, heldBack: [], ...change });

test("a day brings one and takes one: the oldest goes, without anybody being asked (R28)", () => {
  expect(prune({ catalogue: days(4), limits: { percent: 20, most: 10 } })).toMatchObject({ remove: ["b000"], brake: null });
});

test("a changed plan would delete many at once: nothing goes until a person agrees, and then it does (R28)", () => {
  const held = prune({ catalogue: days(9), limits: { percent: 20, most: 10 } });
  expect(held).toMatchObject({ remove: [], brake: "6 of 9 would be deleted at once, that is 67 %, the limit is 20 %" });
  // Of those that wait, the oldest that were agreed to go.
  const some = prune({ catalogue: days(9), limits: { percent: 20, most: 10 }, allowed: 5 });
  expect(some).toMatchObject({ remove: ["b000", "b001", "b002", "b003", "b004"], heldBack: ["b005"], agreed: 5 });
  expect(prune({ catalogue: days(9), limits: { percent: 20, most: 10 }, allowed: 6 }).remove).toHaveLength(6);
});

test("nobody answers for days: what waits goes on waiting, and what comes to go after it, one by one, goes: no region fills up (R28)", () => {
  const limits = { percent: 20, most: 10 };
  const { heldBack } = prune({ catalogue: days(9), limits });
  expect(heldBack).toEqual(["b000", "b001", "b002", "b003", "b004", "b005"]);
  const later = prune({ catalogue: days(10), limits, heldBack });
  expect(later).toMatchObject({ remove: ["b006"], heldBack, brake: "6 of 10 came to go at once, and still wait", agreed: 0 });
  // A person has agreed to what was seen then, and a day went by.
  expect(prune({ catalogue: days(10), limits, heldBack, allowed: 6 })).toMatchObject({
    remove: [...heldBack, "b006"],
    heldBack: [],
    brake: null,
  });
  // Many more at once: all of them wait.
  expect(prune({ catalogue: days(14), limits, heldBack }).remove).toEqual([]);
});

test("its copy is not there yet, or failed: the source stays, whatever its age (R13)", () => {
  for (const away of [null, "unfinished", "failed"] as const) {
    const { remove, verdicts } = prune({ catalogue: catalogue(point(0, "good", away), point(1), point(2), point(3), point(4)) });
    expect(remove).toEqual(["b001"]);
    expect(verdicts.at(-1)).toMatchObject({ keep: true, reasons: ["it has no good copy in another place"] });
  }
});

test("a backup that is held stays in every place, and the others go (R27)", () => {
  const holds = { b000: "a court asks for it (alice)" };
  for (const region of [HOME, AWAY]) {
    const { remove, verdicts } = prune({ catalogue: days(6), region, holds });
    expect(remove).toEqual(["b001", "b002"]);
    expect(verdicts.at(-1)?.reasons).toEqual(["held: a court asks for it (alice)"]);
  }
});

const states = fc.constantFrom<PlaceState | null>("good", "good", "good", "failed", "unfinished", "missing", "expired", null);
const histories = fc
  .array(fc.record({ day: fc.integer({ min: 0, max: 400 }), home: states, away: states, verified: fc.boolean() }), { maxLength: 50 })
  .map((all) =>
    catalogue(
      ...all
        .filter(({ home, away }) => home !== null || away !== null)
        .map(({ day, home, away, verified }, index) => point(day, home, away, { id: `b${index}`, verifiedAtMs: verified ? START : null }))
        .sort((one, other) => (one.atMs as number) - (other.atMs as number)),
    ),
  );
const retentions = fc.record({
  last: fc.integer({ min: 0, max: 4 }),
  daily: fc.integer({ min: 0, max: 7 }),
  monthly: fc.integer({ min: 0, max: 4 }),
  floor: fc.integer({ min: 1, max: 4 }),
  timeZone: fc.constant("Europe/Berlin"),
});

test("whatever the history: in each place the newest good one and the newest verified one stay, and nothing goes that is nowhere else for want of a copy (R13, R22)", () => {
  fc.assert(
    fc.property(histories, retentions, fc.constantFrom(HOME, AWAY), (all, retention, region) => {
      const { remove } = prune({ catalogue: all, retention, region });
      const good = all.points
        .filter(({ places }) => places[region]?.state === "good")
        .sort((one, other) => (other.atMs as number) - (one.atMs as number));
      const newest = Math.max(...good.map(({ atMs }) => atMs as number));
      const verified = good.filter(({ verifiedAtMs }) => verifiedAtMs !== null);
      const newestVerified = Math.max(...verified.map(({ atMs }) => atMs as number));
      const left = good.filter(({ id }) => !remove.includes(id));
      if (good.length > 0) expect(left.some(({ atMs }) => atMs === newest)).toBe(true);
      if (verified.length > 0) expect(left.some(({ atMs, verifiedAtMs }) => atMs === newestVerified && verifiedAtMs !== null)).toBe(true);
      for (const id of remove) {
        const { places } = all.points.find((each) => each.id === id) as Point;
        const elsewhere = places[region === HOME ? AWAY : HOME]?.state;
        if (places[region]?.state === "good") expect(["good", "expired", "missing"]).toContain(elsewhere);
        // Only what is there, and catalogued (R29).
        expect(["good", "failed"]).toContain(places[region]?.state);
      }
    }),
  );
});

test("its copy failed, and what was left of it is deleted by the plan: that was never a copy, and the source stays (R13, R24)", () => {
  const all = catalogue(point(0, "good", "failed"), point(1), point(2), point(3), point(4));
  expect(prune({ catalogue: expiredIn(all, AWAY, ["b000"], START) }).remove).toEqual(["b001"]);
});

test("whatever the history: a prune that is repeated deletes nothing more (R24)", () => {
  fc.assert(
    fc.property(histories, retentions, (all, retention) => {
      let now = all;
      for (const region of [HOME, AWAY]) now = expiredIn(now, region, prune({ catalogue: now, retention, region }).remove, START);
      for (const region of [HOME, AWAY]) expect(prune({ catalogue: now, retention, region }).remove).toEqual([]);
    }),
  );
});

test("a set that was whole and lost a part of it counts as failed, and was a copy all the same: neither it nor its other place stays for it (R7, R13)", () => {
  const facts = { catalogue: catalogue(point(0, "incomplete"), point(1), point(2), point(3)), retention: POLICY, holds: {}, allowed: 0 };
  const prunes = prunesOf([HOME, AWAY], { ...facts, limits: UNLIMITED, heldBack: {} });
  expect(prunes.map(({ remove }) => remove)).toEqual([["b000"], ["b000"]]);
});
