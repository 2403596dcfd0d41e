/** How clusters, their snapshots and global databases look on the wire. */
import type { DBCluster, DBClusterSnapshot, GlobalCluster } from "@aws-sdk/client-rds";
import type { World } from "../world.ts";
import type { ClusterRecord, ClusterSnapshotRecord, GlobalRecord } from "./cluster-records.ts";
import { clusterByArn, clusterEndpoint, isAurora, leadOf, membersOf, primaryOf } from "./cluster-state.ts";
import { defaultParameterGroupOf, flavour } from "./flavours.ts";
import { globalEndpoint } from "./global-names.ts";
import { vpcOf } from "./security.ts";
import { digest } from "./state.ts";

const zonesOf = (region: string): string[] => ["a", "b", "c"].map((letter) => `${region}${letter}`);
const date = (at: number | undefined): Date | undefined => (at === undefined ? undefined : new Date(at));

export function toCluster(world: World, record: ClusterRecord): DBCluster {
  const { region } = record;
  const members = membersOf(world, record);
  const lead = leadOf(world, record);
  const aurora = isAurora(record);
  const reads = primaryOf(world, record) !== undefined;
  return {
    DBClusterIdentifier: record.id,
    DBClusterArn: record.arn,
    DbClusterResourceId: record.resourceId,
    Status: record.failingOver ? "failing-over" : record.status,
    ClusterCreateTime: new Date(record.createdAt),
    Engine: record.engine,
    EngineVersion: record.engineVersion,
    EngineMode: "provisioned",
    DBClusterInstanceClass: record.instanceClass,
    AllocatedStorage: record.storageGb,
    StorageType: record.storageType,
    Iops: record.iops,
    DatabaseName: record.dbName,
    MasterUsername: record.masterUser,
    Endpoint: clusterEndpoint(world, record, "writer"),
    ReaderEndpoint: clusterEndpoint(world, record, "reader"),
    Port: record.port,
    HostedZoneId: `Z${digest(13, "rds zone", region).toUpperCase()}`,
    AvailabilityZones: zonesOf(region),
    MultiAZ: !aurora || new Set(members.map(({ zone }) => zone)).size > 1,
    DBClusterMembers: members.map((each) => ({
      DBInstanceIdentifier: each.id,
      IsClusterWriter: each === lead && !reads,
      DBClusterParameterGroupStatus: "in-sync",
      PromotionTier: each.promotionTier,
    })),
    VpcSecurityGroups: record.groups.map((id) => ({ VpcSecurityGroupId: id, Status: "active" })),
    DBClusterParameterGroup: defaultParameterGroupOf(record),
    DBSubnetGroup: "default",
    BackupRetentionPeriod: record.retentionDays,
    PreferredBackupWindow: record.backupWindow,
    PreferredMaintenanceWindow: record.maintenanceWindow,
    StorageEncrypted: record.kmsKeyId !== undefined,
    KmsKeyId: record.kmsKeyId,
    DeletionProtection: record.deletionProtection,
    CopyTagsToSnapshot: record.copyTagsToSnapshot,
    AutoMinorVersionUpgrade: true,
    IAMDatabaseAuthenticationEnabled: false,
    HttpEndpointEnabled: aurora ? false : undefined,
    ActivityStreamStatus: "stopped",
    CrossAccountClone: false,
    NetworkType: "IPV4",
    PubliclyAccessible: false,
    AssociatedRoles: [],
    ReadReplicaIdentifiers: [],
    GlobalClusterIdentifier: record.global,
    TagList: record.tags,
  };
}

export function toClusterSnapshot(world: World, record: ClusterSnapshotRecord): DBClusterSnapshot {
  const since = record.copy?.startedAt ?? record.takenSince ?? world.now();
  const takes = record.copy ? world.timings.copyMs : world.timings.snapshotMs;
  return {
    DBClusterSnapshotIdentifier: record.id,
    DBClusterSnapshotArn: record.arn,
    DBClusterIdentifier: record.clusterId,
    DbClusterResourceId: record.resourceId,
    Status: record.status,
    SnapshotType: record.type,
    PercentProgress: record.status === "available" ? 100 : Math.min(75, Math.floor((4 * (world.now() - since)) / Math.max(1, takes)) * 25),
    SnapshotCreateTime: date(record.createdAt ?? record.takenSince ?? record.copy?.startedAt),
    ClusterCreateTime: new Date(record.clusterCreatedAt),
    Engine: record.engine,
    EngineVersion: record.engineVersion,
    EngineMode: "provisioned",
    LicenseModel: flavour(record.engine).license,
    AllocatedStorage: record.storageGb,
    StorageType: record.storageType,
    MasterUsername: record.masterUser,
    Port: record.port,
    VpcId: vpcOf(world, record.region),
    AvailabilityZones: zonesOf(record.region),
    StorageEncrypted: record.kmsKeyId !== undefined,
    KmsKeyId: record.kmsKeyId,
    BackupRetentionPeriod: record.retentionDays,
    PreferredBackupWindow: record.backupWindow,
    IAMDatabaseAuthenticationEnabled: false,
    SourceDBClusterSnapshotArn: record.sourceArn,
    TagList: record.tags,
  };
}

export function toGlobal(world: World, record: GlobalRecord): GlobalCluster {
  const clusters = [record.primary, ...record.secondaries].filter((arn) => arn !== undefined);
  return {
    GlobalClusterIdentifier: record.id,
    GlobalClusterArn: record.arn,
    GlobalClusterResourceId: record.resourceId,
    Status: record.status,
    Engine: record.engine,
    EngineVersion: record.engineVersion,
    DatabaseName: record.dbName,
    StorageEncrypted: record.encrypted,
    DeletionProtection: record.deletionProtection,
    Endpoint: globalEndpoint(world, record),
    GlobalClusterMembers: clusters.map((arn) => ({
      DBClusterArn: arn,
      IsWriter: arn === record.primary,
      Readers: arn === record.primary ? record.secondaries : [],
      GlobalWriteForwardingStatus: "disabled",
      SynchronizationStatus: clusterByArn(world, arn)?.hasData ? "connected" : "pending-resync",
    })),
    FailoverState: record.move && {
      Status: record.move.status,
      FromDbClusterArn: record.move.from,
      ToDbClusterArn: record.move.to,
      IsDataLossAllowed: record.move.dataLossAllowed,
    },
    TagList: record.tags,
  };
}
