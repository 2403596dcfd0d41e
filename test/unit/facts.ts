/** Facts for the tests of rules: a quiet world, to be changed one thing at a time. */
import type { DatabaseRecord, Facts, Standby, StandbyFacts, Vote } from "../../core/facts.ts";
import type { Policy } from "../../core/policy.ts";

export const POLICY: Policy = {
  mode: "automatic",
  probeEverySeconds: 2,
  missedProbes: 3,
  maxLagSeconds: 30,
  cooldownMinutes: 60,
  restartGraceSeconds: 60,
  nativeGraceSeconds: 180,
  maintenance: [],
  drainRegions: ["eu-central-1", "eu-west-1"],
  brake: { moves: 3, withinMinutes: 60 },
};
export const NOW = Date.UTC(2026, 10, 21, 9, 0, 0);

export const vote = (change: Partial<Vote> = {}): Vote => ({
  database: "shop",
  primary: "shop-a",
  generation: 1,
  atMs: NOW - 500,
  primarySeen: "alive",
  condition: "writes",
  primaryLostSinceMs: null,
  primaryTrouble: null,
  lastHeartbeatAtMs: NOW - 500,
  rowsChanged: 1000,
  links: { "shop-b": { seen: "streaming", lostSinceMs: null, lagSeconds: 0 } },
  linkSeen: "streaming",
  linkLostSinceMs: null,
  lagSeconds: 0,
  endpoints: {},
  ...change,
});

export const standbyAnswer = (change: Partial<StandbyFacts> = {}): StandbyFacts => ({
  inRecovery: true,
  link: "streaming",
  heartbeatAtMs: NOW - 500,
  rowsChanged: 1000,
  drained: true,
  ...change,
});

export const record = (change: Partial<DatabaseRecord> = {}): DatabaseRecord => ({
  database: "shop",
  generation: 1,
  primary: "shop-a",
  standbys: ["shop-b"],
  retired: [],
  attempts: 0,
  claim: null,
  lastMove: null,
  pause: null,
  regions: { "shop-a": "eu-central-1", "shop-b": "eu-central-1", "shop-c": "eu-west-1" },
  ...change,
});

const instance = (id: string, sourceId: string | null) => ({
  id,
  status: "available",
  engineVersion: "18.4",
  sourceId,
  securityGroups: ["sg-1:active"],
  address: id,
  port: 5432,
});

type Change = Omit<Partial<Standby>, "instance"> & { instance?: Partial<NonNullable<Standby["instance"]>> | null };

export const standby = ({ instance: described, ...change }: Change = {}): Standby => ({
  id: "shop-b",
  region: "eu-central-1",
  answer: standbyAnswer(),
  ...change,
  instance: described === null ? null : { ...instance(change.id ?? "shop-b", "shop-a"), ...described },
});

export const quiet = (change: Partial<Facts> = {}): Facts => ({
  database: "shop",
  atMs: NOW,
  record: record(),
  vote: vote(),
  nearVote: null,
  ownLook: "alive",
  primaryRegion: "answers",
  primary: instance("shop-a", null),
  standbys: [standby()],
  brake: { moves: [], releasedAtMs: 0 },
  ...change,
});

const lostLink = (sinceMs: number) => ({ seen: "lost" as const, lostSinceMs: sinceMs, lagSeconds: 0 });

/** Both witnesses have lost the primary for five seconds. */
export const lostVote = (change: Partial<Vote> = {}): Vote =>
  vote({
    primarySeen: "lost",
    condition: "gone",
    primaryLostSinceMs: NOW - 5000,
    links: { "shop-b": lostLink(NOW - 5000), "shop-c": lostLink(NOW - 5000) },
    linkSeen: "lost",
    linkLostSinceMs: NOW - 5000,
    lastHeartbeatAtMs: NOW - 7000,
    ...change,
  });

/** A standby that has all there was. */
export const orphan = (change: Partial<StandbyFacts> = {}): StandbyFacts =>
  standbyAnswer({ link: "lost", heartbeatAtMs: NOW - 7000, ...change });

export const killed = (change: Partial<Facts> = {}): Facts =>
  quiet({ ownLook: "lost", vote: lostVote(), standbys: [standby({ answer: orphan() })], ...change });

/** A hot standby and a cold one in the recovery region. */
export const cold = (change: Change = {}): Standby => standby({ id: "shop-c", region: "eu-west-1", answer: orphan(), ...change });
