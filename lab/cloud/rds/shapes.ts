/** How records look on the wire. Asks a replica's server for the state of its link; changes nothing. */
import type { DBInstance, DBInstanceStatusInfo, DBParameterGroup, DBSnapshot } from "@aws-sdk/client-rds";
import type { World } from "../world.ts";
import { latestRestorable } from "./backup-times.ts";
import { flavour, optionGroupOf } from "./flavours.ts";
import type { Fleet } from "./fleet.ts";
import { vpcOf } from "./security.ts";
import {
  arnOf,
  digest,
  endpointName,
  hex,
  type InstanceRecord,
  instanceByArn,
  isForeign,
  type ParameterGroupRecord,
  parseArn,
  type SnapshotRecord,
} from "./state.ts";

export async function toInstance(world: World, fleet: Fleet, record: InstanceRecord): Promise<DBInstance> {
  const { region } = record;
  return {
    DBInstanceIdentifier: record.id,
    DBInstanceArn: record.arn,
    DbiResourceId: record.resourceId,
    DBInstanceClass: record.instanceClass,
    DBInstanceStatus: record.status,
    Engine: record.engine,
    EngineVersion: record.engineVersion,
    LicenseModel: flavour(record.engine).license,
    MasterUsername: record.masterUser,
    DBName: record.dbName,
    Endpoint: record.address
      ? { Address: endpointName(world, record), Port: record.port, HostedZoneId: `Z${digest(13, "rds zone", region).toUpperCase()}` }
      : undefined,
    DbInstancePort: 0,
    InstanceCreateTime: record.address ? new Date(record.createdAt) : undefined,
    AllocatedStorage: record.storageGb,
    StorageType: record.storageType,
    StorageEncrypted: record.kmsKeyId !== undefined,
    KmsKeyId: record.kmsKeyId,
    MultiAZ: record.secondZone !== undefined,
    AvailabilityZone: record.zone,
    SecondaryAvailabilityZone: record.secondZone,
    PubliclyAccessible: record.publiclyAccessible,
    DBSubnetGroup: subnetGroup(world, region),
    VpcSecurityGroups: record.groups.map(({ id, status }) => ({ VpcSecurityGroupId: id, Status: status })),
    DBSecurityGroups: [],
    DBParameterGroups: [{ DBParameterGroupName: record.parameterGroup.name, ParameterApplyStatus: record.parameterGroup.status }],
    OptionGroupMemberships: [{ OptionGroupName: optionGroupOf(record), Status: "in-sync" }],
    BackupRetentionPeriod: record.retentionDays,
    PreferredBackupWindow: record.backupWindow,
    LatestRestorableTime: latestRestorable(world, record),
    PreferredMaintenanceWindow: record.maintenanceWindow,
    PendingModifiedValues: record.pending,
    AutoMinorVersionUpgrade: true,
    CopyTagsToSnapshot: record.copyTagsToSnapshot,
    DeletionProtection: record.deletionProtection,
    IAMDatabaseAuthenticationEnabled: false,
    PerformanceInsightsEnabled: false,
    MonitoringInterval: 0,
    NetworkType: "IPV4",
    BackupTarget: "region",
    CACertificateIdentifier: "rds-ca-rsa2048-g1",
    DomainMemberships: [],
    AssociatedRoles: [],
    ReadReplicaSourceDBInstanceIdentifier: record.source && seenFrom(region, record.source),
    ReadReplicaDBInstanceIdentifiers: record.replicas.map((arn) => seenFrom(region, arn)),
    StatusInfos: record.source && record.address ? [await replicationStatus(world, fleet, record)] : undefined,
    DBClusterIdentifier: record.cluster,
    PromotionTier: record.promotionTier,
    TagList: record.tags,
  };
}

/** An identifier inside its own region, an ARN elsewhere. */
function seenFrom(region: string, arn: string): string {
  const parsed = parseArn(arn);
  return parsed?.region === region ? parsed.id : arn;
}

async function replicationStatus(world: World, fleet: Fleet, record: InstanceRecord): Promise<DBInstanceStatusInfo> {
  const StatusType = "read replication";
  const not = (Status: string, Message: string): DBInstanceStatusInfo => ({ StatusType, Normal: false, Status, Message });
  if (record.replication === "terminated" || !instanceByArn(world, record.source ?? ""))
    return not("terminated", "The source DB instance was deleted.");
  if (record.replication === "stopped") return not("stopped", "Replication was stopped.");
  try {
    const { receiver, trouble, stopped } = await fleet.cluster(record).replication(300);
    if (trouble !== null) return not("error", trouble);
    if (stopped) return not("stopped", "Replication was stopped.");
    if (receiver === "streaming") return { StatusType, Normal: true, Status: "replicating" };
    return not("error", "Streaming replication has stopped: the source cannot be reached.");
  } catch {
    return not("error", "The read replica does not answer.");
  }
}

export function toSnapshot(world: World, record: SnapshotRecord): DBSnapshot {
  const foreign = isForeign(world, record);
  return {
    // Another account's has no other name than its ARN.
    DBSnapshotIdentifier: foreign ? record.arn : record.id,
    DBSnapshotArn: record.arn,
    DBInstanceIdentifier: record.instanceId,
    DbiResourceId: record.resourceId,
    Status: record.status,
    SnapshotType: foreign ? (record.sharedWith?.includes("all") ? "public" : "shared") : record.type,
    PercentProgress: progress(world, record),
    Engine: record.engine,
    EngineVersion: record.engineVersion,
    LicenseModel: flavour(record.engine).license,
    AllocatedStorage: record.storageGb,
    StorageType: record.storageType,
    Encrypted: record.kmsKeyId !== undefined,
    KmsKeyId: record.kmsKeyId,
    MasterUsername: record.masterUser,
    Port: record.port,
    AvailabilityZone: record.sourceRegion ? undefined : record.zone,
    VpcId: vpcOf(world, record.region),
    OptionGroupName: optionGroupOf(record),
    IAMDatabaseAuthenticationEnabled: false,
    BackupRetentionPeriod: record.retentionDays,
    PreferredBackupWindow: record.backupWindow,
    SnapshotTarget: "region",
    InstanceCreateTime: new Date(record.instanceCreatedAt),
    SnapshotCreateTime: date(record.createdAt),
    OriginalSnapshotCreateTime: date(record.originalCreatedAt),
    SnapshotDatabaseTime: date(record.databaseAt),
    SourceRegion: record.sourceRegion,
    SourceDBSnapshotIdentifier: record.sourceArn,
    // Tags are the owner's to see.
    TagList: foreign ? [] : record.tags,
  };
}

function date(at: number | undefined): Date | undefined {
  return at === undefined ? undefined : new Date(at);
}

/** 0 while a copy waits for its turn, however long that takes. */
function progress(world: World, record: SnapshotRecord): number {
  if (record.status === "available") return 100;
  const since = record.copy ? record.copy.startedAt : record.takenSince;
  if (since === undefined) return 0;
  const takes = record.copy ? world.timings.copyMs : world.timings.snapshotMs;
  return Math.min(99, Math.floor((100 * (world.now() - since)) / Math.max(1, takes)));
}

export function toParameterGroup(record: ParameterGroupRecord): DBParameterGroup {
  return {
    DBParameterGroupName: record.name,
    DBParameterGroupArn: record.arn,
    DBParameterGroupFamily: record.family,
    Description: record.description,
  };
}

/** The one subnet group of a region: its default VPC. */
export function subnetGroup(world: World, region: string) {
  return {
    DBSubnetGroupName: "default",
    DBSubnetGroupDescription: "default",
    DBSubnetGroupArn: arnOf(world, region, "subgrp", "default"),
    VpcId: vpcOf(world, region),
    SubnetGroupStatus: "Complete",
    Subnets: ["a", "b", "c"].map((letter) => ({
      SubnetIdentifier: `subnet-0${hex(16, "subnet", world.account, region, letter)}`,
      SubnetAvailabilityZone: { Name: `${region}${letter}` },
      SubnetStatus: "Active",
    })),
  };
}
