import fc from "fast-check";
import { expect, test } from "vitest";
import { OVERDUE_GRACE_MINUTES, overdueMinutes } from "../../core/overdue.ts";

const MINUTE_MS = 60_000;

test("a backup every six hours: five minutes late is in time, and within ten minutes of its time it is overdue (R44)", () => {
  const after = (minutes: number) => overdueMinutes(0, 360, minutes * MINUTE_MS, 0);
  expect([359, 365, 366, 367, 370].map(after)).toEqual([0, 0, 0, 7, 10]);
});

test("there is none at all: overdue once it has been looked for long enough to have begun", () => {
  expect(overdueMinutes(null, 360, 6 * MINUTE_MS, 0)).toBe(0);
  expect(overdueMinutes(null, 360, 7 * MINUTE_MS, 0)).toBe(7);
});

test("whatever the plan: with a look every two minutes and an alarm of three, people hear within ten minutes and never too early", () => {
  fc.assert(
    fc.property(fc.integer({ min: 5, max: 10_080 }), fc.integer({ min: 0, max: 119 }), (every, secondsOff) => {
      const looks = Array.from({ length: 12 }, (_, index) => every * MINUTE_MS + secondsOff * 1000 + index * 2 * MINUTE_MS);
      const first = looks.find((nowMs) => overdueMinutes(0, every, nowMs, 0) > 0) as number;
      const lateMinutes = first / MINUTE_MS - every;
      expect(lateMinutes).toBeGreaterThan(OVERDUE_GRACE_MINUTES);
      expect(lateMinutes).toBeLessThanOrEqual(OVERDUE_GRACE_MINUTES + 3);
    }),
  );
});
