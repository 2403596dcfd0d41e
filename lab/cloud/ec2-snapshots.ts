// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * EBS snapshots of volumes, one by one and of a whole instance, from the call to completed or error; what a volume allows at a time.
 * A snapshot holds what was on the disk at the moment of the call; what comes after is upload. Copies are elsewhere.
 */
import { snapshotEvent, snapshotSetEvent } from "./ec2-events.ts";
import { refuse, specifiedTags, withTags } from "./ec2-request.ts";
import {
  computeIn,
  findInstance,
  findSnapshot,
  findVolume,
  type Place,
  type SnapshotRecord,
  type VolumeRecord,
  volumesOf,
} from "./ec2-state.ts";
import type { Ec2Timings } from "./ec2-timings.ts";
import type { Operation, World } from "./world.ts";

const MOST_VOLUMES = 40;
/** Snapshots under way at a time, by the volume's type. */
const underWayLimit = ({ type }: VolumeRecord) => (type === "st1" || type === "sc1" ? 1 : 5);

export function snapshotOperations(world: World, timings: Ec2Timings): Record<string, Operation> {
  return {
    CreateSnapshot(input, caller) {
      const volume = findVolume(world, caller, input.VolumeId);
      const tags = specifiedTags(input, "snapshot");
      mayBeTaken(world, caller, volume, timings);
      const snapshot = take(world, caller, volume, { description: described(input), tags });
      finishLater(world, snapshot);
      return { ...toSnapshot(world, snapshot), Progress: "" };
    },
    CreateSnapshots(input, caller) {
      const { InstanceId, ExcludeBootVolume, ExcludeDataVolumeIds = [] } = input.InstanceSpecification ?? {};
      const instance = findInstance(world, caller, InstanceId);
      const all = volumesOf(world, caller, instance.id);
      const boot = all.find(({ attachment }) => attachment?.device === instance.rootDevice);
      if (ExcludeDataVolumeIds.length > MOST_VOLUMES)
        throw refuse(
          "InvalidParameterValue",
          `ExcludeDataVolumeIds names ${ExcludeDataVolumeIds.length} volumes: it can have at most ${MOST_VOLUMES}.`,
        );
      for (const id of ExcludeDataVolumeIds)
        if (findVolume(world, caller, id).attachment?.instanceId !== instance.id || id === boot?.id)
          throw refuse("InvalidParameterValue", `ExcludeDataVolumeIds names ${id}, which is not a data volume of ${instance.id}.`);
      const volumes = all.filter((each) => !ExcludeDataVolumeIds.includes(each.id) && !(ExcludeBootVolume && each === boot));
      if (volumes.length === 0)
        throw refuse("InvalidParameterValue", `No volume of ${instance.id} is left to take a snapshot of: do not exclude all.`);
      if (volumes.length > MOST_VOLUMES)
        throw refuse(
          "InvalidParameterValue",
          `${instance.id} has ${volumes.length} volumes to take snapshots of: at most ${MOST_VOLUMES} at once. Exclude some.`,
        );
      if (input.CopyTagsFromSource !== undefined && input.CopyTagsFromSource !== "volume")
        throw refuse(
          "InvalidParameterValue",
          `Value (${input.CopyTagsFromSource}) for parameter copyTagsFromSource is invalid. Expected: 'volume'.`,
        );
      const own = specifiedTags(input, "snapshot");
      for (const volume of volumes) mayBeTaken(world, caller, volume, timings);
      const set = world.id(17);
      const snapshots = volumes.map((volume) => {
        const tags = withTags(input.CopyTagsFromSource ? volume.tags.filter(({ Key }) => !Key.startsWith("aws:")) : [], own);
        return take(world, caller, volume, { description: described(input), tags, set });
      });
      world.later(world.timings.snapshotMs, `snapshots of ${instance.id}`, () => finishSet(world, snapshots));
      return { Snapshots: snapshots.map((each) => ({ ...toSnapshot(world, each), Progress: "" })) };
    },
    DeleteSnapshot(input, caller) {
      const { snapshots, images } = computeIn(world, caller);
      const snapshot = findSnapshot(world, caller, input.SnapshotId);
      const user = Object.values(images).find(({ disks }) => disks.some(({ snapshotId }) => snapshotId === snapshot.id));
      if (user) throw refuse("InvalidSnapshot.InUse", `The snapshot ${snapshot.id} is currently in use by ${user.id}`);
      delete snapshots[snapshot.id];
      told(world, snapshot, "is deleted");
      return {};
    },
  };
}

function described({ Description = "" }: any): string {
  if (Description.length > 255)
    throw refuse("InvalidParameterValue", `Value (${Description}) for parameter description is invalid. It exceeds 255 characters`);
  return Description;
}

/** The two limits of one volume: how many are under way, and how soon after another. */
export function mayBeTaken(world: World, place: Place, volume: VolumeRecord, timings: Ec2Timings): void {
  if (volume.state === "creating") throw refuse("IncorrectState", `Volume '${volume.id}' is 'creating'.`);
  const underWay = Object.values(computeIn(world, place).snapshots).filter(
    (each) => each.volumeId === volume.id && each.state === "pending",
  );
  if (underWay.length >= underWayLimit(volume))
    throw refuse("ConcurrentSnapshotLimitExceeded", "Maximum allowed in-progress snapshots for a single volume exceeded.");
  if (underWay.some(({ startedAt }) => world.now() - startedAt < timings.snapshotIntervalMs))
    throw refuse(
      "SnapshotCreationPerVolumeRateExceeded",
      "The maximum per volume CreateSnapshot request rate has been exceeded. Use an increasing or variable sleep interval between requests.",
    );
}

/** A snapshot under way, with what the disk holds now. */
export function take(
  world: World,
  { account, region }: Place,
  volume: VolumeRecord,
  more: Pick<SnapshotRecord, "description" | "tags" | "set">,
): SnapshotRecord {
  const id = `snap-0${world.id(16)}`;
  const snapshot: SnapshotRecord = {
    id,
    arn: `arn:aws:ec2:${region}::snapshot/${id}`,
    owner: account,
    region,
    volumeId: volume.id,
    lineage: volume.id,
    sizeGiB: volume.sizeGiB,
    startedAt: world.now(),
    takesMs: world.timings.snapshotMs,
    content: volume.content,
    kmsKeyArn: volume.kmsKeyArn,
    state: "pending",
    sharedWith: [],
    ...more,
  };
  computeIn(world, { account, region }).snapshots[id] = snapshot;
  told(world, snapshot, `of ${volume.id} is under way`);
  return snapshot;
}

/** When its time has passed, the snapshot is completed, or in error when its volume fails. `then` hears of the end. */
export function finishLater(world: World, snapshot: SnapshotRecord, then: () => void = () => {}): void {
  world.later(snapshot.startedAt + snapshot.takesMs - world.now(), `the snapshot ${snapshot.id}`, () => {
    if (!stands(world, snapshot)) return then();
    const broken = isFailing(world, snapshot);
    settle(world, snapshot, broken ? "An internal error occurred while the snapshot was being taken." : undefined);
    snapshotEvent(world, snapshot, broken ? `The volume ${snapshot.volumeId} could not be read.` : "");
    then();
  });
}

/** All of a set, or none. */
export function finishSet(world: World, snapshots: readonly SnapshotRecord[]): void {
  const left = snapshots.filter((each) => stands(world, each));
  const broken = left.find((each) => isFailing(world, each));
  for (const snapshot of left) settle(world, snapshot, broken ? `Another snapshot of its set failed: ${broken.id}.` : undefined);
  snapshotSetEvent(world, left, broken ? `Snapshot ${broken.id} is in status error` : "");
}

function isFailing(world: World, { owner, region, volumeId }: SnapshotRecord): boolean {
  return computeIn(world, { account: owner, region }).volumes[volumeId]?.failing === true;
}

/** Whether it is still under way: it may have been deleted. */
export function stands(world: World, { owner, region, id }: SnapshotRecord): boolean {
  return computeIn(world, { account: owner, region }).snapshots[id]?.state === "pending";
}

export function settle(world: World, snapshot: SnapshotRecord, failure?: string): void {
  snapshot.state = failure ? "error" : "completed";
  snapshot.stateMessage = failure;
  snapshot.completedAt = world.now();
  told(world, snapshot, failure ? `failed: ${failure}` : "is completed");
}

export function told(world: World, { id, region, arn }: SnapshotRecord, what: string): void {
  world.tell({ kind: "state", region, service: "ec2", what: `the snapshot ${id} ${what}`, detail: { arn } });
}

/** As text with a per cent sign; "0%" where nothing was taken. */
export function progressOf(world: World, { state, startedAt, takesMs }: SnapshotRecord): string {
  if (state !== "pending") return state === "completed" ? "100%" : "0%";
  return `${Math.min(99, Math.floor((100 * (world.now() - startedAt)) / Math.max(1, takesMs)))}%`;
}

export function toSnapshot(world: World, snapshot: SnapshotRecord): any {
  return {
    SnapshotId: snapshot.id,
    VolumeId: snapshot.volumeId,
    State: snapshot.state,
    StateMessage: snapshot.stateMessage,
    StartTime: new Date(snapshot.startedAt),
    CompletionTime: snapshot.state === "completed" && snapshot.completedAt !== undefined ? new Date(snapshot.completedAt) : undefined,
    Progress: progressOf(world, snapshot),
    OwnerId: snapshot.owner,
    Description: snapshot.description,
    VolumeSize: snapshot.sizeGiB,
    Encrypted: snapshot.kmsKeyArn !== undefined,
    KmsKeyId: snapshot.kmsKeyArn,
    StorageTier: "standard",
    TransferType: snapshot.copy ? (snapshot.copy.durationMinutes ? "time-based" : "standard") : undefined,
    CompletionDurationMinutes: snapshot.copy?.durationMinutes,
    Tags: snapshot.tags.length > 0 ? snapshot.tags : undefined,
  };
}
