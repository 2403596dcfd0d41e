import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { diagnose } from "../../core/diagnosis.ts";
import { confirmationSeconds, type Facts, voteFreshSeconds } from "../../core/facts.ts";
import { decide, RULES } from "../../core/rules.ts";
import { rulesPage } from "../../core/rules-page.ts";
import { killed, LIMITS, NOW, quiet, standbyAnswer, vote } from "./facts.ts";

const decision = (facts: Facts) => decide(facts, diagnose(facts, LIMITS), LIMITS);

test("all is well: nothing to do", () => {
  expect(decision(quiet())).toMatchObject({ rule: 101, kind: "hold", sentence: "Nothing to do: the primary shop-a answers. (rule 101)" });
});

test("the primary is killed: failover, with both witnesses in the sentence", () => {
  expect(decision(killed())).toMatchObject({
    rule: 401,
    kind: "failover",
    diagnosis: "PrimaryDown",
    sentence:
      "Failover to shop-b: the probe and the standby's replication link have both lost shop-a for 5 s; the standby is 0 s behind. (rule 401)",
  });
});

test("the probe is broken but the primary is fine: unreachable is not down", () => {
  const facts = quiet({ vote: vote({ primarySeen: "lost", primaryLostSinceMs: NOW - 60_000 }), ownLook: "lost" });
  expect(decision(facts)).toMatchObject({ rule: 103, kind: "hold", diagnosis: "PrimaryUnreachable" });
  expect(decision(facts).sentence).toContain("the standby's replication link can");
});

test("the watcher reaches a primary that both witnesses have lost: held", () => {
  expect(decision(killed({ ownLook: "alive" }))).toMatchObject({ rule: 103, kind: "hold" });
});

test("the loss is younger than the confirmation window: wait", () => {
  const facts = killed();
  const young = { ...facts, vote: vote({ ...facts.vote, primaryLostSinceMs: NOW - 2000, linkLostSinceMs: NOW - 2000 }) };
  expect(decision(young)).toMatchObject({ rule: 104, kind: "hold" });
});

test("the standby is 94 s behind and the limit is 30: refused, with both numbers", () => {
  expect(decision(killed({ standbyAnswer: standbyAnswer({ link: "lost", heartbeatAtMs: NOW - 101_000 }) })).sentence).toBe(
    "Refused: the standby shop-b is 94 s behind, the limit is 30 s. (rule 303)",
  );
});

test("the standby never applied a heartbeat: the lag is unknown, refused", () => {
  expect(decision(killed({ standbyAnswer: standbyAnswer({ link: "lost", heartbeatAtMs: null }) }))).toMatchObject({
    rule: 305,
    kind: "refuse",
  });
});

test("replication stopped long before the primary died: its silence proves nothing", () => {
  const facts = killed();
  const stopped = {
    ...facts,
    vote: vote({ ...facts.vote, linkLostSinceMs: NOW - 25_000 }),
    standbyAnswer: standbyAnswer({ link: "lost", heartbeatAtMs: NOW - 27_000 }),
  };
  expect(decision(stopped)).toMatchObject({ rule: 306, kind: "refuse" });
});

test("replication stops while the primary lives: people are told", () => {
  const facts = quiet({ vote: vote({ linkSeen: "lost", linkLostSinceMs: NOW - 9000 }), standbyAnswer: standbyAnswer({ link: "lost" }) });
  expect(decision(facts)).toMatchObject({ rule: 102, kind: "hold", tell: true });
});

test("the probe has been silent for a minute: one witness is not enough", () => {
  const facts = killed();
  expect(decision({ ...facts, vote: vote({ ...facts.vote, atMs: NOW - 60_000 }) })).toMatchObject({ rule: 304, kind: "refuse" });
});

test("the standby follows another instance: refused", () => {
  const facts = killed();
  expect(decision({ ...facts, standby: { ...(facts.standby as NonNullable<Facts["standby"]>), sourceId: "other" } })).toMatchObject({
    rule: 302,
  });
});

test("the standby already takes writes: refused, two primaries are worse than none", () => {
  expect(decision(killed({ standbyAnswer: standbyAnswer({ link: "lost", inRecovery: false }) }))).toMatchObject({ rule: 302 });
});

test("the standby is backing up: refused, promotion would be", () => {
  const facts = killed();
  expect(decision({ ...facts, standby: { ...(facts.standby as NonNullable<Facts["standby"]>), status: "backing-up" } })).toMatchObject({
    rule: 307,
  });
});

test("the standby cannot be asked: refused", () => {
  expect(decision(killed({ standbyAnswer: null }))).toMatchObject({ rule: 301 });
});

test("a move already runs: held", () => {
  const facts = killed();
  const claim = { execution: "move-shop-g1-a1", attempt: 1, target: "shop-b", takenAtMs: NOW - 1000, rule: 401, sentence: "" };
  expect(decision({ ...facts, record: { ...facts.record, claim, attempts: 1 } })).toMatchObject({ rule: 201, kind: "hold" });
});

test("the last move failed ten minutes ago: the cooldown holds, a person must decide", () => {
  const facts = killed();
  const after = (outcome: "failed" | "refused"): Facts => ({
    ...facts,
    record: { ...facts.record, lastMove: { execution: "move-shop-g1-a1", outcome, endedAtMs: NOW - 600_000 } },
  });
  expect(decision(after("failed"))).toMatchObject({ rule: 202, kind: "refuse" });
  expect(decision(after("refused")), "a move called off touched nothing").toMatchObject({ rule: 401 });
});

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof(fc.constant(null), arbitrary);
const past = fc.integer({ min: 0, max: 120_000 }).map((ms) => NOW - ms);
const anyFacts: fc.Arbitrary<Facts> = fc
  .record({
    seen: fc.constantFrom("alive", "lost"),
    voteAt: past,
    primarySince: past,
    linkSince: maybe(past),
    heartbeat: maybe(past),
    hasVote: fc.boolean(),
    ownLook: fc.constantFrom("alive", "lost", "unknown"),
    answer: maybe(
      fc.record({
        inRecovery: fc.boolean(),
        link: fc.constantFrom("streaming", "lost"),
        heartbeatAtMs: maybe(past),
        drained: fc.boolean(),
      }),
    ),
    status: fc.constantFrom("available", "backing-up", "modifying", "storage-full"),
    sourceId: fc.constantFrom("shop-a", "other", null),
    versions: fc.tuple(fc.constantFrom("17.9", "18.4"), fc.constantFrom("17.9", "18.4")),
    hasPrimary: fc.boolean(),
    hasStandby: fc.boolean(),
    claimed: fc.boolean(),
    endedAt: maybe(past),
  })
  .map((world) => {
    const base = quiet();
    return quiet({
      ownLook: world.ownLook as Facts["ownLook"],
      vote: world.hasVote
        ? vote({
            atMs: world.voteAt,
            primarySeen: world.seen as "alive" | "lost",
            primaryLostSinceMs: world.seen === "lost" ? world.primarySince : null,
            linkLostSinceMs: world.linkSince,
            lastHeartbeatAtMs: world.heartbeat,
          })
        : null,
      standbyAnswer: world.answer as Facts["standbyAnswer"],
      primary: world.hasPrimary ? { ...(base.primary as NonNullable<Facts["primary"]>), engineVersion: world.versions[0] } : null,
      standby: world.hasStandby
        ? {
            ...(base.standby as NonNullable<Facts["standby"]>),
            status: world.status,
            sourceId: world.sourceId,
            engineVersion: world.versions[1],
          }
        : null,
      record: {
        ...base.record,
        standby: world.hasStandby ? "shop-b" : null,
        claim: world.claimed
          ? { execution: "move-shop-g1-a1", attempt: 1, target: "shop-b", takenAtMs: NOW, rule: 401, sentence: "" }
          : null,
        lastMove: world.endedAt === null ? null : { execution: "move-shop-g1-a0", outcome: "failed", endedAtMs: world.endedAt },
      },
    });
  });

test("whatever the facts: a failover needs every safety requirement at once", () => {
  let failovers = 0;
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { kind } = decision(facts);
      if (kind !== "failover") return;
      failovers++;
      // S8: two fresh witnesses, both lost for the window; none sees it alive.
      expect(facts.vote?.primarySeen).toBe("lost");
      expect((NOW - (facts.vote?.atMs ?? 0)) / 1000).toBeLessThanOrEqual(voteFreshSeconds(LIMITS));
      expect((NOW - (facts.vote?.primaryLostSinceMs ?? NOW)) / 1000).toBeGreaterThanOrEqual(confirmationSeconds(LIMITS));
      expect((NOW - (facts.vote?.linkLostSinceMs ?? NOW)) / 1000).toBeGreaterThanOrEqual(confirmationSeconds(LIMITS));
      expect(facts.standbyAnswer?.link).toBe("lost");
      expect(facts.ownLook).not.toBe("alive");
      // S5, S6: the lag is known and within the limit; the standby is ours, fit, of the same major version.
      expect(
        ((facts.vote?.lastHeartbeatAtMs ?? Number.POSITIVE_INFINITY) - (facts.standbyAnswer?.heartbeatAtMs ?? Number.NEGATIVE_INFINITY)) /
          1000,
      ).toBeLessThanOrEqual(LIMITS.maxLagSeconds);
      expect(facts.standby).toMatchObject({ sourceId: facts.record.primary, status: "available" });
      expect(facts.standbyAnswer?.inRecovery).toBe(true);
      expect(facts.primary).not.toBeNull();
      // S10, S17: no move runs, none has just ended.
      expect(facts.record.claim).toBeNull();
      expect(facts.record.lastMove === null || NOW - facts.record.lastMove.endedAtMs >= LIMITS.cooldownMinutes * 60_000).toBe(true);
    }),
    { numRuns: 20_000, examples: [[killed()]] },
  );
  expect(failovers, "the property must have met failovers").toBeGreaterThan(0);
});

test("whatever the facts: every decision has a filled sentence that ends with its rule", () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { rule, sentence } = decision(facts);
      expect(sentence).not.toMatch(/[{}]|undefined|NaN/);
      expect(sentence.endsWith(`(rule ${rule})`)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test("all refusals stand before the one row that acts, numbers rise", () => {
  const numbers = RULES.map((rule) => rule.number);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  const acting = RULES.findIndex((rule) => rule.kind === "failover");
  expect(RULES.filter((rule) => rule.kind === "failover")).toHaveLength(1);
  expect(RULES.slice(acting + 1).map((rule) => rule.number)).toEqual([499]);
});

test("the printed rule table is the one in the code", () => {
  expect(readFileSync(join(import.meta.dirname, "..", "..", "docs", "rules.md"), "utf8")).toBe(rulesPage());
});
