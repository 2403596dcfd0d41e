/** What a person tells Understudy to do, and the text of it that a signature covers. Pure. */
import type { MoveVerb } from "./facts.ts";

export const VERBS = [
  "failover",
  "switchover",
  "failback",
  "reboot-failover",
  "restore",
  "drill",
  "evacuate",
  "return",
  "approve",
  "withdraw",
  "pause",
  "resume",
  "acknowledge",
  "release-brake",
  "hold",
  "release",
  "prune",
  "requests",
] as const;

/** A signed sts:GetCallerIdentity request, in the parts that are not the same in each of them. It says who ordered, and nothing else. */
export interface Proof {
  /** accessKeyId/date/region/sts/aws4_request */
  readonly credential: string;
  /** As in "20261121T090000Z". */
  readonly date: string;
  readonly signature: string;
  /** Of a session; null for a user's own key. */
  readonly token: string | null;
}

interface Signable {
  /** Chosen by whoever orders; each is taken once. */
  readonly id: string;
  readonly proof: Proof | null;
}

export interface MoveAsked extends Signable {
  readonly verb: MoveVerb;
  readonly database: string;
  /** The one the person was looking at. */
  readonly generation: number;
  /** null leaves the choice to the ranking. */
  readonly target: string | null;
  /** Rules to pass over, this once. */
  readonly overrides: readonly number[];
  readonly reason: string;
  /** For a failover of a global database. */
  readonly allowDataLoss?: boolean | undefined;
  /** Of a planned move: not before this time, like "2026-11-22T02:00:00Z". null: at once. */
  readonly notBefore: string | null;
}

export interface RestoreAsked extends Signable {
  readonly verb: "restore";
  readonly database: string;
  readonly generation: number;
  /** A snapshot; null leaves the choice to Understudy. */
  readonly from: string | null;
  /** A moment in ISO form or "latest", out of the automated backups; null: from a snapshot. */
  readonly at: string | null;
  readonly region: string | null;
  /** Whether it is to become the primary. */
  readonly promote: boolean;
  /** One that was restored before; null: a new one. */
  readonly instance: string | null;
  readonly overrides: readonly number[];
  readonly reason: string;
}

export interface DrillAsked extends Signable {
  readonly verb: "drill";
  readonly database: string;
}

export interface SiteAsked extends Signable {
  readonly verb: "evacuate" | "return";
  readonly site: string;
  readonly reason: string;
}

export interface RequestNamed extends Signable {
  readonly verb: "approve" | "withdraw";
  readonly request: string;
}

export interface PauseAsked extends Signable {
  readonly verb: "pause";
  readonly database: string;
  readonly minutes: number;
  readonly reason: string;
}

export interface DatabaseNamed extends Signable {
  readonly verb: "resume" | "acknowledge";
  readonly database: string;
}

export interface BrakeReleased extends Signable {
  readonly verb: "release-brake";
}

export interface BackupNamed extends Signable {
  readonly verb: "hold" | "release";
  readonly database: string;
  /** A snapshot's name, the same in every place. */
  readonly backup: string;
  /** Of a hold. */
  readonly reason?: string;
}

export interface PruneAllowed extends Signable {
  readonly verb: "prune";
  readonly database: string;
  /** So many backups may be deleted at once, in each place. */
  readonly most: number;
}

export interface RequestsListed {
  readonly verb: "requests";
  /** null: of every database. */
  readonly database: string | null;
}

export type OperatorOrder =
  | MoveAsked
  | RestoreAsked
  | DrillAsked
  | SiteAsked
  | RequestNamed
  | PauseAsked
  | DatabaseNamed
  | BrakeReleased
  | BackupNamed
  | PruneAllowed
  | RequestsListed;

/** Which Understudy an order is for: a signature for one is worth nothing to another. */
export const audienceOf = (account: string, region: string, plan: string): string => `understudy/${account}/${region}/${plan}`;

/** What the signature covers: the audience and every field but the proof, in one order. What is not said is left out. */
export function signedText(audience: string, order: object): string {
  const said = Object.entries(order).filter(([field, value]) => field !== "proof" && value !== null && value !== undefined);
  return JSON.stringify([audience, ...said.sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/** The header that carries the text's SHA-256, as hex. */
export const ORDER_HEADER = "x-understudy-order";
/** The rest of the request that is signed: the same in each, and never taken from whoever orders. */
export const IDENTITY_BODY = "Action=GetCallerIdentity&Version=2011-06-15";
export const IDENTITY_TYPE = "application/x-www-form-urlencoded";
/** A proof older than this is no proof; STS takes it no longer either. */
export const PROOF_MINUTES = 15;
