/** The latch's truth table and its ways, for every state there is of up to five sides. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { answeredSide, type Bit, firstLatch, latchNames, mayFollow, seated, seenBit, stagesTo, withSides } from "../../core/latch.ts";

const bitsOf = (nodes: number): Bit[][] =>
  Array.from({ length: 2 ** nodes }, (_, number) => Array.from({ length: nodes }, (__, at): Bit => ((number >> at) & 1 ? 1 : 0)));
const EVERY = [1, 2, 3, 4].flatMap(bitsOf);

/** Every mix of two states: some nodes have taken the new bit, some have not. */
const mixes = (before: readonly Bit[], after: readonly Bit[]): Bit[][] =>
  bitsOf(before.length).map((took) => before.map((old, at) => (took[at] ? (after[at] as Bit) : old)));

test("the truth table: what the metric says holds, and what it last said holds when it says nothing (S22)", () => {
  const table = (["missing", 0, 1] as const).flatMap((stream) =>
    ([null, 0, 1] as const).map((last) => [stream, last, seenBit(stream, last)]),
  );
  expect(table).toEqual([
    ["missing", null, 0],
    ["missing", 0, 0],
    ["missing", 1, 1],
    [0, null, 0],
    [0, 0, 0],
    [0, 1, 0],
    [1, null, 1],
    [1, 0, 1],
    [1, 1, 1],
  ]);
});

test("every metric falls silent after a move, in any combination: the side that was said last still answers (S20, S22)", () => {
  for (const bits of EVERY)
    for (const silent of bitsOf(bits.length)) {
      const seen = bits.map((bit, at) => seenBit(silent[at] ? "missing" : bit, bit));
      expect(answeredSide(seen)).toBe(answeredSide(bits));
    }
});

test("whatever the bits are, exactly one side answers (S21)", () => {
  for (const bits of EVERY) expect([...bits.keys(), bits.length]).toContain(answeredSide(bits));
});

test("from every state to every side: while each stage spreads only the old or the new side answers, and in the end the new one (S1, S21)", () => {
  for (const bits of EVERY)
    for (let target = 0; target <= bits.length; target++) {
      const from = answeredSide(bits);
      let now: readonly Bit[] = bits;
      const stages = stagesTo(bits, target);
      expect(stages.length).toBeLessThanOrEqual(2);
      stages.forEach((stage, at) => {
        const answers = new Set(mixes(now, stage).map(answeredSide));
        // Stages before the last are seen by nobody.
        expect([...answers].every((side) => side === from || (side === target && at === stages.length - 1))).toBe(true);
        now = stage;
      });
      expect(answeredSide(now)).toBe(target);
    }
});

test("a rebuilt standby takes the seat of one that is gone; nobody else moves, and the side that answers keeps its instance (S21)", () => {
  const names = ["a", "b", "c", "d", "e"];
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 4 }),
      fc.nat(),
      fc.subarray(names, { minLength: 1 }),
      fc.subarray(names, { minLength: 1 }),
      (sides, chosen, first, members) => {
        const made = firstLatch("shop", first, sides, 0);
        const choices = bitsOf(sides - 1);
        const latch = { ...made, bits: choices[chosen % choices.length] as Bit[] };
        const answered = answeredSide(latch.bits);
        const after = seated(latch, members);
        expect(after.sides[answered]).toBe(latch.sides[answered]);
        latch.sides.forEach((old, at) => {
          if (old !== null && members.includes(old)) expect(after.sides[at]).toBe(old);
        });
        const seats = after.sides.filter((each) => each !== null);
        expect(new Set(seats).size).toBe(seats.length);
        expect(seated(after, members)).toEqual(after);
      },
    ),
  );
});

test("the plan gets another standby: the side that answers is the same (S21)", () => {
  for (const bits of EVERY) {
    const latch = { ...firstLatch("shop", ["a"], bits.length + 1, 0), bits };
    for (const more of [0, 1, 2]) {
      const grown = withSides(latch, bits.length + 1 + more);
      expect(answeredSide(grown.bits)).toBe(answeredSide(bits));
      expect(grown.sides).toHaveLength(grown.bits.length + 1);
    }
  }
});

test("a move of an older generation, or an older attempt of the same, may not speak any more (S10)", () => {
  const last = { generation: 3, attempt: 2 };
  expect(mayFollow(last, { generation: 3, attempt: 2 })).toBe(true);
  expect(mayFollow(last, { generation: 3, attempt: 1 })).toBe(false);
  expect(mayFollow(last, { generation: 2, attempt: 9 })).toBe(false);
  expect(mayFollow(last, { generation: 4, attempt: 1 })).toBe(true);
});

test("the latch's own names stand beside the clients' name", () => {
  expect(latchNames("db.shop.internal", 3)).toEqual([
    "db-latch.shop.internal",
    "db-latch-1.shop.internal",
    "db-side-0.shop.internal",
    "db-side-1.shop.internal",
    "db-side-2.shop.internal",
  ]);
});
