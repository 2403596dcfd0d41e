/** Copies of cluster snapshots, in a region or into another: five at a time. What a copy reads may be deleted under it, and so may the copy. */
import { copyTree, databaseUser, saveTo } from "../../engines/folders.ts";
import type { Operation, World } from "../world.ts";
import type { ClusterSnapshotRecord } from "./cluster-records.ts";
import { toClusterSnapshot } from "./cluster-shapes.ts";
import { clusterSnapshotRoom, clusterSnapshotStatus, LONGEST_ID } from "./cluster-snapshots.ts";
import { findClusterSnapshot } from "./cluster-state.ts";
import { refuse } from "./errors.ts";
import { identifier, mergeTags, only, required, tags } from "./input.ts";
import { keyFor, readableUnder } from "./keys.ts";
import type { Rds } from "./lifecycle.ts";
import { arnOf, parseArn, rdsState, regionState } from "./state.ts";

/** Copies from other regions that one region takes at a time; of instances' snapshots it is 20. */
const ACROSS_AT_A_TIME = 5;

export function clusterCopyOperations(rds: Rds): Record<string, Operation> {
  const { world } = rds;
  return {
    async CopyDBClusterSnapshot(input, caller) {
      const { region } = caller;
      const members = [
        "SourceDBClusterSnapshotIdentifier",
        "TargetDBClusterSnapshotIdentifier",
        "KmsKeyId",
        "Tags",
        "CopyTags",
        "PreSignedUrl",
      ];
      only(input, "CopyDBClusterSnapshot", ...members);
      const wanted = required(input, "SourceDBClusterSnapshotIdentifier");
      const source = findClusterSnapshot(world, parseArn(wanted)?.region ?? region, wanted);
      const id = identifier(input, "TargetDBClusterSnapshotIdentifier", LONGEST_ID);
      const own = tags(input.Tags);
      const across = source.region !== region;
      if (source.status !== "available")
        throw refuse(
          "InvalidDBClusterSnapshotStateFault",
          `The cluster snapshot ${source.id} cannot be copied: it is ${source.status}, not available.`,
        );
      if (across && source.kmsKeyId && !input.KmsKeyId)
        throw refuse(
          "InvalidParameterCombination",
          `${source.id} is encrypted: a copy in another region needs the KmsKeyId of a key in ${region}.`,
        );
      if (input.KmsKeyId && !source.kmsKeyId)
        throw refuse(
          "InvalidParameterCombination",
          `${source.id} is not encrypted: a copy of an unencrypted cluster snapshot cannot be. Encrypt when you restore it.`,
        );
      await readableUnder(world, caller, source.region, source.kmsKeyId);
      const kmsKeyId = input.KmsKeyId ? await keyFor(world, caller, input.KmsKeyId) : source.kmsKeyId;
      clusterSnapshotRoom(world, region, id);
      const underWay = Object.values(regionState(world, region).clusterSnapshots).filter((each) => each.copy?.across);
      if (across && underWay.length >= ACROSS_AT_A_TIME)
        throw refuse("SnapshotQuotaExceeded", `Cannot copy more than ${ACROSS_AT_A_TIME} snapshots across regions`);
      const copy: ClusterSnapshotRecord = {
        ...source,
        id,
        arn: arnOf(world, region, "cluster-snapshot", id),
        region,
        kmsKeyId,
        createdAt: undefined,
        takenSince: undefined,
        tags: input.CopyTags ? mergeTags(source.tags, own) : own,
        sourceArn: source.arn,
        copy: { from: source.arn, across, startedAt: world.now() },
      };
      regionState(world, region).clusterSnapshots[id] = copy;
      clusterSnapshotStatus(world, copy, "copying");
      move(rds, copy);
      return { DBClusterSnapshot: toClusterSnapshot(world, copy) };
    },
  };
}

function lookUp(world: World, arn: string): ClusterSnapshotRecord | undefined {
  const parsed = parseArn(arn);
  return parsed && rdsState(world).regions[parsed.region]?.clusterSnapshots[parsed.id];
}

function move(rds: Rds, copy: ClusterSnapshotRecord): void {
  const { world, fleet } = rds;
  const from = copy.copy?.from ?? "";
  const source = lookUp(world, from);
  const mustStand = (): void => {
    if (!source || lookUp(world, from) !== source) throw new Error(`its source ${from} was deleted`);
    if (lookUp(world, copy.arn) !== copy) throw new Error("it was deleted, which cancels it");
  };
  const run = async (): Promise<void> => {
    await fleet.pause(world.timings.copyMs);
    mustStand();
    await saveTo(fleet.snapshotFolder(copy), async (draft) => {
      await copyTree(fleet.snapshotFolder(source as ClusterSnapshotRecord), draft, { owner: databaseUser(), linked: true });
      mustStand();
    });
    mustStand();
    copy.createdAt = world.now();
    copy.copy = undefined;
    clusterSnapshotStatus(world, copy, "available");
  };
  fleet.work(0, `copying the cluster snapshot ${copy.id}`, copy.region, run, () => {
    copy.copy = undefined;
    if (lookUp(world, copy.arn) === copy) clusterSnapshotStatus(world, copy, "failed");
  });
}

/** After a restart of the lab: copies begin again, and a snapshot that was being taken is there whole or lost. */
export function resumeClusterSnapshots(rds: Rds, region: string): void {
  const { world, fleet } = rds;
  for (const snapshot of Object.values(regionState(world, region).clusterSnapshots)) {
    if (snapshot.copy) move(rds, snapshot);
    else if (snapshot.status === "creating") {
      const whole = fleet.hasSnapshot(snapshot);
      if (whole) snapshot.createdAt = snapshot.takenSince;
      clusterSnapshotStatus(world, snapshot, whole ? "available" : "failed");
    }
  }
}
