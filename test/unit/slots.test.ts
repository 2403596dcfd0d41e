import fc from "fast-check";
import { expect, test } from "vitest";
import { slotAt, snapshotName } from "../../core/slots.ts";

test("the same tick delivered twice falls into the same slot", () => {
  const at = Date.UTC(2026, 10, 21, 9, 7);
  expect(slotAt(at, { everyMinutes: 360 })).toBe("20261121t0600");
  expect(slotAt(at + 60_000, { everyMinutes: 360 })).toBe("20261121t0600");
  expect(slotAt(Date.UTC(2026, 10, 21, 12, 0), { everyMinutes: 360 })).toBe("20261121t1200");
});

test("whatever the moment and interval, the snapshot's name is one RDS takes", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 5, max: 10_080 }), (atMs, everyMinutes) => {
      const name = snapshotName("shop", slotAt(atMs, { everyMinutes }));
      expect(name).toMatch(/^(?=.{1,255}$)[a-z](-?[a-z0-9])*$/);
    }),
  );
});

test("slots follow each other without gap or overlap", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e9 }), fc.integer({ min: 5, max: 1440 }), (minutes, everyMinutes) => {
      const starts = Array.from({ length: everyMinutes }, (_, index) => slotAt((minutes + index) * 60_000, { everyMinutes }));
      expect(new Set(starts).size).toBeLessThanOrEqual(2);
    }),
    { numRuns: 50 },
  );
});
