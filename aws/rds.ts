/** RDS instances and snapshots, in the words of `core/facts.ts`. Nothing decides here. */
import {
  CopyDBSnapshotCommand,
  CreateDBInstanceReadReplicaCommand,
  CreateDBSnapshotCommand,
  type DBInstance,
  type DBSnapshot,
  DescribeDBInstancesCommand,
  DescribeDBSnapshotsCommand,
  ModifyDBInstanceCommand,
  ModifyDBParameterGroupCommand,
  PromoteReadReplicaCommand,
  RDSClient,
  RebootDBInstanceCommand,
  ResetDBParameterGroupCommand,
  StartDBInstanceCommand,
  StopDBInstanceCommand,
} from "@aws-sdk/client-rds";
import type { InstanceFacts } from "../core/facts.ts";
import { CLIENT_SETTINGS, LOOK_SETTINGS, perRegion, placeName, type Where } from "./clients.ts";
import { isCode } from "./errors.ts";
import { pagesOf } from "./gently.ts";
import { tagList } from "./tags.ts";

const rds = perRegion<RDSClient, Where>((region, leave) => new RDSClient({ region, ...CLIENT_SETTINGS, ...leave }));
const looks = perRegion((region) => new RDSClient({ region, ...LOOK_SETTINGS }));

/** null when RDS knows no such instance. `quickly`: a region that says nothing is given up after a few seconds. */
export async function describeInstance(region: string, id: string, quickly = false): Promise<InstanceFacts | null> {
  try {
    const { DBInstances } = await (quickly ? looks : rds)(region).send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }));
    const found = DBInstances?.[0];
    return found ? instanceFacts(found) : null;
  } catch (error) {
    if (isCode(error, "DBInstanceNotFound")) return null;
    throw error;
  }
}

function instanceFacts(instance: DBInstance): InstanceFacts {
  return {
    id: instance.DBInstanceIdentifier ?? "",
    status: instance.DBInstanceStatus ?? "unknown",
    engineVersion: instance.EngineVersion ?? "",
    // An ARN when the source is in another region, a bare id otherwise (aws-sdk: DBInstance.ReadReplicaSourceDBInstanceIdentifier).
    sourceId: instance.ReadReplicaSourceDBInstanceIdentifier?.split(":").at(-1) ?? null,
    // A group on its way out still admits traffic; one on its way in may not be in force yet. Both are named, with their state.
    securityGroups: (instance.VpcSecurityGroups ?? []).map((group) => `${group.VpcSecurityGroupId}:${group.Status}`),
    address: instance.Endpoint?.Address ?? null,
    port: instance.Endpoint?.Port ?? null,
    ...(instance.MultiAZ ? { native: { kind: "multi-az", at: instance.AvailabilityZone ?? null } } : {}),
  };
}

/** Replaces the instance's security groups, at once. */
export async function setSecurityGroups(region: string, id: string, groups: readonly string[]): Promise<void> {
  await rds(region).send(
    new ModifyDBInstanceCommand({ DBInstanceIdentifier: id, VpcSecurityGroupIds: [...groups], ApplyImmediately: true }),
  );
}

/** Returns the status RDS describes it with from then on. "into the other zone" fails a Multi-AZ instance over. */
export async function reboot(region: string, id: string, where: "where it is" | "into the other zone" = "where it is"): Promise<string> {
  const { DBInstance } = await rds(region).send(
    new RebootDBInstanceCommand({ DBInstanceIdentifier: id, ...(where === "where it is" ? {} : { ForceFailover: true }) }),
  );
  return DBInstance?.DBInstanceStatus ?? "unknown";
}

/**
 * Gives the instance's master user another password, in every session that begins from then on. Returns the status RDS describes it with:
 * "resetting-master-credentials" until it is in force. RDS takes it from an instance that is available and no replica.
 */
export async function setMasterPassword(region: string, id: string, password: string): Promise<string> {
  const { DBInstance } = await rds(region).send(
    new ModifyDBInstanceCommand({ DBInstanceIdentifier: id, MasterUserPassword: password, ApplyImmediately: true }),
  );
  return DBInstance?.DBInstanceStatus ?? "unknown";
}

/** RDS takes it from an instance that is available, is no replica and has none. It starts it again by itself after seven days. */
export async function stopInstance(region: string, id: string): Promise<string> {
  const { DBInstance } = await rds(region).send(new StopDBInstanceCommand({ DBInstanceIdentifier: id }));
  return DBInstance?.DBInstanceStatus ?? "unknown";
}

export async function startInstance(region: string, id: string): Promise<void> {
  await rds(region).send(new StartDBInstanceCommand({ DBInstanceIdentifier: id }));
}

/** Sets one dynamic parameter of a group, at once. */
export async function setParameter(region: string, group: string, name: string, value: string): Promise<void> {
  const Parameters = [{ ParameterName: name, ParameterValue: value, ApplyMethod: "immediate" as const }];
  await rds(region).send(new ModifyDBParameterGroupCommand({ DBParameterGroupName: group, Parameters }));
}

/** Gives one dynamic parameter of a group back to what the engine has by itself, at once. */
export async function resetParameter(region: string, group: string, name: string): Promise<void> {
  const Parameters = [{ ParameterName: name, ApplyMethod: "immediate" as const }];
  await rds(region).send(new ResetDBParameterGroupCommand({ DBParameterGroupName: group, Parameters }));
}

/** Backups stay on after the promotion, so that the new primary can feed replicas of its own. */
export async function promoteReplica(region: string, id: string, backupRetentionDays: number): Promise<void> {
  await rds(region).send(new PromoteReadReplicaCommand({ DBInstanceIdentifier: id, BackupRetentionPeriod: backupRetentionDays }));
}

/** What a new standby takes over from the instance whose place it takes. */
export interface InstanceShape {
  readonly id: string;
  readonly arn: string;
  readonly class: string;
  readonly securityGroups: readonly string[];
  readonly parameterGroup: string | null;
  /** Waits for a reboot to take effect. */
  readonly parametersPending: boolean;
  readonly kmsKeyId: string | null;
  readonly subnetGroup: string | null;
  readonly backupRetentionDays: number;
  readonly deletionProtection: boolean;
  readonly multiAz: boolean;
  readonly publiclyAccessible: boolean;
  readonly copyTagsToSnapshot: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** null when RDS knows no such instance. */
export async function describeShape(region: string, id: string): Promise<InstanceShape | null> {
  try {
    const { DBInstances } = await rds(region).send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }));
    const found = DBInstances?.[0];
    return found ? instanceShape(found) : null;
  } catch (error) {
    if (isCode(error, "DBInstanceNotFound")) return null;
    throw error;
  }
}

function instanceShape(instance: DBInstance): InstanceShape {
  const [parameters] = instance.DBParameterGroups ?? [];
  return {
    id: instance.DBInstanceIdentifier ?? "",
    arn: instance.DBInstanceArn ?? "",
    class: instance.DBInstanceClass ?? "",
    securityGroups: (instance.VpcSecurityGroups ?? []).flatMap(({ VpcSecurityGroupId, Status }) =>
      VpcSecurityGroupId && Status !== "removing" ? [VpcSecurityGroupId] : [],
    ),
    parameterGroup: parameters?.DBParameterGroupName ?? null,
    parametersPending: parameters?.ParameterApplyStatus === "pending-reboot",
    kmsKeyId: instance.KmsKeyId ?? null,
    subnetGroup: instance.DBSubnetGroup?.DBSubnetGroupName ?? null,
    backupRetentionDays: instance.BackupRetentionPeriod ?? 0,
    deletionProtection: instance.DeletionProtection ?? false,
    multiAz: instance.MultiAZ ?? false,
    publiclyAccessible: instance.PubliclyAccessible ?? false,
    copyTagsToSnapshot: instance.CopyTagsToSnapshot ?? false,
    // Tags of AWS's own cannot be given.
    tags: Object.fromEntries(
      (instance.TagList ?? []).flatMap(({ Key, Value }) => (Key && !Key.startsWith("aws:") ? [[Key, Value ?? ""]] : [])),
    ),
  };
}

/**
 * A new standby that looks like `like`. Across regions the source goes by its ARN, and subnets, parameters and the key are of the new
 * region (CreateDBInstanceReadReplica). Backups cannot be given here, and parameters not in every case: see `settle`.
 */
export async function createReplica(
  region: string,
  id: string,
  source: InstanceShape,
  like: InstanceShape,
  securityGroups: readonly string[],
  tags: Record<string, string>,
): Promise<void> {
  const across = !source.arn.includes(`:${region}:`);
  await rds(region).send(
    new CreateDBInstanceReadReplicaCommand({
      DBInstanceIdentifier: id,
      SourceDBInstanceIdentifier: across ? source.arn : source.id,
      DBInstanceClass: like.class,
      VpcSecurityGroupIds: [...securityGroups],
      MultiAZ: like.multiAz,
      PubliclyAccessible: like.publiclyAccessible,
      CopyTagsToSnapshot: like.copyTagsToSnapshot,
      Tags: tagList({ ...like.tags, ...tags }),
      ...(across && like.kmsKeyId && source.kmsKeyId ? { KmsKeyId: like.kmsKeyId } : {}),
      ...(across && like.subnetGroup && like.subnetGroup !== "default" ? { DBSubnetGroupName: like.subnetGroup } : {}),
    }),
  );
}

/** Gives an instance what its creation could not, at once. */
export async function settle(
  region: string,
  id: string,
  like: Pick<InstanceShape, "backupRetentionDays" | "deletionProtection" | "parameterGroup">,
): Promise<void> {
  await rds(region).send(
    new ModifyDBInstanceCommand({
      DBInstanceIdentifier: id,
      BackupRetentionPeriod: like.backupRetentionDays,
      DeletionProtection: like.deletionProtection,
      ...(like.parameterGroup ? { DBParameterGroupName: like.parameterGroup } : {}),
      ApplyImmediately: true,
    }),
  );
}

export interface SnapshotFacts {
  readonly id: string;
  readonly arn: string;
  /** Or what a place in another account is called. */
  readonly region: string;
  readonly instanceId: string;
  readonly status: string;
  readonly progressPercent: number;
  readonly encrypted: boolean;
  /** The ARN of its key; null when it has none. */
  readonly kmsKeyId: string | null;
  /** When the data was taken; a copy keeps its source's time (DBSnapshot.OriginalSnapshotCreateTime). */
  readonly takenAtMs: number | null;
  /** Of what it is a copy, and from where; null for one that was taken here, and for a copy within a region. */
  readonly copyOf: string | null;
  readonly copiedFrom: string | null;
  readonly tags: Readonly<Record<string, string>>;
}

/** null when the region knows no such snapshot. */
export async function describeSnapshot(where: Where, id: string): Promise<SnapshotFacts | null> {
  try {
    const { DBSnapshots } = await rds(where).send(new DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: id }));
    const found = DBSnapshots?.[0];
    return found ? snapshotFacts(placeName(where), found) : null;
  } catch (error) {
    if (isCode(error, "DBSnapshotNotFound")) return null;
    throw error;
  }
}

/** All manual snapshots of a region, or those of one instance: one call a page of a hundred, which brings the tags along. */
export async function listSnapshots(where: Where, instanceId?: string): Promise<SnapshotFacts[]> {
  const found: SnapshotFacts[] = [];
  for await (const page of snapshotPages(where, instanceId)) found.push(...page);
  return found;
}

/** The same, a page at a time: for whoever keeps little of each. */
export async function* snapshotPages(where: Where, instanceId?: string): AsyncGenerator<SnapshotFacts[]> {
  const ask = (Marker?: string) =>
    rds(where).send(new DescribeDBSnapshotsCommand({ DBInstanceIdentifier: instanceId, SnapshotType: "manual", Marker }));
  for await (const { DBSnapshots = [] } of pagesOf(placeName(where), ask, ({ Marker }) => Marker))
    yield DBSnapshots.map((snapshot) => snapshotFacts(placeName(where), snapshot));
}

function snapshotFacts(region: string, snapshot: DBSnapshot): SnapshotFacts {
  const copyOf = snapshot.SourceDBSnapshotIdentifier || null;
  return {
    id: snapshot.DBSnapshotIdentifier ?? "",
    arn: snapshot.DBSnapshotArn ?? "",
    region,
    instanceId: snapshot.DBInstanceIdentifier ?? "",
    status: snapshot.Status ?? "unknown",
    progressPercent: snapshot.PercentProgress ?? 0,
    encrypted: snapshot.Encrypted ?? false,
    kmsKeyId: snapshot.KmsKeyId ?? null,
    // A copy's own SnapshotCreateTime says when it was copied.
    takenAtMs: (snapshot.OriginalSnapshotCreateTime ?? (copyOf === null ? snapshot.SnapshotCreateTime : undefined))?.getTime() ?? null,
    copyOf,
    copiedFrom: snapshot.SourceRegion || null,
    tags: Object.fromEntries((snapshot.TagList ?? []).map((tag) => [tag.Key ?? "", tag.Value ?? ""])),
  };
}

export async function createSnapshot(region: string, instanceId: string, snapshotId: string, tags: Record<string, string>): Promise<void> {
  await rds(region).send(
    new CreateDBSnapshotCommand({ DBInstanceIdentifier: instanceId, DBSnapshotIdentifier: snapshotId, Tags: tagList(tags) }),
  );
}

/** Runs where the copy is to be; the source goes by its ARN (CopyDBSnapshot). */
export async function copySnapshot(
  to: Where,
  sourceArn: string,
  snapshotId: string,
  tags: Record<string, string>,
  kmsKeyId?: string,
): Promise<void> {
  await rds(to).send(
    new CopyDBSnapshotCommand({
      SourceDBSnapshotIdentifier: sourceArn,
      TargetDBSnapshotIdentifier: snapshotId,
      Tags: tagList(tags),
      KmsKeyId: kmsKeyId,
    }),
  );
}
