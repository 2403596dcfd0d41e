/**
 * The plan of one run: the given one, and what the seed makes of it. Which standbys there are and where, how the name moves, whether a
 * probe stands near, what people have to say. Decides nothing of what befalls it.
 */
import { RUNGS } from "../../core/ladder.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { Chance } from "./chance.ts";

type Database = Plan["databases"][string];

/** Where the standbys stand, the plan's preferred one first. */
const STANDBYS = ["hot", "hot", "hot", "cold", "cold", "hot cold", "cold hot", "hot hot cold"] as const;

const COLD_FENCE = "sg-0c01df00000000001";
const COLD_DRAIN = "sg-0c01dd00000000002";
const NEAR_NETWORK = { subnetIds: ["subnet-0a1b2c3d4e5f60003"], securityGroupIds: ["sg-0a1b2c3d4e5f6bbbb"] };

/** Of twenty scenes, three are of a kind that RDS moves by itself. */
const KINDS = [...Array<"replicas">(17).fill("replicas"), "multi-az", "cluster", "global"] as const;
/** What every seed may be made to be: of a kind, or with every rung of the fence. */
export const ONLY = ["replicas", "multi-az", "cluster", "global", "every-rung"] as const;
export type Only = (typeof ONLY)[number];
const LADDERS = 0.06;

export interface Scene {
  readonly plan: Plan;
  readonly safetyMs: number;
  /** Whether the primary is a Multi-AZ instance: a plan does not say. */
  readonly multiAz: boolean;
  /** How long what is stopped stays so; AWS's seven days are longer than any run. */
  readonly stoppedForMs: number;
  /** What was chosen, in words. */
  readonly words: string;
}

export function sceneOf(given: Plan, seed: number, safetyMs: number, only?: Only): Scene {
  const chance = new Chance(seed, "scene");
  const places = chance.pick(STANDBYS).split(" ");
  const repoint = chance.happens(0.25) ? "latch" : "record";
  const near = chance.happens(0.12);
  const mode = chance.pick(["automatic", "automatic", "automatic", "approval"] as const);
  const rebuild = chance.happens(0.75) ? "automatic" : "by-hand";
  const cooldownMinutes = chance.pick([60, 5, 1]);
  const approvals = { people: chance.pick([1, 2]), expireMinutes: chance.pick([5, 20, 60]) };
  const stretch = chance.happens(0.04) ? 2.5 : chance.pick([0.5, 0.7, 1]);
  // A slower probe sees as much and costs half.
  const probeEverySeconds = new Chance(seed, "pace").pick([2, 4, 4]);
  const staged = (database: Database): Database => ({
    ...database,
    standbys: places.map((place, at) => ({
      instance: `${database.primary.instance.replace(/-a$/, "")}-${"bcd"[at]}`,
      region: place === "hot" ? database.primary.region : given.regions.recovery,
    })),
    fenceSecurityGroups: { ...database.fenceSecurityGroups, [given.regions.recovery]: COLD_FENCE },
    drainSecurityGroups: { ...database.drainSecurityGroups, [given.regions.recovery]: COLD_DRAIN },
    failover: { ...database.failover, mode, rebuild, cooldownMinutes, probeEverySeconds },
  });
  const plan: Plan = {
    ...given,
    network: { ...given.network, primary: near ? (given.network.primary ?? NEAR_NETWORK) : undefined },
    databases: Object.fromEntries(Object.entries(given.databases).map(([name, database]) => [name, staged(database)])),
    records: given.records.map((record) => ({ ...record, repoint })),
    approvals: { ...given.approvals, ...approvals },
  };
  const kinds = new Chance(seed, "kind");
  const drawn = kinds.pick(KINDS);
  const ladder = kinds.happens(LADDERS) || only === "every-rung";
  const kind = only === undefined ? drawn : only === "every-rung" ? "replicas" : only;
  const stoppedForMs = kinds.whole(2, 15) * 60_000;
  if (kind === "cluster" || kind === "global") {
    const words = `a ${kind === "global" ? "global database" : "cluster"}; ${near ? "with" : "without"} a near probe; ${mode}`;
    return { plan: ofClusters(plan, kind === "global"), safetyMs: safetyMs * stretch, multiAz: false, stoppedForMs, words };
  }
  const multiAz = kind === "multi-az";
  const words = `${multiAz ? "Multi-AZ; " : ""}${ladder ? "every rung; " : ""}standbys ${places.join(" and ")}; by the ${repoint}; ${near ? "with" : "without"} a near probe; ${mode}; rebuilt ${rebuild}`;
  return { plan: ladder ? withLadder(plan) : plan, safetyMs: safetyMs * stretch, multiAz, stoppedForMs, words };
}

const staging = (plan: Plan, stage: (database: Database) => Database): Plan => ({
  ...plan,
  databases: Object.fromEntries(Object.entries(plan.databases).map(([name, database]) => [name, stage(database)])),
});

/** The same with a cluster of two members, and with a second one in the recovery region. */
export function ofClusters(plan: Plan, global: boolean): Plan {
  const staged = staging(plan, (database) => {
    const name = database.primary.instance.replace(/-a$/, "");
    const [here, there] = [`${name}-here`, `${name}-there`];
    const { region } = database.primary;
    return {
      ...database,
      primary: { instance: here, cluster: here, region, ...(global ? { globalCluster: `${name}-global` } : {}) },
      standbys: global ? [{ instance: there, cluster: there, region: plan.regions.recovery }] : [],
    };
  });
  return { ...staged, records: plan.records.map((record) => ({ ...record, repoint: "record" as const })), backups: [], drills: undefined };
}

/** Every rung of the fence, and a parameter group for each instance alone. */
export const withLadder = (plan: Plan): Plan =>
  staging(plan, (database) => ({
    ...database,
    fenceParameterGroups: Object.fromEntries([database.primary, ...database.standbys].map(({ instance }) => [instance, `${instance}-own`])),
    failover: { ...database.failover, fence: [...RUNGS] },
  }));
