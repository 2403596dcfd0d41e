import { expect, test } from "vitest";
import { silenceOf } from "../../runbooks/fences.ts";
import { quiet, standbyAnswer } from "./facts.ts";

const { record } = quiet();
const standby = (region: string, answeredInMs?: number) => ({
  id: "shop-b",
  region,
  instance: null,
  answer: answeredInMs === undefined ? null : standbyAnswer({}),
  ...(answeredInMs === undefined ? {} : { answeredInMs }),
});
const [HERE, THERE] = ["eu-central-1", "ap-southeast-2"];

test("the fence's proof waits for a first word twice as long as a standby beside the old primary took to answer, never under 50 ms or over 500", () => {
  const silence = (...standbys: ReturnType<typeof standby>[]) => silenceOf({ record, standbys }, record.primary);
  expect(silence(standby(HERE, 20))).toBe(50);
  expect(silence(standby(HERE, 110))).toBe(220);
  expect(silence(standby(HERE, 110), standby(HERE, 180))).toBe(360);
  expect(silence(standby(HERE, 1_400))).toBe(500);
});

test("where no standby beside it answered nobody knows how far it is: the proof waits for two round trips around the world", () => {
  expect(silenceOf({ record, standbys: [] }, record.primary)).toBe(500);
  expect(silenceOf({ record, standbys: [standby(HERE)] }, record.primary)).toBe(500);
  expect(silenceOf({ record, standbys: [standby(THERE, 20)] }, record.primary)).toBe(500);
});
