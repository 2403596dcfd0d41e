import { expect, test } from "vitest";
import { waysPast } from "../../core/commands.ts";
import { diagnose } from "../../core/diagnosis.ts";
import type { Facts, Order } from "../../core/facts.ts";
import type { Policy } from "../../core/policy.ts";
import { decide } from "../../core/rules.ts";
import { nextVote } from "../../core/vote.ts";
import { killed, lostVote, NOW, POLICY, quiet, record, standby, vote } from "./facts.ts";

const decision = (facts: Facts, order: Order | null = null) => decide(facts, diagnose(facts, POLICY), POLICY, order);

const multiAz = { kind: "multi-az", at: "eu-central-1a" } as const;
const inTwoZones = (facts: Facts): Facts => ({ ...facts, primary: facts.primary && { ...facts.primary, native: multiAz } });
const event = (eventId: string, secondsAgo: number) => ({ instance: "shop-a", eventId, message: "", atMs: NOW - secondsAgo * 1000 });
const lostFor = (seconds: number, change: Partial<Facts> = {}) => {
  const since = NOW - seconds * 1000;
  return inTwoZones(killed({ vote: lostVote({ primaryLostSinceMs: since, linkLostSinceMs: since }), ...change }));
};
const reboot = (change: Partial<Order> = {}): Order => ({
  ...{ id: "o-1", verb: "reboot-failover", target: null, overrides: [], reason: "a test", by: "alice", atMs: NOW, generation: 1 },
  ...change,
});

test("a Multi-AZ primary is lost: RDS has its time, and no replica is promoted meanwhile", () => {
  expect(decision(lostFor(100))).toMatchObject({ rule: 110, kind: "hold", tell: true });
  expect(decision(lostFor(100)).sentence).toContain("RDS has 180 s for it");
  // The same primary in one zone.
  const single = lostFor(100);
  expect(decision({ ...single, primary: single.primary && { ...single.primary, native: undefined } } as Facts)).toMatchObject({
    rule: 401,
  });
});

test("RDS has not done it in its time: the replica takes over", () => {
  expect(decision(lostFor(182))).toMatchObject({ rule: 401, kind: "failover", target: "shop-b" });
});

test("RDS says late that it has begun: its time counts from there, once", () => {
  expect(decision(lostFor(200, { primaryEvent: event("RDS-EVENT-0013", 60) }))).toMatchObject({ rule: 110 });
  expect(decision(lostFor(400, { primaryEvent: event("RDS-EVENT-0013", 200) }))).toMatchObject({ rule: 401 });
  // It has given up, or ended it.
  for (const eventId of ["RDS-EVENT-0034", "RDS-EVENT-0049", "RDS-EVENT-0004"])
    expect(decision(lostFor(200, { primaryEvent: event(eventId, 10) })), eventId).toMatchObject({ rule: 401 });
});

test("its own failover takes its region along: nobody waits for what cannot be seen", () => {
  const dark = killed({ primary: null, primaryRegion: "dark" });
  expect(decision(dark).rule).not.toBe(110);
});

test("a Multi-AZ primary without any replica: waited for, then people are told", () => {
  const alone = (seconds: number) =>
    inTwoZones(
      killed({
        record: record({ standbys: [] }),
        standbys: [],
        vote: lostVote({ primaryLostSinceMs: NOW - seconds * 1000, links: {}, linkSeen: "unknown", linkLostSinceMs: null }),
      }),
    );
  expect(decision(alone(100))).toMatchObject({ rule: 110 });
  expect(decision(alone(182))).toMatchObject({ rule: 300, kind: "refuse" });
});

test("somebody still sees it: not RDS's time, and not gone", () => {
  expect(decision({ ...lostFor(60), ownLook: "alive" })).toMatchObject({ rule: 103 });
});

test("a person orders RDS's own failover: it needs no replica", () => {
  expect(decision(inTwoZones(quiet()), reboot())).toMatchObject({ rule: 404, kind: "native", target: "shop-a" });
  const alone = inTwoZones(quiet({ record: record({ standbys: [] }), standbys: [] }));
  expect(decision(alone, reboot())).toMatchObject({ rule: 404 });
  const sick = inTwoZones(quiet({ standbys: [standby({ instance: { status: "modifying" } })] }));
  expect(decision(sick, reboot())).toMatchObject({ rule: 404 });
  // A hung primary is what it is for.
  expect(decision(lostFor(20), reboot())).toMatchObject({ rule: 404 });
});

test("RDS's own failover is refused in one zone, while RDS is at work, in the dark, for an old order", () => {
  const refused = (facts: Facts, order = reboot()) => decision(facts, order);
  expect(refused(quiet())).toMatchObject({ rule: 211, kind: "refuse", overridable: [] });
  const busy = inTwoZones(quiet());
  expect(refused({ ...busy, primary: busy.primary && { ...busy.primary, status: "rebooting" } }).sentence).toContain('"rebooting"');
  expect(refused(quiet({ primary: null, primaryRegion: "dark" }))).toMatchObject({ rule: 211 });
  expect(refused(inTwoZones(quiet()), reboot({ generation: 7 }))).toMatchObject({ rule: 206 });
});

test("the probe's vote keeps the outage that ended, from the first miss to the write that arrived", () => {
  const lap = (sight: "alive" | "lost", second: number) => ({
    record: record(),
    startedAtMs: NOW + second * 1000,
    endedAtMs: NOW + second * 1000 + 100,
    seen: {
      sight,
      condition: sight === "alive" ? ("writes" as const) : ("gone" as const),
      wrote: sight === "alive",
      rowsChanged: null,
      trouble: null,
    },
    answers: {},
    endpoints: {},
  });
  let now = vote();
  for (const [sight, second] of [
    ["alive", 2],
    ["lost", 4],
    ["lost", 6],
    ["alive", 64],
    ["alive", 66],
  ] as const)
    now = nextVote(now, lap(sight, second), POLICY).vote;
  expect(now.lastOutage).toEqual({ fromMs: NOW + 4000, toMs: NOW + 64_100 });
});

const near = { kind: "cluster", at: "near-1", members: 2, global: "world" } as const;
const world: Policy = { ...POLICY, globalCluster: "world", drainRegions: [] };
const far = (change: object = {}) =>
  standby({
    id: "far",
    region: "eu-west-1",
    answer: null,
    instance: { sourceId: null, native: { ...near, at: null, members: 1 }, ...change },
  });
const pair = { record: record({ standbys: ["far"], regions: { "shop-a": "eu-central-1", far: "eu-west-1" } }), standbys: [far()] };
const globally = (facts: Facts, order: Order | null = null) => decide(facts, diagnose(facts, world), world, order);
const healthy = (change: Partial<Facts> = {}) => {
  const facts = quiet({ ...pair, ...change });
  return { ...facts, primary: facts.primary && { ...facts.primary, native: near } };
};
const dark = (change: Partial<Facts> = {}) =>
  quiet({
    ...pair,
    ownLook: "lost",
    primary: null,
    primaryRegion: "dark",
    vote: lostVote({ links: {}, linkSeen: "unknown", linkLostSinceMs: null }),
    ...change,
  });
const asked = (verb: Order["verb"], change: Partial<Order> = {}): Order => ({ ...reboot(), verb, ...change });

test("a global database whose region is dark never moves by itself, and the mail's command says what is given up", () => {
  const decided = globally(dark());
  expect(decided).toMatchObject({ rule: 213, kind: "refuse", tell: true, diagnosis: "PrimaryRegionDark" });
  expect(waysPast(decided, "shop", null)).toEqual(['npm run understudy -- failover shop --allow-data-loss --reason "WHY"']);
});

test("a failover of a global database needs the word for it, and nothing passes over that", () => {
  expect(globally(dark(), asked("failover"))).toMatchObject({ rule: 212, kind: "refuse", overridable: [] });
  expect(globally(dark(), asked("failover", { overrides: [212] }))).toMatchObject({ rule: 212 });
  expect(globally(dark(), asked("failover", { allowDataLoss: true }))).toMatchObject({ rule: 402, kind: "failover", target: "far" });
});

test("a global database that lives is switched over, and a failover of it is refused", () => {
  expect(globally(healthy(), asked("switchover"))).toMatchObject({ rule: 403, kind: "switchover", target: "far" });
  expect(globally(healthy(), asked("failover", { allowDataLoss: true }))).toMatchObject({ rule: 207 });
  expect(globally(dark(), asked("switchover"))).toMatchObject({ rule: 208 });
});

test("a cluster of another global database, one that RDS does not describe, or one without instances is no target", () => {
  const order = asked("failover", { allowDataLoss: true });
  const to = (change: object) => globally(dark({ standbys: [far(change)] }), order);
  expect(to({ native: { ...near, global: "other" } })).toMatchObject({ rule: 313 });
  expect(globally(dark({ standbys: [{ ...far(), instance: null }] }), order)).toMatchObject({ rule: 313 });
  expect(to({ native: { ...near, members: 0 } })).toMatchObject({ rule: 314 });
  expect(to({ status: "failing-over" })).toMatchObject({ rule: 314 });
});

test("the writer of a cluster is lost: RDS has its time; a cluster of one has nobody to be moved to", () => {
  const since = NOW - 60_000;
  const lost = quiet({
    record: record({ standbys: [] }),
    standbys: [],
    ownLook: "lost",
    vote: lostVote({ primaryLostSinceMs: since, links: {}, linkSeen: "unknown", linkLostSinceMs: null }),
  });
  const cluster = { ...lost, primary: lost.primary && { ...lost.primary, native: near } };
  expect(decision(cluster)).toMatchObject({ rule: 110, kind: "hold" });
  const late = { ...cluster, vote: lostVote({ primaryLostSinceMs: NOW - 200_000, links: {}, linkSeen: "unknown", linkLostSinceMs: null }) };
  expect(decision(late)).toMatchObject({ rule: 300, sentence: expect.stringContaining("RDS has not brought shop-a back") });
  const one = { ...quiet(), primary: { ...quiet().primary, native: { ...near, members: 1 } } } as Facts;
  expect(decision(one, reboot())).toMatchObject({ rule: 211, sentence: expect.stringContaining("add a reader") });
});

test("a cluster's name leads to its former writer for a moment: held, and nobody is accused", () => {
  const stale = healthy({ vote: vote({ condition: "read-only" }) });
  expect(decision({ ...stale, record: record({ standbys: [] }), standbys: [] })).toMatchObject({ rule: 111, kind: "hold" });
});
