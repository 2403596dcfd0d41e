/**
 * Copies of snapshots, in a region or into another, the account's own or shared with it. Copies across regions of one instance's snapshots go one after another; the others
 * wait with no progress to show. What a copy reads may be deleted under it: then it fails.
 */
import type { Operation, World } from "../world.ts";
import { refuse } from "./errors.ts";
import { snapshotEvent } from "./events.ts";
import { identifier, mergeTags, only, required, tags } from "./input.ts";
import { keyFor, readableUnder } from "./keys.ts";
import type { Rds } from "./lifecycle.ts";
import { toSnapshot } from "./shapes.ts";
import { roomFor, snapshotStatus } from "./snapshots.ts";
import { arnOf, findReadable, isForeign, parseArn, rdsState, regionState, type SnapshotRecord, snapshotByArn } from "./state.ts";

/** Copies from other regions that one region takes at a time. */
const ACROSS_AT_A_TIME = 20;

export function copyOperations(rds: Rds): Record<string, Operation> {
  const { world } = rds;

  return {
    async CopyDBSnapshot(input, caller) {
      const { region } = caller;
      only(
        input,
        "CopyDBSnapshot",
        "SourceDBSnapshotIdentifier",
        "TargetDBSnapshotIdentifier",
        "KmsKeyId",
        "Tags",
        "CopyTags",
        "PreSignedUrl",
        "OptionGroupName",
        "CopyOptionGroup",
      );
      const wanted = required(input, "SourceDBSnapshotIdentifier");
      const from = parseArn(wanted);
      const source = findReadable(world, from?.region ?? region, wanted);
      const foreign = isForeign(world, source);
      const id = identifier(input, "TargetDBSnapshotIdentifier", 255);
      const own = tags(input.Tags);
      const across = source.region !== region;
      if (source.status !== "available")
        throw refuse(
          "InvalidDBSnapshotState",
          `The snapshot ${source.id} cannot be copied: its status is ${source.status}, not available.`,
        );
      if ((across || foreign) && source.kmsKeyId && !input.KmsKeyId)
        throw refuse(
          "InvalidParameterCombination",
          `${source.id} is encrypted: a copy in another ${across ? "region" : "account"} needs the KmsKeyId of a key in ${region}.`,
        );
      await readableUnder(world, caller, source.region, source.kmsKeyId);
      const kmsKeyId = input.KmsKeyId ? await keyFor(world, caller, input.KmsKeyId) : source.kmsKeyId;
      roomFor(world, region, id);
      if (across && underWay(world, region).length >= ACROSS_AT_A_TIME)
        throw refuse("SnapshotQuotaExceeded", `Cannot copy more than ${ACROSS_AT_A_TIME} snapshots across regions`);

      const copy: SnapshotRecord = {
        ...source,
        id,
        arn: arnOf(world, region, "snapshot", id),
        region,
        kmsKeyId,
        type: "manual",
        sharedWith: undefined,
        createdAt: undefined,
        takenSince: undefined,
        tags: input.CopyTags ? mergeTags(source.tags, own) : own,
        sourceRegion: across ? source.region : undefined,
        sourceArn: across || foreign ? source.arn : undefined,
        copy: { from: source.arn, queuedAt: world.now() },
      };
      regionState(world, region).snapshots[id] = copy;
      snapshotStatus(world, copy, across ? "pending" : "creating");
      snapshotEvent(world, copy, across ? "0059" : "0196", source.id);
      if (across) queue(rds, copy);
      else move(rds, copy);
      return { DBSnapshot: toSnapshot(world, copy) };
    },
  };
}

/** Copies from other regions that are not finished, in one region. */
function underWay(world: World, region: string): SnapshotRecord[] {
  return Object.values(regionState(world, region).snapshots).filter((each) => each.copy && each.sourceRegion);
}

/** Gives a copy its place: after the others of the same instance. */
export function queue(rds: Rds, copy: SnapshotRecord): void {
  rds.fleet.work(rds.world.timings.copyQueueMs, `queueing the copy ${copy.id}`, copy.region, async () => next(rds, copy.resourceId));
}

/** Starts the oldest waiting copy of an instance's snapshots, unless one is moving. */
function next(rds: Rds, resourceId: string): void {
  const regions = Object.keys(rdsState(rds.world).regions);
  const same = regions.flatMap((region) => underWay(rds.world, region)).filter((each) => each.resourceId === resourceId);
  if (same.some((each) => each.copy?.startedAt !== undefined)) return;
  const [first] = same.sort((a, b) => (a.copy?.queuedAt ?? 0) - (b.copy?.queuedAt ?? 0));
  if (first) move(rds, first);
}

function move(rds: Rds, copy: SnapshotRecord): void {
  const { world, fleet } = rds;
  const { copy: plan } = copy;
  if (!plan) return;
  const started = world.now();
  plan.startedAt = started;
  if (copy.status !== "creating") snapshotStatus(world, copy, "creating");
  const across = copy.sourceRegion !== undefined;
  const sourceId = parseArn(plan.from)?.id ?? "";
  const source = snapshotByArn(world, plan.from);
  const mustStand = (): void => {
    if (!source || snapshotByArn(world, plan.from) !== source) throw new Error(`its source ${plan.from} was deleted`);
  };
  const run = async (): Promise<void> => {
    mustStand();
    await fleet.copyBackup(source as SnapshotRecord, copy, mustStand);
    await fleet.pause(world.timings.copyMs - (world.now() - started));
    mustStand();
    copy.createdAt = world.now();
    copy.copy = undefined;
    snapshotStatus(world, copy, "available");
    snapshotEvent(world, copy, across ? "0060" : "0197", sourceId);
    if (across) next(rds, copy.resourceId);
  };
  fleet.work(0, `copying the snapshot ${sourceId} to ${copy.id}`, copy.region, run, () => {
    copy.copy = undefined;
    snapshotStatus(world, copy, "failed");
    snapshotEvent(world, copy, across ? "0061" : "0190", sourceId);
    if (across) next(rds, copy.resourceId);
  });
}

/** After a restart of the lab: copies begin again, and a snapshot that was being taken is there whole or lost. */
export function resumeSnapshots(rds: Rds, region: string): void {
  const { world, fleet } = rds;
  for (const snapshot of Object.values(regionState(world, region).snapshots)) {
    if (snapshot.copy) {
      snapshot.copy = { ...snapshot.copy, startedAt: undefined };
      if (snapshot.sourceRegion) queue(rds, snapshot);
      else move(rds, snapshot);
    } else if (snapshot.status === "creating") {
      const whole = fleet.hasSnapshot(snapshot);
      if (whole) snapshot.createdAt = snapshot.originalCreatedAt = snapshot.databaseAt = snapshot.takenSince;
      snapshotStatus(world, snapshot, whole ? "available" : "failed");
    }
  }
}
