/** What is done and proven of one snapshot or copy: that it has started, that it is there, that it is available. Waits for nothing. */
import { codeOf } from "../aws/errors.ts";
import { createSnapshot, describeSnapshot, type SnapshotFacts } from "../aws/rds.ts";
import { faultOf } from "../core/copy-fault.ts";
import { notTheSame, type Origin } from "../core/copy-origin.ts";
import { Problem } from "../core/problem.ts";
import { notYet, type Proof, proven } from "./until.ts";

/**
 * Starts it unless it is there already. One that is there counts only when it is the very one that is wanted, whoever's reply was lost;
 * anybody else's of that name is left untouched, and people are told.
 */
export async function started(region: string, name: string, wanted: Origin, start: () => Promise<void>): Promise<Proof> {
  const there = await describeSnapshot(region, name);
  if (there) return counted(there, wanted);
  try {
    await start();
    return proven(`${name} was started in ${region}`);
  } catch (error) {
    const { message } = error as Error;
    const fault = faultOf(codeOf(error), message);
    if (fault === "refused")
      throw new Problem("SnapshotRefused", `${region}: ${message}`, {
        hint: "Correct the plan or the permission named here.",
        cause: error,
      });
    if (fault !== "exists") throw error;
    const found = await describeSnapshot(region, name);
    return found ? counted(found, wanted) : notYet(`${name} appears in ${region}`);
  }
}

function counted(there: SnapshotFacts, wanted: Origin): Proof {
  const reason = notTheSame(there, wanted);
  if (reason === null) return proven(`${there.id} is ${there.status} in ${there.region}`);
  throw new Problem("SnapshotNotOurs", `a snapshot named ${there.id} is already in ${there.region} and ${reason}`, {
    hint: "Rename or remove it; it is left untouched.",
  });
}

/** A snapshot of the instance itself. A region that is full is a person's business: the next backup comes by itself. */
export async function taken(region: string, instance: string, name: string, tags: Record<string, string>): Promise<Proof> {
  const wanted: Origin = { instanceId: instance, copyOf: null, takenAtMs: null, tags };
  try {
    return await started(region, name, wanted, () => createSnapshot(region, instance, name, tags));
  } catch (error) {
    const { message } = error as Error;
    if (faultOf(codeOf(error), message) !== "region is full") throw error;
    throw new Problem("SnapshotQuotaExceeded", `${region}: ${message}`, {
      hint: "Delete snapshots nobody needs, or ask AWS for a higher quota.",
      cause: error,
    });
  }
}

export async function mustBeThere(region: string, name: string, hint: string): Promise<SnapshotFacts> {
  const snapshot = await describeSnapshot(region, name);
  if (!snapshot) throw new Problem("SnapshotGone", `the snapshot ${name} is gone from ${region}`, { hint });
  return snapshot;
}

export async function available(region: string, name: string): Promise<Proof> {
  const snapshot = await mustBeThere(region, name, "Somebody deleted it, or the copy was cancelled.");
  if (snapshot.status === "available") return proven(`${name} is available in ${region}`);
  if (snapshot.status === "failed")
    throw new Problem("SnapshotFailed", `RDS reports that ${name} failed in ${region}`, { hint: "RDS's own event log has the reason." });
  return notYet(`${name} is ${snapshot.status} at ${snapshot.progressPercent} % in ${region}`);
}
