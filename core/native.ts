/**
 * What RDS's own failover changes about deciding: a primary that RDS fails over by itself is left alone for a while, and can be asked to
 * move. Knows nothing of how that is done or proven. Pure.
 */
import { DEAD, type Diagnosis } from "./diagnosis.ts";
import type { Facts, Order } from "./facts.ts";
import { confirmationSeconds, type Policy } from "./policy.ts";
import { FAILING_OVER } from "./rds-word.ts";

/** What Understudy last knew of where RDS has a database's writer (databases/NAME/native.json). */
export interface NativeNote {
  readonly primary: string;
  /** As in Facts.writer. */
  readonly writer: string;
  /** Rises with every move of RDS's own that was seen. */
  readonly count: number;
  /** Where it was before; null until it was seen to move. */
  readonly before: string | null;
  readonly atMs: number;
  /** The move that was ordered, or null: RDS did it by itself. */
  readonly by: string | null;
}

export const isNative = (order: Order | null): boolean => order?.verb === "reboot-failover";

/**
 * A probe has lost a primary that RDS keeps a standby for, nobody sees it alive, and RDS's time is not up: counted from the loss, and
 * anew from RDS's word that it has begun. Such a primary may have no replica, so nothing is asked of a link here.
 */
export function rdsIsAtIt({ facts, diagnosis, policy }: { facts: Facts; diagnosis: Diagnosis; policy: Policy }): boolean {
  const lostForSeconds = diagnosis.lostForSeconds ?? diagnosis.unreachableForSeconds;
  if (!facts.primary?.native || lostForSeconds === null || !(DEAD.includes(diagnosis.name) || diagnosis.name === "Blind")) return false;
  const { primaryEvent, atMs } = facts;
  const begun = FAILING_OVER.includes(primaryEvent?.eventId ?? "") ? (atMs - (primaryEvent?.atMs ?? 0)) / 1000 : lostForSeconds;
  return Math.min(lostForSeconds, begun) < policy.nativeGraceSeconds;
}

export const isGlobal = ({ policy }: { policy: Policy }): boolean => Boolean(policy.globalCluster);

/**
 * A global database is lost as far as anybody can tell: no replica's link is a witness here, so it is the probe's word for the whole
 * window, and nobody else's to the contrary. Enough to tell people, and never to act.
 */
export function globalIsLost({ facts, diagnosis, policy }: { facts: Facts; diagnosis: Diagnosis; policy: Policy }): boolean {
  if (!isGlobal({ policy }) || facts.ownLook === "alive") return false;
  if (DEAD.includes(diagnosis.name)) return true;
  return diagnosis.name === "Blind" && (diagnosis.unreachableForSeconds ?? 0) >= confirmationSeconds(policy);
}

/** Why RDS cannot be asked to fail the primary over now, as a sentence; null when nothing speaks against it. */
export function nativeTrouble({ record, primary, primaryRegion }: Facts): string | null {
  const id = record.primary;
  if (primaryRegion === "dark") return `RDS in ${record.regions[id] ?? "its region"} does not answer, so it cannot be asked to move ${id}.`;
  if (primary === null) return `RDS knows nothing of the primary ${id}.`;
  if (!primary.native) return `${id} runs in one zone, so RDS has nowhere to move it: a reboot would only stop it for a while.`;
  if (primary.native.members === 1) return `${id} has one member, so RDS has nobody to fail over to: add a reader.`;
  if (primary.status !== "available") return `${id} is "${primary.status}", expected "available": RDS is at work on it already.`;
  return null;
}
