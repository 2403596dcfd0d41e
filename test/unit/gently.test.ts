import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { gently } from "../../aws/gently.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a hundred calls at once: so many begin in a second, in each region for itself, and all are answered (R33)", async () => {
  const begun = { here: 0, there: 0 };
  const answers = Array.from({ length: 100 }, (_, index) =>
    gently("here", async () => {
      begun.here++;
      return index;
    }),
  );
  const other = gently("there", async () => ++begun.there);
  await vi.advanceTimersByTimeAsync(1000);
  expect(begun.here).toBeGreaterThan(5);
  expect(begun.here).toBeLessThanOrEqual(10);
  expect(begun.there).toBe(1);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await Promise.all(answers)).toEqual(Array.from({ length: 100 }, (_, index) => index));
  expect(await other).toBe(1);
});

test("a call that fails fails for its caller alone", async () => {
  const failed = gently("elsewhere", async () => {
    throw new Error("not now");
  });
  const expectation = expect(failed).rejects.toThrow("not now");
  const next = gently("elsewhere", async () => "an answer");
  await vi.advanceTimersByTimeAsync(2000);
  await expectation;
  expect(await next).toBe("an answer");
});

test("RDS throttles the account: asked again a while later, five times at most (R33)", async () => {
  const throttled = Object.assign(new Error("Rate exceeded"), { name: "Throttling", $metadata: { httpStatusCode: 400 } });
  let asked = 0;
  const late = gently("busy", async () => {
    if (++asked < 4) throw throttled;
    return "an answer";
  });
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await late).toBe("an answer");
  asked = -100;
  const never = expect(
    gently("busy", async () => {
      asked++;
      throw throttled;
    }),
  ).rejects.toThrow("Rate exceeded");
  await vi.advanceTimersByTimeAsync(60_000);
  await never;
  expect(asked).toBe(-95);
});
