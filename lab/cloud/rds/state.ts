/**
 * What RDS remembers, as plain JSON, by region: it outlives the lab's process. Looks things up and names them.
 * The processes behind the records live in fleet.ts.
 */
import { createHash } from "node:crypto";
import type { World } from "../world.ts";
import type { ClusterRecord, ClusterSnapshotRecord, GlobalRecord } from "./cluster-records.ts";
import { refuse } from "./errors.ts";
import type { FlavourName } from "./flavours.ts";

export interface Tag {
  Key: string;
  Value: string;
}

export interface InstanceRecord {
  id: string;
  arn: string;
  region: string;
  resourceId: string;
  status: string;
  createdAt: number;
  engine: FlavourName;
  engineVersion: string;
  instanceClass: string;
  storageGb: number;
  storageType: string;
  kmsKeyId?: string;
  masterUser: string;
  dbName?: string;
  port: number;
  zone: string;
  /** The zone of its synchronous standby: there on a Multi-AZ instance alone. */
  secondZone?: string;
  /** A failover between its zones is under way. */
  failingOver?: true;
  failedOverAt?: number;
  retentionDays: number;
  backupWindow: string;
  maintenanceWindow: string;
  groups: { id: string; status: "adding" | "active" | "removing" }[];
  parameterGroup: { name: string; status: "in-sync" | "applying" | "pending-reboot" };
  /** Settings the engine was last given: a group's values reach it at once or at a reboot. */
  settings: Record<string, string>;
  pending: { DBInstanceClass?: string; AllocatedStorage?: number; BackupRetentionPeriod?: number; MultiAZ?: boolean };
  deletionProtection: boolean;
  copyTagsToSnapshot: boolean;
  publiclyAccessible: boolean;
  tags: Tag[];
  /** The DB cluster it is a member of. */
  cluster?: string;
  promotionTier?: number;
  /** Where its data is: a member's folder changes with a failover. Its own identifier, where it is no member. */
  folder?: string;
  /** ARN of the instance it replicates from. */
  source?: string;
  /** "stopped" by a fault, "terminated" when the source was deleted. */
  replication?: "stopped" | "terminated";
  /** ARNs of its replicas. */
  replicas: string[];
  /** A promotion under way, and what the instance will keep of it. */
  promoting?: { retentionDays: number; backupWindow?: string };
  /** Its loopback address; absent while it is first created, as its endpoint is on AWS. */
  address?: string;
  /** Whether its data folder is whole. */
  hasData: boolean;
  fault?: { kind: "killed" | "hung"; at: number };
  partitions: { clients?: boolean; replica?: boolean };
}

export interface SnapshotRecord {
  id: string;
  arn: string;
  region: string;
  status: string;
  type: "manual" | "automated";
  /** Accounts that may copy and restore it, or `all`. */
  sharedWith?: string[];
  instanceId: string;
  resourceId: string;
  instanceCreatedAt: number;
  engine: FlavourName;
  engineVersion: string;
  storageGb: number;
  storageType: string;
  kmsKeyId?: string;
  masterUser: string;
  dbName?: string;
  port: number;
  zone: string;
  retentionDays: number;
  backupWindow: string;
  /** When this snapshot, or this copy, was made; for a copy, AWS rewrites it. */
  createdAt?: number;
  originalCreatedAt?: number;
  /** The last transaction it holds. */
  databaseAt?: number;
  tags: Tag[];
  sourceRegion?: string;
  sourceArn?: string;
  /** A copy under way: queued, then moving since `startedAt`. */
  copy?: { from: string; queuedAt: number; startedAt?: number };
  /** A snapshot being taken since then. */
  takenSince?: number;
}

export interface ParameterGroupRecord {
  name: string;
  arn: string;
  region: string;
  family: string;
  description: string;
  tags: Tag[];
  values: Record<string, { value: string; method: "immediate" | "pending-reboot" }>;
}

export interface EventRecord {
  at: number;
  eventId: string;
  sourceType: "db-instance" | "db-snapshot" | "db-cluster" | "db-cluster-snapshot";
  sourceId: string;
  sourceArn: string;
  categories: string[];
  message: string;
}

export interface RegionState {
  instances: Record<string, InstanceRecord>;
  snapshots: Record<string, SnapshotRecord>;
  parameterGroups: Record<string, ParameterGroupRecord>;
  clusters: Record<string, ClusterRecord>;
  clusterSnapshots: Record<string, ClusterSnapshotRecord>;
  events: EventRecord[];
}

export interface RdsState {
  regions: Record<string, RegionState>;
  globals: Record<string, GlobalRecord>;
}

export function rdsState(world: World): RdsState {
  const state = world.state<RdsState>("rds", () => ({ regions: {}, globals: {} }));
  // A lab's state from before there were clusters has no place for them.
  state.globals ??= {};
  return state;
}

export function regionState(world: World, region: string): RegionState {
  const { regions } = rdsState(world);
  regions[region] ??= { instances: {}, snapshots: {}, parameterGroups: {}, clusters: {}, clusterSnapshots: {}, events: [] };
  regions[region].clusters ??= {};
  regions[region].clusterSnapshots ??= {};
  return regions[region];
}

export type Kind = "db" | "snapshot" | "pg" | "subgrp" | "cluster" | "cluster-snapshot";

export function arnOf(world: World, region: string, kind: Kind, id: string): string {
  return `arn:aws:rds:${region}:${world.account}:${kind}:${id}`;
}

/** Splits an RDS ARN; undefined for anything else. The identifier may hold colons (automated snapshots do). */
export function parseArn(text: string): { region: string; account: string; kind: string; id: string } | undefined {
  const [arn, , service, region, account, kind, ...id] = text.split(":");
  if (arn !== "arn" || service !== "rds" || !region || !account || !kind || id.length === 0) return undefined;
  return { region, account, kind, id: id.join(":").toLowerCase() };
}

/** The instance an identifier or ARN names, in `region`; an ARN of another region finds nothing, as the endpoint of a region would not. */
export function findInstance(world: World, region: string, idOrArn: string): InstanceRecord {
  const arn = parseArn(idOrArn);
  const id = arn ? arn.id : idOrArn.toLowerCase();
  const found = !arn || (arn.kind === "db" && arn.region === region) ? regionState(world, region).instances[id] : undefined;
  if (!found) throw refuse("DBInstanceNotFound", `DBInstance ${id} not found.`);
  return found;
}

/** The account's own snapshot. */
export function findSnapshot(world: World, region: string, idOrArn: string): SnapshotRecord {
  const arn = parseArn(idOrArn);
  const id = arn ? arn.id : idOrArn.toLowerCase();
  const here = !arn || (arn.kind === "snapshot" && arn.region === region && ownerOf(world, arn) === world);
  const found = here ? regionState(world, region).snapshots[id] : undefined;
  if (!found) throw refuse("DBSnapshotNotFound", `DBSnapshot ${id} not found.`);
  return found;
}

/** A snapshot to copy or to restore: the account's own, or another's that it shares, which is named by its ARN. */
export function findReadable(world: World, region: string, idOrArn: string): SnapshotRecord {
  const arn = parseArn(idOrArn);
  if (!arn || arn.account === world.account || arn.kind !== "snapshot") return findSnapshot(world, region, idOrArn);
  const found = arn.region === region ? snapshotByArn(world, idOrArn) : undefined;
  if (!found || !isSharedWith(found, world.account)) throw refuse("DBSnapshotNotFound", `DBSnapshot ${idOrArn} not found.`);
  return found;
}

export function isSharedWith({ sharedWith = [] }: SnapshotRecord, account: string): boolean {
  return sharedWith.includes(account) || sharedWith.includes("all");
}

export function isForeign(world: World, record: { arn: string }): boolean {
  return parseArn(record.arn)?.account !== world.account;
}

/** The world of the account an ARN names, if there is one. */
function ownerOf(world: World, arn: { account: string }): World | undefined {
  return arn.account === world.account ? world : world.accounts.get(arn.account);
}

/** The snapshot with this ARN in any account and region, if it still exists. */
export function snapshotByArn(world: World, arn: string): SnapshotRecord | undefined {
  const parsed = parseArn(arn);
  const owner = parsed && ownerOf(world, parsed);
  return owner && rdsState(owner).regions[parsed.region]?.snapshots[parsed.id];
}

/** The instance with this ARN in any region, if it still exists. */
export function instanceByArn(world: World, arn: string): InstanceRecord | undefined {
  const parsed = parseArn(arn);
  return parsed && rdsState(world).regions[parsed.region]?.instances[parsed.id];
}

/** Hex digits that depend on `parts` alone. */
export function hex(length: number, ...parts: string[]): string {
  return createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, length);
}

/** Letters and digits that depend on `parts` alone. */
export function digest(length: number, ...parts: string[]): string {
  return BigInt(`0x${hex(64, ...parts)}`)
    .toString(36)
    .slice(0, length);
}

/** `<id>.<twelve characters of account and region>.<region>.rds.amazonaws.com` */
export function endpointName(world: World, record: { id: string; region: string }): string {
  return `${record.id}.c${digest(11, world.account, record.region)}.${record.region}.rds.amazonaws.com`;
}
