import fc from "fast-check";
import { expect, test } from "vitest";
import type { Vote } from "../../core/facts.ts";
import { type Cast, isLostLongEnough, nextVote } from "../../core/vote.ts";
import { NOW, POLICY, quiet, standbyAnswer } from "./facts.ts";

const { record } = quiet();
type Look = { alive: boolean; link: "streaming" | "lost" | null };

/** Laps two seconds apart. */
function laps(looks: Look[], of = record): Cast[] {
  let before: Vote | null = null;
  return looks.map(({ alive, link }, index) => {
    const startedAtMs = NOW + index * 2000;
    const seen = alive
      ? { sight: "alive" as const, condition: "writes" as const, wrote: true, rowsChanged: 40 + index, trouble: null }
      : { sight: "lost" as const, condition: "gone" as const, wrote: false, rowsChanged: null, trouble: "ECONNREFUSED" };
    const made = nextVote(
      before,
      {
        record: of,
        startedAtMs,
        endedAtMs: startedAtMs + 5,
        seen,
        answers: { "shop-b": link === null ? null : standbyAnswer({ link }) },
        endpoints: {},
      },
      POLICY,
    );
    before = made.vote;
    return made;
  });
}

const well: Look = { alive: true, link: "streaming" };
const dead: Look = { alive: false, link: "lost" };

test("a killed primary wakes the watcher on the third missed lap, and on the next three in case another witness is a lap behind", () => {
  const made = laps([well, ...Array.from({ length: 9 }, () => dead)]).map((lap) => lap.wakes);
  expect(made).toEqual([false, false, false, true, true, true, true, false, false, false]);
});

test("a miss after a lap that saw the primary is a first one, whatever the links say; nobody's first lap is", () => {
  const blind: Look = { alive: false, link: "streaming" };
  expect(laps([dead, well, blind, dead, well, dead]).map((lap) => lap.firstMiss)).toEqual([false, false, true, false, false, true]);
});

test("once a move was begun the watcher is woken no more by later laps", () => {
  const claimed = { ...record, attempts: 1 };
  expect(laps([well, dead, dead, dead, dead, dead], claimed).map((lap) => lap.wakes)).toEqual([false, false, false, true, false, false]);
});

test("one lap in between that sees the primary starts the count again", () => {
  expect(laps([dead, dead, well, dead, dead, dead]).map((lap) => lap.wakes)).toEqual([false, false, false, false, false, true]);
});

test("a probe that alone has lost the primary never turns the votes", () => {
  const blind: Look = { alive: false, link: "streaming" };
  expect(laps(Array.from({ length: 20 }, () => blind)).some((lap) => lap.wakes)).toBe(false);
});

test("a standby that cannot be asked keeps the date its link was lost", () => {
  const made = laps([well, dead, { alive: false, link: null }, dead]);
  expect(made.at(-1)?.vote.linkLostSinceMs).toBe(made[1]?.vote.linkLostSinceMs);
});

test("a vote about another primary says nothing about this one", () => {
  const [first] = laps([dead]);
  const other = { ...(first?.vote as Vote), primary: "shop-b" };
  const lap = {
    record,
    startedAtMs: NOW + 60_000,
    endedAtMs: NOW + 60_005,
    seen: { sight: "lost" as const, condition: "gone" as const, wrote: false, rowsChanged: null, trouble: "" },
    answers: {},
    endpoints: {},
  };
  expect(nextVote(other, lap, POLICY).vote.primaryLostSinceMs).toBe(NOW + 60_000);
});

test("whatever the laps saw, votes turn only after three misses of both witnesses in a row", () => {
  const look = fc.record({ alive: fc.boolean(), link: fc.constantFrom("streaming" as const, "lost" as const, null) });
  fc.assert(
    fc.property(fc.array(look, { maxLength: 30 }), (looks) => {
      laps(looks).forEach((lap, index) => {
        if (!lap.wakes) return;
        expect(isLostLongEnough(lap.vote, POLICY)).toBe(true);
        for (const earlier of looks.slice(index - 2, index + 1)) {
          expect(earlier.alive).toBe(false);
          expect(earlier.link).not.toBe("streaming");
        }
      });
    }),
  );
});
