/** What is done and proven of one snapshot or copy: that it has started, that it is there, that it is available. Waits for nothing. */
import { placeName, type Where } from "../aws/clients.ts";
import { codeOf } from "../aws/errors.ts";
import { createSnapshot, describeSnapshot, type SnapshotFacts } from "../aws/rds.ts";
import { faultOf } from "../core/copy-fault.ts";
import { notTheSame, type Origin } from "../core/copy-origin.ts";
import { Problem } from "../core/problem.ts";
import { mustStillBegin } from "./start-window.ts";
import { notYet, type Proof, proven } from "./until.ts";

/**
 * Starts it unless it is there already. One that is there counts only when it is the very one that is wanted, whoever's reply was lost;
 * anybody else's of that name is left untouched, and people are told.
 */
export async function started(where: Where, name: string, wanted: Origin, start: () => Promise<void>): Promise<Proof> {
  const place = placeName(where);
  const there = await describeSnapshot(where, name);
  if (there) return counted(there, wanted);
  try {
    await start();
    return proven(`${name} was started in ${place}`);
  } catch (error) {
    const { message } = error as Error;
    const fault = faultOf(codeOf(error), message);
    if (fault === "refused")
      throw new Problem("SnapshotRefused", `${place}: ${message}`, {
        hint: "Correct the plan or the permission named here.",
        cause: error,
      });
    if (fault !== "exists") throw error;
    const found = await describeSnapshot(where, name);
    return found ? counted(found, wanted) : notYet(`${name} appears in ${place}`);
  }
}

function counted(there: SnapshotFacts, wanted: Origin): Proof {
  const reason = notTheSame(there, wanted);
  if (reason === null) return proven(`${there.id} is ${there.status} in ${there.region}`);
  throw new Problem("SnapshotNotOurs", `a snapshot named ${there.id} is already in ${there.region} and ${reason}`, {
    hint: "Rename or remove it; it is left untouched.",
  });
}

/**
 * A snapshot of the instance itself. A region that is full is a person's business: the next backup comes by itself. `endsAtMs`: it may
 * begin no longer; null: it may as long as it takes. `before`: what stood in the way at the last look.
 */
export async function taken(
  region: string,
  instance: string,
  name: string,
  tags: Record<string, string>,
  endsAtMs: number | null = null,
  before = "",
): Promise<Proof> {
  const wanted: Origin = { instanceId: instance, copyOf: null, takenAtMs: null, tags };
  const begin = async (): Promise<void> => {
    mustStillBegin(endsAtMs, before);
    await createSnapshot(region, instance, name, tags);
  };
  try {
    return await started(region, name, wanted, begin);
  } catch (error) {
    const { message } = error as Error;
    if (faultOf(codeOf(error), message) !== "region is full") throw error;
    throw new Problem("SnapshotQuotaExceeded", `${region}: ${message}`, {
      hint: "Delete snapshots nobody needs, or ask AWS for a higher quota.",
      cause: error,
    });
  }
}

export async function mustBeThere(where: Where, name: string, hint: string): Promise<SnapshotFacts> {
  const snapshot = await describeSnapshot(where, name);
  if (!snapshot) throw new Problem("SnapshotGone", `the snapshot ${name} is gone from ${placeName(where)}`, { hint });
  return snapshot;
}

export async function available(where: Where, name: string): Promise<Proof> {
  const place = placeName(where);
  const snapshot = await mustBeThere(where, name, "Somebody deleted it, or the copy was cancelled.");
  if (snapshot.status === "available") return proven(`${name} is available in ${place}`);
  if (snapshot.status === "failed")
    throw new Problem("SnapshotFailed", `RDS reports that ${name} failed in ${place}`, { hint: "RDS's own event log has the reason." });
  return notYet(`${name} is ${snapshot.status} at ${snapshot.progressPercent} % in ${place}`);
}
