import { describe, expect, test } from "vitest";
import { type BackupFinding, backupFindings } from "../../core/backup-findings.ts";
import { type Catalogue, expiredIn, type Listed, reconciled, standing } from "../../core/catalogue.ts";
import { changedIncidents } from "../../core/incidents.ts";

const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const HOUR_MS = 3_600_000;
const NOON = Date.parse("2026-11-21T12:00:00Z");
const BACKUP = { database: "shop", everyMinutes: 360, copyTo: AWAY };

const listed = (id: string, region: string, change: Partial<Listed> = {}): Listed => ({
  id,
  region,
  status: "available",
  takenAtMs: NOON,
  encrypted: false,
  kmsKeyId: null,
  tags: {},
  ...change,
});
const both = (id: string, takenAtMs = NOON) => [HOME, AWAY].map((region) => listed(id, region, { takenAtMs }));
const look = (before: Catalogue | null, all: readonly Listed[], nowMs = NOON, more = {}) =>
  reconciled(before, "shop", all, { nowMs, ...more });
const found = (catalogue: Catalogue, nowMs: number, keys: Record<string, string> = {}, sinceMs = NOON): BackupFinding[] =>
  backupFindings({ catalogue, backup: BACKUP, sinceMs, nowMs, offsite: null, keys });
const state = (catalogue: Catalogue, id: string, region: string) =>
  catalogue.points.find((point) => point.id === id)?.places[region]?.state;

describe("what RDS lists, held against what was known", () => {
  test("a snapshot is deleted by hand: it is missing, and the loss is counted from the one before (R47)", () => {
    const before = look(null, [...both("old", NOON - 6 * HOUR_MS), ...both("new")]);
    const after = look(before, both("old", NOON - 6 * HOUR_MS), NOON + HOUR_MS);
    expect(state(after, "new", HOME)).toBe("missing");
    expect(standing(after, [HOME, AWAY], 21_600, NOON + HOUR_MS)).toMatchObject({ newestGood: { id: "old" }, lossSeconds: 7 * 3600 });
    expect(found(after, NOON + HOUR_MS).map(({ id }) => id)).toEqual(["new-missing-eu-central-1", "new-missing-eu-west-1"]);
    expect(found(after, NOON + HOUR_MS)[0]?.sentence).toBe(
      "The backup new of 2026-11-21T12:00Z is gone from eu-central-1, and Understudy has not deleted it: it is nowhere else.",
    );
  });

  test("what Understudy has deleted itself is not missed, and is forgotten once it is gone everywhere", () => {
    const before = look(null, [...both("old"), ...both("new", NOON + 1)]);
    const half = look(expiredIn(before, HOME, ["old"], NOON), [listed("old", AWAY), ...both("new", NOON + 1)], NOON + HOUR_MS);
    expect(state(half, "old", HOME)).toBe("expired");
    expect(found(half, NOON + HOUR_MS)).toEqual([]);
    const whole = look(expiredIn(half, AWAY, ["old"], NOON), both("new", NOON + 1), NOON + 2 * HOUR_MS);
    expect(whole.points.map(({ id }) => id)).toEqual(["new"]);
  });

  test("a deletion that was noted and never came to be: the backup is good again", () => {
    const noted = expiredIn(look(null, both("old")), HOME, ["old"], NOON);
    expect(state(look(noted, both("old"), NOON + HOUR_MS), "old", HOME)).toBe("good");
  });

  test("a region says nothing: nothing in it is missing", () => {
    const after = look(look(null, both("old")), [listed("old", AWAY)], NOON + HOUR_MS, { dark: [HOME] });
    expect(state(after, "old", HOME)).toBe("good");
    expect(found(after, NOON + HOUR_MS)).toEqual([]);
  });

  test("what is missing is remembered for thirty days", () => {
    const missing = look(look(null, both("old")), [], NOON + HOUR_MS);
    expect(look(missing, [], NOON + 30 * 24 * HOUR_MS).points).toHaveLength(1);
    expect(look(missing, [], NOON + 31 * 24 * HOUR_MS).points).toEqual([]);
  });

  test("its age is the service's word, whatever it is called (R6)", () => {
    const oldest = listed("understudy-shop-20991231t0000", HOME, { takenAtMs: NOON - 2 * HOUR_MS });
    const odd = [oldest, ...both("aa", NOON - HOUR_MS), ...both("zz", NOON)];
    expect(look(null, odd).points.map(({ id }) => id)).toEqual(["zz", "aa", "understudy-shop-20991231t0000"]);
  });

  test("a drill has restored one: it is the newest verified, also after newer ones came (R48)", () => {
    const drilled = look(null, both("old", NOON - HOUR_MS), NOON, { verified: { id: "old", atMs: NOON, answeredInMs: 540_000 } });
    const after = look(drilled, [...both("old", NOON - HOUR_MS), ...both("new")], NOON + HOUR_MS);
    expect(standing(after, [HOME, AWAY], 21_600, NOON)).toMatchObject({
      newestGood: { id: "new" },
      newestVerified: { id: "old", verifiedAtMs: NOON },
      restoreSeconds: 540,
      places: { [HOME]: { good: 2, newestAtMs: NOON }, [AWAY]: { good: 2, newestAtMs: NOON } },
      lossSeconds: 0,
      objectiveSeconds: 21_600,
    });
  });
});

describe("what is wrong with it", () => {
  test("no backup begins: it is missed ten minutes after its time, not before (R44)", () => {
    const catalogue = look(null, both("last"));
    const due = NOON + 6 * HOUR_MS;
    expect(found(catalogue, due + 10 * 60_000)).toEqual([]);
    expect(found(catalogue, due + 10 * 60_000 + 1).map(({ sentence }) => sentence)).toEqual([
      "The backup of shop that was due at 2026-11-21T18:00Z has not begun: the newest is 6.2 h old, and one is to be made every 6 h.",
    ]);
  });

  test("there was never one: missed from the first look on; one that fails is none, one that is being made is one (R23)", () => {
    const due = NOON + 6 * HOUR_MS + 10 * 60_000 + 1;
    const kinds = (all: Listed[]) => found(look(null, all, NOON), due).map(({ kind }) => kind);
    expect(kinds([])).toEqual(["missed"]);
    expect(kinds([listed("bad", HOME, { status: "failed", takenAtMs: NOON })])).toEqual(["missed"]);
    const making = look(look(null, [], NOON), [listed("new", HOME, { status: "creating", takenAtMs: null })], due);
    expect(found(making, due)).toEqual([]);
  });

  test("backups begin and none becomes good: told after two of them (R23, R47)", () => {
    const hours = (count: number) => NOON + count * HOUR_MS;
    const before = look(null, both("good"));
    const making = (nowMs: number) =>
      look(before, [...both("good"), listed("stuck", HOME, { status: "creating", takenAtMs: hours(11) })], nowMs);
    expect(found(making(hours(12)), hours(12))).toEqual([]);
    expect(found(making(hours(13)), hours(13)).map(({ sentence }) => sentence)).toEqual([
      "The newest good backup of shop is 13 h old, though newer ones have begun: a restore would lose that much.",
    ]);
  });

  test("dumps stop leaving AWS: told two days after the next one's time, whether there ever was one or not (R18)", () => {
    const offsite = { everyDays: 1, endpoint: "https://s3.example", region: "x", bucket: "elsewhere", secret: "understudy/offsite" };
    const days = (count: number) => NOON + count * 24 * HOUR_MS;
    const told = (nowMs: number, sinceMs: number, newestMs: number | null) =>
      backupFindings({
        catalogue: look(null, both("good", nowMs), nowMs),
        backup: { ...BACKUP, offsite },
        sinceMs: NOON,
        nowMs,
        offsite: { sinceMs, newestMs },
        keys: {},
      }).map(({ sentence }) => sentence);
    expect(told(days(9), days(8), null)).toEqual([]);
    expect(told(days(9), days(5), days(6))).toEqual([]);
    expect(told(days(9) + 1, days(0), days(6))).toEqual([
      "The dumps of shop in elsewhere fall behind: the newest was finished 72 h ago, and one is to be made every day. If AWS were lost, so would be what came since.",
    ]);
    expect(told(days(9), days(5), null)[0]).toContain("none has ever been finished");
  });

  test("its copy never comes: told after a day (R13)", () => {
    const catalogue = look(null, [listed("alone", HOME)]);
    const later = look(catalogue, [listed("alone", HOME)], NOON + 24 * HOUR_MS);
    expect(found(later, NOON + 24 * HOUR_MS).map(({ kind }) => kind)).toContain("not copied");
    expect(found(catalogue, NOON + 5 * HOUR_MS)).toEqual([]);
  });

  test("a copy is under another key than the plan's, or under none (R20)", () => {
    const ours = "arn:aws:kms:eu-west-1:111122223333:key/ours";
    const other = "arn:aws:kms:eu-west-1:111122223333:key/other";
    const copy = (encrypted: boolean, kmsKeyId: string | null) =>
      look(null, [listed("b", HOME), listed("b", AWAY, { encrypted, kmsKeyId })]);
    const kinds = (catalogue: Catalogue) => found(catalogue, NOON, { [AWAY]: ours }).map(({ kind }) => kind);
    expect(kinds(copy(true, ours))).toEqual([]);
    expect(kinds(copy(true, other))).toEqual(["wrong key"]);
    expect(kinds(copy(false, null))).toEqual(["not encrypted"]);
  });

  test("the same trouble is told when it begins and when it is over, not in between, also when the first teller died (R46)", () => {
    const trouble = { id: "shop-missed", sentence: "It is missed." };
    const first = changedIncidents([], [trouble], 1);
    expect(first.begun).toEqual([{ finding: trouble, sinceMs: 1 }]);
    const second = changedIncidents(first.open, [trouble], 2);
    // The same occurrence under the same time: whoever has read it does not read it again.
    expect(second.begun).toEqual([{ finding: trouble, sinceMs: 1 }]);
    const third = changedIncidents(second.open, [trouble], 3);
    expect(third.begun).toEqual([]);
    expect(changedIncidents(third.open, [], 4)).toMatchObject({ open: [], begun: [], over: [{ id: "shop-missed", sinceMs: 1 }] });
  });
});
