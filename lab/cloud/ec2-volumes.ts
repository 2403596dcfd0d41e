// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * EBS volumes: made empty or from a snapshot, attached and detached, deleted. Their size cannot be changed and nothing is really stored:
 * a volume holds one short text.
 */
import { volumeEvent } from "./ec2-events.ts";
import { matching, once, paged, refuse, specifiedTags } from "./ec2-request.ts";
import { computeIn, findInstance, findVolume, type Place, restorableSnapshot, type VolumeRecord, zonesOf } from "./ec2-state.ts";
import type { Ec2Timings } from "./ec2-timings.ts";
import { keyUsable } from "./kms-keys.ts";
import type { Operation, World } from "./world.ts";

const TYPES = ["standard", "gp2", "gp3", "io1", "io2", "st1", "sc1"];

export function volumeOperations(world: World, timings: Ec2Timings): Record<string, Operation> {
  return {
    CreateVolume(input, caller) {
      const id = once(computeIn(world, caller).tokens, "CreateVolume", input, () => {
        const zone = input.AvailabilityZone;
        if (!zone) throw refuse("MissingParameter", "The request must contain the parameter zone");
        if (!zonesOf(caller.region).includes(zone)) throw refuse("InvalidZone.NotFound", `The zone '${zone}' does not exist.`);
        const volume = newVolume(world, caller, { ...input, zone, tags: specifiedTags(input, "volume") });
        world.later(timings.volumeMs, `making the volume ${volume.id}`, () => ready(world, caller, volume));
        return volume.id;
      });
      return toVolume(findVolume(world, caller, id));
    },
    DescribeVolumes(input, caller) {
      const { volumes } = computeIn(world, caller);
      for (const id of input.VolumeIds ?? []) findVolume(world, caller, id);
      const found = Object.values(volumes)
        .filter((volume) => !input.VolumeIds?.length || input.VolumeIds.includes(volume.id))
        .filter(matching<VolumeRecord>(input.Filters, FILTERS));
      const { page, NextToken } = paged(found, input, "volumeSet", input.VolumeIds);
      return { Volumes: page.map(toVolume), NextToken };
    },
    AttachVolume(input, caller) {
      const volume = findVolume(world, caller, input.VolumeId);
      const instance = findInstance(world, caller, input.InstanceId);
      const { Device } = input;
      if (volume.attachment) throw refuse("VolumeInUse", `${volume.id} is already attached to an instance`);
      if (volume.state !== "available") throw refuse("IncorrectState", `Volume '${volume.id}' is not 'available'.`);
      if (instance.zone !== volume.zone)
        throw refuse(
          "InvalidVolume.ZoneMismatch",
          `The volume '${volume.id}' is not in the same availability zone as instance '${instance.id}'`,
        );
      if (instance.state !== "running" && instance.state !== "stopped")
        throw refuse("IncorrectState", `Instance '${instance.id}' is not 'running'.`);
      const taken = Object.values(computeIn(world, caller).volumes).some(
        ({ attachment }) => attachment?.instanceId === instance.id && attachment.device === Device,
      );
      if (taken)
        throw refuse("InvalidParameterValue", `Invalid value '${Device}' for unixDevice. Attachment point ${Device} is already in use`);
      attach(volume, instance.id, Device, world.now(), false);
      return { ...toAttachment(volume), State: "attaching" };
    },
    DetachVolume(input, caller) {
      const volume = findVolume(world, caller, input.VolumeId);
      if (!volume.attachment || (input.InstanceId && input.InstanceId !== volume.attachment.instanceId))
        throw refuse("IncorrectState", `Volume '${volume.id}' is in the 'available' state.`);
      const instance = findInstance(world, caller, volume.attachment.instanceId);
      if (volume.attachment.device === instance.rootDevice && instance.state !== "stopped")
        throw refuse("OperationNotPermitted", `Unable to detach root volume '${volume.id}' from instance '${instance.id}'`);
      const was = { ...toAttachment(volume), State: "detaching" };
      detach(volume);
      return was;
    },
    DeleteVolume(input, caller) {
      const volume = findVolume(world, caller, input.VolumeId);
      if (volume.attachment) throw refuse("VolumeInUse", `Volume ${volume.id} is currently attached to ${volume.attachment.instanceId}`);
      remove(world, caller, volume);
      return {};
    },
    /** Lab-internal: what an application writes. `flushed: false` leaves it in the instance's memory until it stops or reboots. */
    LabWriteVolume(input, caller) {
      const volume = findVolume(world, caller, input.VolumeId);
      if (input.flushed === false) volume.unflushed = String(input.content);
      else Object.assign(volume, { content: String(input.content), unflushed: undefined });
      return { content: volume.content };
    },
    /** Lab-internal: what is on the disk. */
    LabReadVolume: (input, caller) => ({ content: findVolume(world, caller, input.VolumeId).content }),
    /** Lab-internal: from now on snapshots of the volume end in error, until it is mended with `failing: false`. */
    LabFailVolume(input, caller) {
      findVolume(world, caller, input.VolumeId).failing = input.failing !== false;
    },
  };
}

export interface VolumeWish {
  readonly zone: string;
  readonly Size?: number;
  readonly SnapshotId?: string;
  readonly VolumeType?: string;
  readonly Iops?: number;
  readonly Throughput?: number;
  readonly Encrypted?: boolean;
  readonly KmsKeyId?: string;
  readonly tags: VolumeRecord["tags"];
}

/** A volume that is being made. A key that cannot be used fails it later, and then it is gone, as on AWS. */
export function newVolume(world: World, place: Place, wish: VolumeWish): VolumeRecord {
  const type = wish.VolumeType ?? "gp2";
  if (!TYPES.includes(type))
    throw refuse("InvalidParameterValue", `Value (${type}) for parameter volumeType is invalid. Expected one of ${TYPES.join(", ")}.`);
  const source = wish.SnapshotId ? restorableSnapshot(world, place, wish.SnapshotId) : undefined;
  const sizeGiB = wish.Size ?? source?.sizeGiB;
  if (sizeGiB === undefined) throw refuse("MissingParameter", "The request must contain the parameter size/snapshot");
  if (source && sizeGiB < source.sizeGiB)
    throw refuse(
      "InvalidParameterValue",
      `Volume of size ${sizeGiB}GB is smaller than snapshot '${source.id}', expect size >= ${source.sizeGiB}GB`,
    );
  if (!Number.isInteger(sizeGiB) || sizeGiB < 1 || sizeGiB > 65_536)
    throw refuse("InvalidParameterValue", `Volume of ${sizeGiB}GiB is invalid for volume type ${type}; expected 1 to 65536.`);
  if ((type === "io1" || type === "io2") && !wish.Iops)
    throw refuse("InvalidParameterCombination", `The parameter iops must be specified for ${type} volumes.`);
  const id = `vol-0${world.id(16)}`;
  const volume: VolumeRecord = {
    id,
    sizeGiB,
    type,
    zone: wish.zone,
    createdAt: world.now(),
    snapshotId: source?.id ?? "",
    kmsKeyArn: keyFor(world, place, wish, source?.kmsKeyArn),
    iops: wish.Iops ?? (type === "gp3" ? 3000 : type === "gp2" ? Math.max(100, 3 * sizeGiB) : undefined),
    throughput: wish.Throughput ?? (type === "gp3" ? 125 : undefined),
    state: "creating",
    content: source?.content ?? `empty ${id}`,
    tags: wish.tags,
  };
  computeIn(world, place).volumes[id] = volume;
  return volume;
}

/**
 * The ARN of the key that something new is encrypted with, if with any: the one asked for, that of its source, or the region's own for EBS.
 * A key that does not exist keeps the name it was asked for by: EBS looks at keys later, when it uses them.
 */
export function keyFor(
  world: World,
  { account, region }: Place,
  wish: { Encrypted?: boolean; KmsKeyId?: string },
  inherited?: string,
): string | undefined {
  if (wish.KmsKeyId && !wish.Encrypted && !inherited)
    throw refuse("InvalidParameterDependency", "The parameter KmsKeyId requires the parameter Encrypted to be set.");
  if (!wish.Encrypted && !inherited) return undefined;
  const given = wish.KmsKeyId ?? inherited ?? "alias/aws/ebs";
  const key = keyUsable(world, region, given, account);
  return key.usable ? key.arn : given;
}

/** The volume is there, or its key cannot be used and it goes away. */
export function ready(world: World, place: Place, volume: VolumeRecord): void {
  if (volume.state !== "creating" || !computeIn(world, place).volumes[volume.id]) return;
  const key = volume.kmsKeyArn ? keyUsable(world, place.region, volume.kmsKeyArn, place.account) : undefined;
  if (key && !key.usable) {
    delete computeIn(world, place).volumes[volume.id];
    volumeEvent(world, place, volume.id, "createVolume", "failed", key.reason);
    return;
  }
  volume.state = volume.attachment ? "in-use" : "available";
  volumeEvent(world, place, volume.id, "createVolume", "available");
}

export function attach(volume: VolumeRecord, instanceId: string, device: string, at: number, deleteOnTermination: boolean): void {
  volume.attachment = { instanceId, device, at, deleteOnTermination };
  volume.state = "in-use";
}

export function detach(volume: VolumeRecord): void {
  flush(volume);
  volume.attachment = undefined;
  volume.state = "available";
}

/** What sat in memory is on the disk: an orderly stop, reboot or unmount. */
export function flush(volume: VolumeRecord): void {
  volume.content = volume.unflushed ?? volume.content;
  volume.unflushed = undefined;
}

export function remove(world: World, place: Place, volume: VolumeRecord): void {
  delete computeIn(world, place).volumes[volume.id];
  volumeEvent(world, place, volume.id, "deleteVolume", "deleted");
}

const FILTERS = {
  "volume-id": ({ id }: VolumeRecord) => id,
  "availability-zone": ({ zone }: VolumeRecord) => zone,
  "attachment.instance-id": ({ attachment }: VolumeRecord) => attachment?.instanceId,
  "attachment.device": ({ attachment }: VolumeRecord) => attachment?.device,
  "attachment.delete-on-termination": ({ attachment }: VolumeRecord) => attachment && String(attachment.deleteOnTermination),
  encrypted: ({ kmsKeyArn }: VolumeRecord) => String(kmsKeyArn !== undefined),
  size: ({ sizeGiB }: VolumeRecord) => String(sizeGiB),
  "snapshot-id": ({ snapshotId }: VolumeRecord) => snapshotId,
  status: ({ state }: VolumeRecord) => state,
  "volume-type": ({ type }: VolumeRecord) => type,
};

function toAttachment({ id, attachment }: VolumeRecord): any {
  if (!attachment) return undefined;
  const { instanceId, device, at, deleteOnTermination } = attachment;
  return {
    VolumeId: id,
    InstanceId: instanceId,
    Device: device,
    State: "attached",
    AttachTime: new Date(at),
    DeleteOnTermination: deleteOnTermination,
  };
}

export function toVolume(volume: VolumeRecord): any {
  return {
    VolumeId: volume.id,
    Size: volume.sizeGiB,
    SnapshotId: volume.snapshotId,
    AvailabilityZone: volume.zone,
    State: volume.state,
    CreateTime: new Date(volume.createdAt),
    VolumeType: volume.type,
    Iops: volume.iops,
    Throughput: volume.throughput,
    Encrypted: volume.kmsKeyArn !== undefined,
    KmsKeyId: volume.kmsKeyArn,
    MultiAttachEnabled: false,
    Attachments: volume.attachment ? [toAttachment(volume)] : [],
    Tags: volume.tags.length > 0 ? volume.tags : undefined,
  };
}
