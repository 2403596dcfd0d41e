/** Facts for the tests of rules: a quiet world, to be changed one thing at a time. */
import type { Facts, Limits, StandbyFacts, Vote } from "../../core/facts.ts";

export const LIMITS: Limits = { probeEverySeconds: 2, missedProbes: 3, maxLagSeconds: 30, cooldownMinutes: 60 };
export const NOW = Date.UTC(2026, 10, 21, 9, 0, 0);

export const vote = (change: Partial<Vote> = {}): Vote => ({
  database: "shop",
  primary: "shop-a",
  generation: 1,
  atMs: NOW - 500,
  primarySeen: "alive",
  primaryLostSinceMs: null,
  primaryTrouble: null,
  lastHeartbeatAtMs: NOW - 500,
  linkSeen: "streaming",
  linkLostSinceMs: null,
  lagSeconds: 0,
  ...change,
});

export const standbyAnswer = (change: Partial<StandbyFacts> = {}): StandbyFacts => ({
  inRecovery: true,
  link: "streaming",
  heartbeatAtMs: NOW - 500,
  drained: true,
  ...change,
});

export const quiet = (change: Partial<Facts> = {}): Facts => ({
  database: "shop",
  atMs: NOW,
  record: { database: "shop", generation: 1, primary: "shop-a", standby: "shop-b", attempts: 0, claim: null, lastMove: null },
  vote: vote(),
  ownLook: "alive",
  primary: {
    id: "shop-a",
    status: "available",
    engineVersion: "18.4",
    sourceId: null,
    securityGroups: ["sg-1:active"],
    address: "a",
    port: 5432,
  },
  standby: {
    id: "shop-b",
    status: "available",
    engineVersion: "18.4",
    sourceId: "shop-a",
    securityGroups: ["sg-1:active"],
    address: "b",
    port: 5432,
  },
  standbyAnswer: standbyAnswer(),
  ...change,
});

/** Both witnesses have lost the primary for five seconds. */
export const killed = (change: Partial<Facts> = {}): Facts =>
  quiet({
    ownLook: "lost",
    vote: vote({
      primarySeen: "lost",
      primaryLostSinceMs: NOW - 5000,
      linkSeen: "lost",
      linkLostSinceMs: NOW - 5000,
      lastHeartbeatAtMs: NOW - 7000,
    }),
    standbyAnswer: standbyAnswer({ link: "lost", heartbeatAtMs: NOW - 7000 }),
    ...change,
  });
