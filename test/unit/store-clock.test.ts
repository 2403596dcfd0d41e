/** S31: everybody who judges by time uses the store's clock, however wrong the own one is. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { narrowed, offsetMs } from "../../aws/store-clock.ts";

const NOW = Date.UTC(2026, 10, 21, 9, 0, 0);
const UNKNOWN = { leastMs: Number.NEGATIVE_INFINITY, mostMs: Number.POSITIVE_INFINITY };
const dated = (ms: number) => new Date(ms).toUTCString();

/** Exchanges with the store: when each begins, and how long its ways there and back take. */
const exchanges = fc.array(fc.record({ pauseMs: fc.nat(20_000), thereMs: fc.nat(3000), backMs: fc.nat(3000) }), {
  minLength: 1,
  maxLength: 40,
});

const heard = (skewMs: number, all: readonly { pauseMs: number; thereMs: number; backMs: number }[]) => {
  let trueMs = NOW;
  let bounds = UNKNOWN;
  for (const { pauseMs, thereMs, backMs } of all) {
    const sentMs = trueMs + pauseMs;
    const answeredMs = sentMs + thereMs;
    trueMs = answeredMs + backMs;
    bounds = narrowed(bounds, dated(answeredMs), sentMs + skewMs, trueMs + skewMs);
  }
  return bounds;
};

test("a clock is a minute off: after one answer of the store what is left is half a second and half the way (S31)", () => {
  fc.assert(
    fc.property(fc.integer({ min: -60_000, max: 60_000 }), exchanges, (skewMs, all) => {
      const shortest = Math.min(...all.map(({ thereMs, backMs }) => thereMs + backMs));
      const left = Math.abs(skewMs + offsetMs(heard(skewMs, all)));
      // Where the own clock may be right it is left alone: then it is off by no more than it could be.
      expect(left).toBeLessThanOrEqual(Math.abs(skewMs) <= 1000 + shortest ? 1000 + shortest : 501 + shortest / 2);
    }),
  );
});

test("a right clock is never touched (S31)", () => {
  fc.assert(fc.property(exchanges, (all) => offsetMs(heard(0, all)) === 0));
});

test("two runners' clocks are two minutes apart: by the store's they agree within the error of both (S31)", () => {
  fc.assert(
    fc.property(fc.integer({ min: -60_000, max: 60_000 }), fc.integer({ min: -60_000, max: 60_000 }), (one, other) => {
      const quick = Array.from({ length: 30 }, (_, n) => ({ pauseMs: 1000 + n * 37, thereMs: 15, backMs: 15 }));
      const nowOf = (skewMs: number) => NOW + skewMs + offsetMs(heard(skewMs, quick));
      expect(Math.abs(nowOf(one) - nowOf(other))).toBeLessThanOrEqual(1100);
    }),
  );
});

test("a clock is set while the process runs: the newer answer counts", () => {
  const before = narrowed(UNKNOWN, dated(NOW), NOW + 60_000, NOW + 60_020);
  expect(offsetMs(before)).toBeLessThan(-59_000);
  expect(offsetMs(narrowed(before, dated(NOW + 5000), NOW + 5000, NOW + 5020))).toBe(0);
});

test("an answer without a date changes nothing", () => {
  expect(narrowed(UNKNOWN, undefined, NOW, NOW)).toEqual(UNKNOWN);
  expect(offsetMs(UNKNOWN)).toBe(0);
});
