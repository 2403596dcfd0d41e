/** Backups by a place's own clock, on the days it is changed too (R5). */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { scheduleFindings } from "../../core/plan/check-schedule.ts";
import { closestMinutes, lastPlanned, longestGapMinutes, momentsOf } from "../../core/schedule.ts";
import { slotAt } from "../../core/slots.ts";

const ZONES = [
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "Africa/Cairo",
  "America/Havana",
  "Asia/Kolkata",
  "Pacific/Chatham",
  "UTC",
];
const DAY_MS = 86_400_000;
const day = (text: string): number => Date.parse(`${text}T00:00:00Z`) / DAY_MS;
const at = (...times: string[]) => ({ at: times, timeZone: "Europe/Berlin" });
const iso = (moments: readonly number[]) => moments.map((ms) => new Date(ms).toISOString().slice(0, 16));

test("a backup's slot is the newest of its times of day", () => {
  const planned = { everyMinutes: 780, at: ["02:30", "14:30"], timeZone: "Europe/Berlin" };
  expect(slotAt(Date.parse("2026-07-01T12:29:59Z"), planned)).toBe("20260701t0030");
  expect(slotAt(Date.parse("2026-07-01T12:30:00Z"), planned)).toBe("20260701t1230");
  expect(slotAt(Date.parse("2026-07-01T00:10:00Z"), planned)).toBe("20260630t1230");
});

test("a plan whose times break its own promise is refused, with the sum", () => {
  const found = (change: object) =>
    scheduleFindings({ database: "shop", everyMinutes: 780, copyTo: "eu-west-1", ...change }, 0).map(
      ({ path, problem }) => `${path.at(-1)}: ${problem}`,
    );
  expect(found({ at: ["02:30", "14:30"], timeZone: "Europe/Berlin" })).toEqual([]);
  expect(found({ at: ["02:30"], timeZone: "Europe/Berlin" })).toEqual([
    'everyMinutes: expected 1500 or more: that is the longest time between two of "at", on the day the clocks of Europe/Berlin go back, or more times',
  ]);
  expect(found({ at: ["23:30", "00:30"] })).toEqual(["at: expected times 120 minutes apart or more, over midnight too; two are 60 apart"]);
  expect(found({ timeZone: "Europe/Berlin" })).toEqual(['timeZone: expected none without "at": slots are counted in UTC']);
});

describe("the days the clocks change", () => {
  test("they go forward and 02:30 is left out: it is three o'clock, and the day has its backup all the same", () => {
    expect(iso(momentsOf(day("2026-03-28"), at("02:30")))).toEqual(["2026-03-28T01:30"]);
    expect(iso(momentsOf(day("2026-03-29"), at("02:30", "14:00")))).toEqual(["2026-03-29T01:00", "2026-03-29T12:00"]);
  });

  test("they go back and 02:30 comes twice: the first one counts", () => {
    expect(iso(momentsOf(day("2026-10-25"), at("02:30")))).toEqual(["2026-10-25T00:30"]);
    expect(iso(momentsOf(day("2026-10-26"), at("02:30")))).toEqual(["2026-10-26T01:30"]);
    expect(longestGapMinutes(at("02:30"), Date.parse("2026-01-01"))).toBe(1500);
  });

  test("wherever, whenever: each day has as many as are planned, none twice, and the newest is found", () => {
    const times = fc
      .uniqueArray(fc.integer({ min: 0, max: 1439 }), { minLength: 1, maxLength: 6 })
      .map((minutes) => minutes.map((it) => `${String(Math.floor(it / 60)).padStart(2, "0")}:${String(it % 60).padStart(2, "0")}`))
      .filter((found) => closestMinutes(found) >= 120);
    const property = fc.property(
      fc.constantFrom(...ZONES),
      times,
      fc.integer({ min: day("2026-01-01"), max: day("2027-12-31") }),
      fc.integer({ min: 0, max: DAY_MS }),
      (timeZone, planned, from, since) => {
        const schedule = { at: planned, timeZone };
        const week = [0, 1, 2, 3, 4, 5, 6].map((index) => momentsOf(from + index, schedule));
        for (const moments of week) expect(new Set(moments).size).toBe(planned.length);
        const all = week.flat();
        expect([...all].sort((one, other) => one - other)).toEqual(all);
        const nowMs = (from + 3) * DAY_MS + since;
        const newest = lastPlanned(nowMs, schedule);
        expect(newest).toBe(Math.max(...all.filter((ms) => ms <= nowMs)));
      },
    );
    fc.assert(property, { numRuns: 2_000 });
  });
});
