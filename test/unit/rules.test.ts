import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ELIGIBILITY } from "../../core/candidates.ts";
import { DEAD, diagnose } from "../../core/diagnosis.ts";
import type { Condition, Facts, Order } from "../../core/facts.ts";
import { readWindow } from "../../core/plan/window.ts";
import { confirmationSeconds, type Policy, voteFreshSeconds } from "../../core/policy.ts";
import { decide, RULES } from "../../core/rules.ts";
import { rulesPage } from "../../core/rules-page.ts";
import { cold, killed, lostVote, NOW, orphan, POLICY, quiet, record, standby, standbyAnswer, vote } from "./facts.ts";

const decision = (facts: Facts, order: Order | null = null, policy: Policy = POLICY) =>
  decide(facts, diagnose(facts, policy), policy, order);

const order = (change: Partial<Order> = {}): Order => ({
  id: "o-1",
  verb: "failover",
  target: null,
  overrides: [],
  reason: "the owner said so",
  by: "alice",
  atMs: NOW - 1000,
  generation: 1,
  ...change,
});

test("all is well: nothing to do", () => {
  expect(decision(quiet())).toMatchObject({ rule: 101, kind: "hold", sentence: "Nothing to do: the primary shop-a answers. (rule 101)" });
});

test("the primary is killed: failover, with both witnesses in the sentence", () => {
  expect(decision(killed())).toMatchObject({
    rule: 401,
    kind: "failover",
    diagnosis: "PrimaryDown",
    target: "shop-b",
    sentence:
      "Failover to shop-b: the probe and the standby's replication link have both lost shop-a for 4.5 s; the standby is 0 s behind. (rule 401)",
  });
});

test("the probe is broken but the primary is fine: unreachable is not down", () => {
  const facts = quiet({ vote: vote({ primarySeen: "lost", primaryLostSinceMs: NOW - 60_000 }), ownLook: "lost" });
  expect(decision(facts)).toMatchObject({ rule: 103, kind: "hold", tell: false, diagnosis: "PrimaryUnreachable" });
  expect(decision(facts).sentence).toContain("the standby's replication link can");
});

test("the probe has been broken for two minutes: people are told, still nothing moves", () => {
  const facts = quiet({ vote: vote({ primarySeen: "lost", primaryLostSinceMs: NOW - 121_000 }), ownLook: "lost" });
  expect(decision(facts)).toMatchObject({ rule: 105, kind: "hold", tell: true });
});

test("the watcher reaches a primary that both witnesses have lost: held", () => {
  expect(decision(killed({ ownLook: "alive" }))).toMatchObject({ rule: 103, kind: "hold" });
});

test("the primary's own network still reaches it: what the other region cannot see is not down", () => {
  expect(decision(killed({ nearVote: vote() }))).toMatchObject({ rule: 103, kind: "hold" });
});

test("clients wrote on while the route between the regions was cut, the standby's link with it; then the primary dies: refused (S5)", () => {
  // The far probe lost it two minutes ago; the near one had it until five seconds ago, and its last heartbeat never reached the standby.
  const early = { primaryLostSinceMs: NOW - 120_000, linkLostSinceMs: NOW - 120_000, lastHeartbeatAtMs: NOW - 122_000 };
  const links = { "shop-b": { seen: "lost" as const, lostSinceMs: NOW - 120_000, lagSeconds: 0 } };
  const facts = killed({
    vote: lostVote({ ...early, links }),
    nearVote: lostVote({ lastHeartbeatAtMs: NOW - 7000 }),
    standbys: [standby({ answer: orphan({ heartbeatAtMs: NOW - 122_000 }) })],
  });
  expect(decision(facts)).toMatchObject({ rule: 303, kind: "refuse" });
  // Its last word counts for that, however old.
  const old = lostVote({ atMs: NOW - 60_000, lastHeartbeatAtMs: NOW - 62_000 });
  expect(decision({ ...facts, nearVote: old })).toMatchObject({ rule: 303, kind: "refuse" });
  // Without a limit on the lag, the link's early loss would still refuse it.
  const patient = { ...POLICY, maxLagSeconds: 3600 };
  expect(decision(facts, null, patient)).toMatchObject({ rule: 306, kind: "refuse" });
});

test("a near probe that has fallen silent saves nobody", () => {
  expect(decision(killed({ nearVote: vote({ atMs: NOW - 60_000 }) }))).toMatchObject({ rule: 401 });
});

test("the loss is younger than the confirmation window: wait", () => {
  const young = killed({ vote: lostVote({ primaryLostSinceMs: NOW - 2000, linkLostSinceMs: NOW - 2000 }) });
  expect(decision(young)).toMatchObject({ rule: 104, kind: "hold" });
});

test("each trouble of a primary that answers has its own diagnosis, and none moves", () => {
  const answers = (condition: Condition) => decision(quiet({ vote: vote({ condition }) }));
  expect(answers("slow")).toMatchObject({ rule: 106, kind: "hold", tell: false, diagnosis: "PrimarySlow" });
  expect(answers("read-only")).toMatchObject({ rule: 107, kind: "hold", tell: true, diagnosis: "PrimaryReadOnly" });
  expect(answers("disk-full")).toMatchObject({ rule: 108, kind: "hold", tell: true, diagnosis: "PrimaryDiskFull" });
});

test("a hung primary that both witnesses have lost is moved away from, under its own diagnosis", () => {
  expect(decision(killed({ vote: lostVote({ condition: "hung" }) }))).toMatchObject({ rule: 401, diagnosis: "PrimaryHung" });
});

test("somebody promoted the standby by hand: two take writes, and people are told at once (S35)", () => {
  const two = quiet({ standbys: [standby({ answer: standbyAnswer({ inRecovery: false, link: "lost" }), instance: { sourceId: null } })] });
  expect(decision(two)).toMatchObject({ rule: 100, kind: "hold", tell: true });
  expect(decision(two).sentence).toContain("shop-b takes writes beside the primary shop-a");
});

test("RDS is rebooting the primary: it has its grace, and no more", () => {
  const rebooting = (lostSeconds: number) => {
    const since = NOW - lostSeconds * 1000;
    const facts = killed({ vote: lostVote({ primaryLostSinceMs: since, linkLostSinceMs: since }) });
    return decision({ ...facts, primary: { ...(facts.primary as NonNullable<Facts["primary"]>), status: "rebooting" } });
  };
  expect(rebooting(20)).toMatchObject({ rule: 109, kind: "hold" });
  expect(rebooting(61)).toMatchObject({ rule: 401 });
});

test("the standby is 94 s behind and the limit is 30: refused, with both numbers", () => {
  expect(decision(killed({ standbys: [standby({ answer: orphan({ heartbeatAtMs: NOW - 101_000 }) })] }))).toMatchObject({
    sentence: "Refused: the standby shop-b is 94 s behind, the limit is 30 s. (rule 303)",
    overridable: [303],
  });
});

test("the standby never applied a heartbeat: the lag is unknown, refused", () => {
  expect(decision(killed({ standbys: [standby({ answer: orphan({ heartbeatAtMs: null }) })] }))).toMatchObject({
    rule: 305,
    kind: "refuse",
  });
});

test("replication stopped long before the primary died: its silence proves nothing", () => {
  const links = { "shop-b": { seen: "lost" as const, lostSinceMs: NOW - 25_000, lagSeconds: 0 } };
  const stopped = killed({
    vote: lostVote({ links, linkLostSinceMs: NOW - 25_000 }),
    standbys: [standby({ answer: orphan({ heartbeatAtMs: NOW - 27_000 }) })],
  });
  expect(decision(stopped)).toMatchObject({ rule: 306, kind: "refuse" });
});

test("replication stops while the primary lives: people are told", () => {
  const facts = quiet({
    vote: vote({ linkSeen: "lost", linkLostSinceMs: NOW - 9000 }),
    standbys: [standby({ answer: standbyAnswer({ link: "lost" }) })],
  });
  expect(decision(facts)).toMatchObject({ rule: 102, kind: "hold", tell: true });
});

test("the probe has been silent for a minute: one witness is not enough", () => {
  expect(decision(killed({ vote: lostVote({ atMs: NOW - 60_000 }) }))).toMatchObject({ rule: 304, kind: "refuse" });
});

test("the standby follows another instance: refused, and nobody can override it", () => {
  expect(decision(killed({ standbys: [standby({ answer: orphan(), instance: { sourceId: "other" } })] }))).toMatchObject({
    rule: 302,
    overridable: [],
  });
});

test("the standby already takes writes: refused, two primaries are worse than none", () => {
  expect(decision(killed({ standbys: [standby({ answer: orphan({ inRecovery: false }) })] }))).toMatchObject({ rule: 302 });
});

test("the standby is backing up: refused, promotion would be", () => {
  expect(decision(killed({ standbys: [standby({ answer: orphan(), instance: { status: "backing-up" } })] }))).toMatchObject({ rule: 307 });
});

test("the standby cannot be asked: refused", () => {
  expect(decision(killed({ standbys: [standby({ answer: null })] }))).toMatchObject({ rule: 301 });
});

test("no standby is left: refused, with the way out", () => {
  const alone = killed({ record: record({ standbys: [] }), standbys: [], ownLook: "lost" });
  expect(decision(alone)).toMatchObject({ rule: 300, kind: "refuse" });
  expect(decision(alone).sentence).toContain("Restore from the newest backup");
});

test("a move already runs: held", () => {
  const claim = {
    execution: "move-shop-g1-a1",
    attempt: 1,
    kind: "failover" as const,
    target: "shop-b",
    takenAtMs: NOW - 1000,
    rule: 401,
    sentence: "",
    order: null,
    stage: "claimed" as const,
    network: null,
  };
  const claimed = killed({ record: record({ claim, attempts: 1 }) });
  expect(decision(claimed)).toMatchObject({ rule: 201, kind: "hold" });
  expect(decision(claimed, order({ verb: "switchover" })), "an order waits its turn too").toMatchObject({ rule: 201 });
});

test("the last move failed ten minutes ago: the cooldown holds, until a person has acknowledged it", () => {
  const after = (outcome: "failed" | "refused", change: { automatic?: boolean; acknowledgedBy?: string } = {}): Facts =>
    killed({
      record: record({
        lastMove: { execution: "move-shop-g1-a1", outcome, endedAtMs: NOW - 600_000, automatic: true, acknowledgedBy: null, ...change },
      }),
    });
  expect(decision(after("failed"))).toMatchObject({ rule: 202, kind: "refuse" });
  expect(decision(after("failed", { automatic: false })), "a person's move that failed holds too").toMatchObject({ rule: 202 });
  expect(decision(after("failed", { acknowledgedBy: "alice" }))).toMatchObject({ rule: 401 });
  expect(decision(after("refused")), "a move called off touched nothing").toMatchObject({ rule: 401 });
  expect(decision(after("failed"), order()), "a person need not wait").toMatchObject({ rule: 402, kind: "failover" });
});

test("pause wins: nothing moves by itself until it ends, and people hear why", () => {
  const paused = (untilMs: number) =>
    killed({ record: record({ pause: { sinceMs: NOW - 1000, untilMs, by: "alice", reason: "load test" } }) });
  expect(decision(paused(NOW + 1))).toMatchObject({
    rule: 203,
    kind: "refuse",
    tell: true,
    sentence: "Refused: alice paused automation until 2026-11-21T09:00:00.001Z (load test). A person must decide. (rule 203)",
  });
  expect(decision(paused(NOW)), "it ends by itself").toMatchObject({ rule: 401 });
});

test("a maintenance window is open: a person must decide", () => {
  // A Saturday, nine o'clock.
  const during = (text: string) => decision(killed(), null, { ...POLICY, maintenance: [readWindow(text)] });
  expect(during("sat:08:30-09:30")).toMatchObject({ rule: 204, kind: "refuse" });
  expect(during("fri:23:00-09:01"), "a night's window reaches into the morning").toMatchObject({ rule: 204 });
  expect(during("sat:09:01-10:00")).toMatchObject({ rule: 401 });
});

test("three databases have moved within the hour: the fourth waits for a person", () => {
  const moves = [50, 20, 5].map((minutes) => ({ execution: `move-${minutes}`, atMs: NOW - minutes * 60_000 }));
  expect(decision(killed({ brake: { moves, releasedAtMs: 0 } }))).toMatchObject({ rule: 205, kind: "refuse" });
  expect(decision(killed({ brake: { moves, releasedAtMs: NOW - 30 * 60_000 } })), "released").toMatchObject({ rule: 401 });
});

test("shadow mode says what it would do and does nothing", () => {
  expect(decision(killed(), null, { ...POLICY, mode: "shadow" })).toMatchObject({ rule: 320, kind: "shadow", target: "shop-b" });
});

const pair = { record: record({ standbys: ["shop-b", "shop-c"] }) };

test("the hot standby is preferred, though the cold one is not behind it", () => {
  const facts = killed({ ...pair, standbys: [cold(), standby({ answer: orphan({ heartbeatAtMs: NOW - 9000 }) })] });
  expect(decision(facts)).toMatchObject({ rule: 401, target: "shop-b" });
});

test("the hot standby is unfit: automation never crosses a region, a person is asked", () => {
  const facts = killed({ ...pair, standbys: [standby({ answer: null }), cold()] });
  expect(decision(facts)).toMatchObject({ rule: 330, kind: "ask", target: "shop-c" });
});

test("of two hot standbys the one less behind is taken", () => {
  const regions = { "shop-a": "eu-central-1", "shop-b": "eu-central-1", "shop-d": "eu-central-1" };
  const links = { ...lostVote().links, "shop-d": { seen: "lost" as const, lostSinceMs: NOW - 5000, lagSeconds: 0 } };
  const facts = killed({
    record: record({ standbys: ["shop-b", "shop-d"], regions }),
    vote: lostVote({ links }),
    standbys: [standby({ answer: orphan({ heartbeatAtMs: NOW - 17_000 }) }), standby({ id: "shop-d", answer: orphan() })],
  });
  expect(decision(facts)).toMatchObject({ rule: 401, target: "shop-d" });
});

test("the primary's region is dark: its own standby is out of reach, the other region's waits for a person", () => {
  const dark = killed({
    ...pair,
    primaryRegion: "dark",
    primary: null,
    ownLook: "unknown",
    standbys: [standby({ instance: null, answer: null }), cold()],
  });
  expect(decision(dark)).toMatchObject({ rule: 330, kind: "ask", diagnosis: "PrimaryRegionDark", target: "shop-c" });
  expect(decision(dark, order({ target: "shop-c" }))).toMatchObject({ rule: 402, kind: "failover", target: "shop-c" });
  expect(decision({ ...dark, standbys: [standby({ instance: null, answer: null })] })).toMatchObject({ rule: 301, kind: "refuse" });
});

test("43 seconds without the primary's region move nothing across regions by themselves (GitHub, October 2018)", () => {
  const since = NOW - 43_000;
  const facts = killed({
    ...pair,
    vote: lostVote({ primaryLostSinceMs: since, linkLostSinceMs: since }),
    primaryRegion: "dark",
    primary: null,
    standbys: [standby({ instance: null, answer: null }), cold()],
  });
  expect(decision(facts).kind).toBe("ask");
});

test("an order passes over the rule it names, once, and says so", () => {
  const late = killed({ standbys: [standby({ answer: orphan({ heartbeatAtMs: NOW - 101_000 }) })] });
  expect(decision(late, order())).toMatchObject({ rule: 303, kind: "refuse" });
  expect(decision(late, order({ overrides: [303] }))).toMatchObject({
    rule: 402,
    kind: "failover",
    sentence:
      'Failover to shop-b, ordered by alice ("the owner said so"), overriding rule 303; the primary shop-a is PrimaryDown; the standby is 94 s behind. (rule 402)',
  });
  expect(decision(late), "the standing policy is as before").toMatchObject({ rule: 303 });
});

test("an order cannot pass over what would make two primaries", () => {
  const other = killed({ standbys: [standby({ answer: orphan(), instance: { sourceId: "other" } })] });
  expect(decision(other, order({ overrides: [302] }))).toMatchObject({ rule: 302, kind: "refuse" });
});

test("an order given while looking at an older generation is refused", () => {
  expect(decision(killed(), order({ generation: 7 }))).toMatchObject({ rule: 206, kind: "refuse" });
});

test("an order for an instance that is no standby names those that are", () => {
  expect(decision(killed(), order({ target: "shop-x" })).sentence).toContain("shop-x is no standby of shop; its standbys are: shop-b");
});

test("a failover of a healthy primary is refused: a switchover loses nothing", () => {
  expect(decision(quiet(), order())).toMatchObject({ rule: 207, kind: "refuse", overridable: [207] });
  expect(decision(quiet(), order({ overrides: [207] }))).toMatchObject({ rule: 402, kind: "failover" });
});

test("a switchover needs a primary that takes writes", () => {
  expect(decision(quiet(), order({ verb: "switchover" }))).toMatchObject({ rule: 403, kind: "switchover", target: "shop-b" });
  expect(decision(killed(), order({ verb: "switchover" }))).toMatchObject({ rule: 208, kind: "refuse" });
});

test("a switchover needs a group that closes the primary to everybody else: without one its writes cannot be stopped", () => {
  expect(decision(quiet(), order({ verb: "switchover" }), { ...POLICY, drainRegions: ["eu-west-1"] })).toMatchObject({
    rule: 210,
    kind: "refuse",
  });
});

const former = (alone: { count: number | null; rescue?: string }, change: object = {}) => ({
  instance: "shop-a0",
  generation: 1,
  atMs: NOW - 3_600_000,
  fenced: true,
  alone: { atMs: NOW - 1000, named: "transactions 751, 752", rescue: "understudy-rescue-shop-a0-g1", ...alone },
  ...change,
});
const REGIONS = { ...record().regions, "shop-a0": "eu-central-1" };
const returning = (retired: ReturnType<typeof former>) => quiet({ record: record({ retired: [retired], regions: REGIONS }) });

test("a failback is refused while a former primary holds what the primary lacks, with their names and the snapshot (S25)", () => {
  expect(decision(returning(former({ count: 2 })), order({ verb: "failback" }))).toMatchObject({
    rule: 209,
    kind: "refuse",
    overridable: [209],
    sentence:
      "Refused: the former primary shop-a0 holds 2 transactions that shop-a lacks: transactions 751, 752. The snapshot understudy-rescue-shop-a0-g1 keeps them. Going back would leave that behind. (rule 209)",
  });
  expect(decision(returning(former({ count: null })), order({ verb: "failback" }))).toMatchObject({ rule: 209 });
  expect(decision(returning(former({ count: 2 })), order({ verb: "failback", overrides: [209] }))).toMatchObject({ rule: 403 });
});

test("a failback goes on when the former primary holds nothing alone, was left equal, or was settled by an order before", () => {
  const back = (retired: ReturnType<typeof former>) => decision(returning(retired), order({ verb: "failback" }));
  expect(back(former({ count: 0 }))).toMatchObject({ rule: 403, target: "shop-b" });
  expect(back(former({ count: 2 }, { lossless: true }))).toMatchObject({ rule: 403 });
  expect(back(former({ count: 2 }, { acceptedBy: "order-1" }))).toMatchObject({ rule: 403 });
});

test("a failback goes to where a former primary ran, and nowhere else", () => {
  const facts = { ...returning(former({ count: 0 })), standbys: [cold({ answer: standbyAnswer() }), standby()] };
  expect(decision(facts, order({ verb: "failback" }))).toMatchObject({ target: "shop-b" });
  expect(decision(quiet({ standbys: [standby()] }), order({ verb: "failback" }))).toMatchObject({ rule: 300 });
});

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof(fc.constant(null), arbitrary);
const past = fc.integer({ min: 0, max: 120_000 }).map((ms) => NOW - ms);
const answer = fc.record({
  inRecovery: fc.boolean(),
  link: fc.constantFrom("streaming" as const, "lost" as const),
  heartbeatAtMs: maybe(past),
  rowsChanged: maybe(fc.nat()),
  drained: fc.boolean(),
});
const described = fc.record({
  status: fc.constantFrom("available", "backing-up", "modifying", "storage-full"),
  sourceId: fc.constantFrom("shop-a", "shop-a", "other", null),
  engineVersion: fc.constantFrom("17.9", "18.4"),
});
const anyVote = fc
  .record({ seen: fc.constantFrom("alive" as const, "lost" as const), at: past, since: past, link: maybe(past), beat: maybe(past) })
  .map(({ seen, at, since, link, beat }) =>
    vote({
      atMs: at,
      primarySeen: seen,
      condition: seen === "alive" ? "writes" : "gone",
      primaryLostSinceMs: seen === "lost" ? since : null,
      links: {
        "shop-b": { seen: "lost", lostSinceMs: link, lagSeconds: null },
        "shop-c": { seen: "lost", lostSinceMs: link, lagSeconds: null },
      },
      linkLostSinceMs: link,
      lastHeartbeatAtMs: beat,
    }),
  );
const anyFacts: fc.Arbitrary<Facts> = fc
  .record({
    vote: maybe(anyVote),
    nearVote: maybe(anyVote),
    ownLook: fc.constantFrom("alive" as const, "lost" as const, "unknown" as const),
    hot: fc.record({ answer: maybe(answer), instance: maybe(described) }),
    cold: fc.record({ answer: maybe(answer), instance: maybe(described) }),
    dark: fc.boolean(),
    primary: maybe(described),
    claimed: fc.boolean(),
    paused: fc.boolean(),
    moves: fc.array(past, { maxLength: 4 }),
    endedAt: maybe(past),
  })
  .map((world) =>
    quiet({
      vote: world.vote,
      nearVote: world.nearVote,
      ownLook: world.ownLook,
      primaryRegion: world.dark ? "dark" : "answers",
      primary:
        world.primary && !world.dark ? { ...(quiet().primary as NonNullable<Facts["primary"]>), ...world.primary, sourceId: null } : null,
      standbys: [standby(world.hot), standby({ id: "shop-c", region: "eu-west-1", ...world.cold })],
      brake: { moves: world.moves.map((atMs) => ({ execution: `move-${atMs}`, atMs })), releasedAtMs: 0 },
      record: record({
        standbys: ["shop-b", "shop-c"],
        pause: world.paused ? { sinceMs: NOW, untilMs: NOW + 1000, by: "alice", reason: "" } : null,
        claim: world.claimed
          ? {
              execution: "move-shop-g1-a1",
              attempt: 1,
              kind: "failover",
              target: "shop-b",
              takenAtMs: NOW,
              rule: 401,
              sentence: "",
              order: null,
              stage: "claimed",
              network: null,
            }
          : null,
        lastMove:
          world.endedAt === null
            ? null
            : { execution: "move-shop-g1-a0", outcome: "failed", endedAtMs: world.endedAt, automatic: true, acknowledgedBy: null },
      }),
    }),
  );
const anyOrder: fc.Arbitrary<Order> = fc.record({
  id: fc.constant("o-1"),
  verb: fc.constantFrom("failover" as const, "switchover" as const, "failback" as const),
  target: fc.constantFrom(null, "shop-b", "shop-c", "shop-x"),
  overrides: fc.subarray([...RULES, ...ELIGIBILITY].map(({ number }) => number)),
  reason: fc.constant("because"),
  by: fc.constant("alice"),
  atMs: past,
  generation: fc.constantFrom(1, 1, 2),
});

const dying = killed({ ...pair, standbys: [standby({ answer: orphan() }), cold()] });
const PARTS = ["vote", "nearVote", "ownLook", "standbys", "primary", "primaryRegion", "record", "brake"] as const;
/** A primary that is down or well, with a few things about it as they may be anywhere. */
const likelyFacts: fc.Arbitrary<Facts> = fc
  .tuple(anyFacts, fc.constantFrom(dying, quiet(pair)), fc.subarray([...PARTS], { maxLength: 3 }))
  .map(([any, base, parts]) => ({ ...base, ...Object.fromEntries(parts.map((part) => [part, any[part]])) }));
const facing = fc.oneof(anyFacts, likelyFacts);

const lagOf = (facts: Facts, id: string | null) =>
  ((facts.vote?.lastHeartbeatAtMs ?? Number.POSITIVE_INFINITY) -
    (facts.standbys.find((each) => each.id === id)?.answer?.heartbeatAtMs ?? Number.NEGATIVE_INFINITY)) /
  1000;

test("whatever the facts: an automatic failover needs every safety requirement at once", () => {
  let failovers = 0;
  fc.assert(
    fc.property(facing, (facts) => {
      const { kind, target, diagnosis } = decision(facts);
      if (kind !== "failover" && kind !== "ask") return;
      failovers++;
      const chosen = facts.standbys.find(({ id }) => id === target);
      // S8: a fresh probe and the links, both lost for the window; none sees it alive, and old votes do not count.
      expect(DEAD).toContain(diagnosis);
      for (const each of [facts.vote, facts.nearVote]) {
        if (each && (NOW - each.atMs) / 1000 <= voteFreshSeconds(POLICY)) expect(each.primarySeen).toBe("lost");
      }
      expect((NOW - (facts.vote?.atMs ?? 0)) / 1000).toBeLessThanOrEqual(voteFreshSeconds(POLICY));
      expect((NOW - (facts.vote?.primaryLostSinceMs ?? NOW)) / 1000).toBeGreaterThanOrEqual(confirmationSeconds(POLICY));
      for (const each of facts.standbys) expect(each.answer?.link).not.toBe("streaming");
      expect(chosen?.answer?.link).toBe("lost");
      expect(facts.ownLook).not.toBe("alive");
      // S5, S6: the lag is known and within the limit; the standby is ours and fit.
      expect(lagOf(facts, target)).toBeLessThanOrEqual(POLICY.maxLagSeconds);
      expect(chosen?.instance).toMatchObject({ sourceId: facts.record.primary, status: "available" });
      expect(chosen?.answer?.inRecovery).toBe(true);
      // S7: never across a region by itself, and never where the fence cannot reach.
      if (kind === "failover") {
        expect(chosen?.region).toBe("eu-central-1");
        expect(facts.primary).not.toBeNull();
        expect(facts.primaryRegion).toBe("answers");
      }
      // S10, S17, S18, S27: no move runs, none has just ended, the brake is off, nothing is paused.
      expect(facts.record.claim).toBeNull();
      expect(facts.record.lastMove === null || NOW - facts.record.lastMove.endedAtMs >= POLICY.cooldownMinutes * 60_000).toBe(true);
      expect(facts.brake.moves.length).toBeLessThan(POLICY.brake.moves);
      expect(facts.record.pause).toBeNull();
    }),
    { numRuns: 20_000, examples: [[killed()]] },
  );
  expect(failovers, "the property must have met failovers").toBeGreaterThan(100);
});

test("whatever a person orders: nothing unfit is promoted, no claim is passed over, an old order does nothing", () => {
  let acted = 0;
  fc.assert(
    fc.property(facing, anyOrder, (facts, given) => {
      const { kind, target, sentence, rule } = decision(facts, given);
      expect(sentence).not.toMatch(/[{}]|undefined|NaN/);
      expect(sentence.endsWith(`(rule ${rule})`)).toBe(true);
      if (kind !== "failover" && kind !== "switchover") return;
      acted++;
      const chosen = facts.standbys.find(({ id }) => id === target);
      expect(kind).toBe(given.verb === "failover" ? "failover" : "switchover");
      expect(given.target === null || target === given.target).toBe(true);
      expect(given.generation).toBe(facts.record.generation);
      expect(facts.record.claim).toBeNull();
      expect(chosen?.instance).toMatchObject({ sourceId: facts.record.primary, status: "available" });
      expect(chosen?.answer?.inRecovery).toBe(true);
      if (!given.overrides.includes(303) && !given.overrides.includes(305))
        expect(lagOf(facts, target)).toBeLessThanOrEqual(POLICY.maxLagSeconds);
    }),
    { numRuns: 20_000, examples: [[killed(), order()]] },
  );
  expect(acted, "the property must have met orders that act").toBeGreaterThan(100);
});

test("whatever the facts: every decision has a filled sentence that ends with its rule", () => {
  fc.assert(
    fc.property(facing, (facts) => {
      const { rule, sentence } = decision(facts);
      expect(sentence).not.toMatch(/[{}]|undefined|NaN/);
      expect(sentence.endsWith(`(rule ${rule})`)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test("all refusals stand before the rows that act, numbers rise, and the last row refuses", () => {
  const numbers = RULES.map((rule) => rule.number);
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  const acting = RULES.flatMap((rule, at) => (["failover", "switchover", "native"].includes(rule.kind) ? [at] : []));
  const refusing = RULES.flatMap((rule, at) => (["refuse", "ask", "shadow"].includes(rule.kind) ? [at] : []));
  expect(acting).toEqual([RULES.length - 5, RULES.length - 4, RULES.length - 3, RULES.length - 2]);
  expect(refusing.at(-1)).toBe(RULES.length - 1);
  expect(Math.max(...refusing.slice(0, -1))).toBeLessThan(Math.min(...acting));
});

test("the printed rule table is the one in the code", () => {
  expect(readFileSync(join(import.meta.dirname, "..", "..", "docs", "rules.md"), "utf8")).toBe(rulesPage());
});
