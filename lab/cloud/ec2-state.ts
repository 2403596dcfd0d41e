/**
 * EC2's instances, volumes, snapshots and images by account and region, and how they are found. A volume's content is one short text:
 * enough to see what a snapshot, a copy or a restored volume holds. Changes nothing.
 */
import { idOf, refuse, type Tag } from "./ec2-request.ts";
import type { Caller, World } from "./world.ts";

export interface InstanceRecord {
  readonly id: string;
  readonly reservationId: string;
  readonly imageId: string;
  readonly type: string;
  readonly zone: string;
  readonly subnetId: string;
  readonly vpcId: string;
  readonly privateIp: string;
  readonly securityGroupIds: readonly string[];
  readonly rootDevice: string;
  /** Of its instance profile, where it was given by its ARN. */
  readonly profileArn?: string;
  state: "pending" | "running" | "stopping" | "stopped" | "shutting-down" | "terminated";
  changedAt: number;
  /** Of the last start. */
  launchedAt: number;
  /** Of the last start or reboot: an image taken without NoReboot moves it. */
  bootedAt: number;
  reason?: { readonly Code: string; readonly Message: string };
  tags: Tag[];
}

export interface VolumeRecord {
  readonly id: string;
  readonly sizeGiB: number;
  readonly type: string;
  readonly zone: string;
  readonly createdAt: number;
  readonly snapshotId: string;
  readonly kmsKeyArn?: string;
  readonly iops?: number;
  readonly throughput?: number;
  state: "creating" | "available" | "in-use";
  /** What is on the disk. */
  content: string;
  /** What the instance has written and not yet flushed: a snapshot does not see it. */
  unflushed?: string;
  /** Snapshots of it end in error, as of a volume whose hardware fails. */
  failing?: boolean;
  attachment?: { instanceId: string; device: string; at: number; deleteOnTermination: boolean };
  tags: Tag[];
}

export interface SnapshotRecord {
  readonly id: string;
  readonly arn: string;
  readonly owner: string;
  readonly region: string;
  /** vol-ffffffff for a copy. */
  readonly volumeId: string;
  /** The volume at the beginning of the line, over all copies: what increments are counted from. */
  readonly lineage: string;
  readonly sizeGiB: number;
  readonly description: string;
  readonly startedAt: number;
  readonly takesMs: number;
  readonly content: string;
  readonly copy?: {
    readonly fromRegion: string;
    readonly fromId: string;
    readonly incremental: boolean;
    readonly durationMinutes?: number;
    /** Who asked for it may not use a key it needs. */
    readonly closed: boolean;
  };
  /** The CreateSnapshots call it belongs to: they stand or fall together. */
  readonly set?: string;
  kmsKeyArn?: string;
  state: "pending" | "completed" | "error";
  stateMessage?: string;
  completedAt?: number;
  /** Account ids, or `all`. */
  sharedWith: string[];
  tags: Tag[];
}

export interface ImageRecord {
  readonly id: string;
  readonly name: string;
  readonly owner: string;
  readonly description: string;
  readonly createdAt: number;
  readonly rootDevice: string;
  readonly sourceInstanceId?: string;
  readonly disks: readonly {
    readonly device: string;
    readonly snapshotId: string;
    readonly sizeGiB: number;
    readonly volumeType: string;
    readonly deleteOnTermination: boolean;
  }[];
  readonly public: boolean;
  state: "pending" | "available" | "failed";
  tags: Tag[];
}

export interface Ec2Region {
  instances: Record<string, InstanceRecord>;
  volumes: Record<string, VolumeRecord>;
  snapshots: Record<string, SnapshotRecord>;
  images: Record<string, ImageRecord>;
  tokens: Record<string, { request: string; id: string }>;
  /** Zones that have no capacity left for new instances. */
  exhausted?: string[];
}

/** The account whose image every region offers, as Amazon's. */
export const AMAZON = "137112412989";

export type Place = Pick<Caller, "account" | "region">;

type Accounts = Record<string, Record<string, Ec2Region>>;

export function allAccounts(world: World): Accounts {
  return world.state<{ accounts: Accounts }>("ec2-compute", () => ({ accounts: {} })).accounts;
}

export function computeIn(world: World, { account, region }: Place): Ec2Region {
  const accounts = allAccounts(world);
  accounts[account] ??= {};
  accounts[account][region] ??= { instances: {}, volumes: {}, snapshots: {}, images: {}, tokens: {} };
  return accounts[account][region];
}

export function findInstance(world: World, place: Place, id: unknown): InstanceRecord {
  const found = computeIn(world, place).instances[idOf("i", id, "instanceId")];
  if (!found) throw refuse("InvalidInstanceID.NotFound", `The instance ID '${id}' does not exist`);
  return found;
}

export function findVolume(world: World, place: Place, id: unknown): VolumeRecord {
  const found = computeIn(world, place).volumes[idOf("vol", id, "volumeId")];
  if (!found) throw refuse("InvalidVolume.NotFound", `The volume '${id}' does not exist.`);
  return found;
}

/** The account's own. */
export function findSnapshot(world: World, place: Place, id: unknown): SnapshotRecord {
  const found = computeIn(world, place).snapshots[idOf("snap", id, "snapshotId")];
  if (!found) throw refuse("InvalidSnapshot.NotFound", `The snapshot '${id}' does not exist.`);
  return found;
}

/** The account's own, what is shared with it, and what is public: what it may restore from. */
export function restorableSnapshots(world: World, { account, region }: Place): SnapshotRecord[] {
  return Object.values(allAccounts(world))
    .flatMap((regions) => Object.values(regions[region]?.snapshots ?? {}))
    .filter(({ owner, sharedWith }) => owner === account || sharedWith.includes(account) || sharedWith.includes("all"));
}

export function restorableSnapshot(world: World, place: Place, id: unknown, parameter = "snapshotId"): SnapshotRecord {
  const wanted = idOf("snap", id, parameter);
  const found = restorableSnapshots(world, place).find((each) => each.id === wanted);
  if (!found) throw refuse("InvalidSnapshot.NotFound", `The snapshot '${id}' does not exist.`);
  if (found.state !== "completed") throw refuse("IncorrectState", `Snapshot '${id}' is not 'completed'.`);
  return found;
}

export function volumesOf(world: World, place: Place, instanceId: string): VolumeRecord[] {
  return Object.values(computeIn(world, place).volumes).filter(({ attachment }) => attachment?.instanceId === instanceId);
}

export function zonesOf(region: string): string[] {
  return ["a", "b", "c"].map((letter) => `${region}${letter}`);
}

/** `euc1-az1` for `eu-central-1a`, `apse1-az2` for `ap-southeast-1b`. */
export function zoneId(zone: string): string {
  const [area = "", side = "", rest = ""] = zone.split("-");
  const sides: Record<string, string> = { northeast: "ne", southeast: "se" };
  return `${area}${sides[side] ?? side.charAt(0)}${rest.slice(0, -1)}-az${zonesOf(zone.slice(0, -1)).indexOf(zone) + 1}`;
}
