// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** New DB clusters, whichever operation makes them: the request checked, the record kept, the storage filled. */
import { clusterStands, pointNames, setClusterStatus } from "./cluster-life.ts";
import { addMember, openLater } from "./cluster-members.ts";
import type { ClusterData, ClusterRecord } from "./cluster-records.ts";
import { isAurora } from "./cluster-state.ts";
import { refuse } from "./errors.ts";
import { clusterEvent } from "./events.ts";
import { defaultParameterGroupOf } from "./flavours.ts";
import { between, identifier, required, tags } from "./input.ts";
import { checkClass, type Rds } from "./lifecycle.ts";
import { chooseGroups } from "./security.ts";
import { arnOf, digest, regionState } from "./state.ts";

const CLUSTERS_PER_REGION = 40;

/** Members of a request that describe the new cluster itself, whichever operation makes it. */
export const NEW_CLUSTER = [
  "DBClusterIdentifier",
  "AutoMinorVersionUpgrade",
  "AvailabilityZones",
  "BackupRetentionPeriod",
  "CopyTagsToSnapshot",
  "DatabaseName",
  "DBClusterInstanceClass",
  "DBClusterParameterGroupName",
  "DBSubnetGroupName",
  "DeletionProtection",
  "Engine",
  "EngineMode",
  "EngineVersion",
  "Iops",
  "KmsKeyId",
  "Port",
  "PreferredBackupWindow",
  "PreferredMaintenanceWindow",
  "StorageType",
  "Tags",
  "VpcSecurityGroupIds",
];

export function clusterEngine(name: string): ClusterData["engine"] {
  if (name === "aurora-postgresql" || name === "postgres") return name;
  throw refuse("InvalidParameterValue", `Invalid DB engine: ${name}. The lab runs DB clusters of aurora-postgresql and postgres.`);
}

/** Checks the request, makes the record (status `creating`) and keeps it. `usual` is what the request may leave out. */
export function addCluster({ world }: Rds, region: string, input: any, usual: ClusterData): ClusterRecord {
  const aurora = isAurora(usual);
  const id = identifier(input, "DBClusterIdentifier", aurora ? 63 : 52);
  const { clusters } = regionState(world, region);
  if (id in clusters) throw refuse("DBClusterAlreadyExistsFault", "DB Cluster already exists");
  if (Object.keys(clusters).length >= CLUSTERS_PER_REGION)
    throw refuse("DBClusterQuotaExceededFault", `DB Cluster quota exceeded: ${CLUSTERS_PER_REGION} in ${region}`);
  for (const member of ["DBClusterInstanceClass", "AllocatedStorage", "Iops"]) {
    if (!aurora && member !== "AllocatedStorage") required(input, member);
    if (aurora && input[member] !== undefined)
      throw refuse("InvalidParameterCombination", `${member} is a setting of Multi-AZ DB clusters: ${usual.engine} has none.`);
  }
  if ((input.EngineMode ?? "provisioned") !== "provisioned")
    throw refuse("InvalidParameterValue", `Invalid EngineMode: ${input.EngineMode}. The lab runs provisioned clusters.`);
  if (input.DBSubnetGroupName && input.DBSubnetGroupName !== "default")
    throw refuse("DBSubnetGroupNotFoundFault", `DBSubnetGroup ${input.DBSubnetGroupName} not found.`);
  const parameters = input.DBClusterParameterGroupName;
  if (parameters && parameters !== defaultParameterGroupOf(usual))
    throw refuse("DBClusterParameterGroupNotFound", `DBClusterParameterGroup not found: ${parameters}`);
  const createdAt = world.now();
  const resourceId = `cluster-${digest(26, world.account, region, id, String(createdAt), world.id()).toUpperCase()}`;
  const cluster: ClusterRecord = {
    ...usual,
    id,
    arn: arnOf(world, region, "cluster", id),
    region,
    resourceId,
    status: "",
    createdAt,
    instanceClass: aurora ? undefined : checkClass(input.DBClusterInstanceClass),
    storageGb: aurora ? 1 : (between(input.AllocatedStorage, "AllocatedStorage", 20, 65_536) ?? usual.storageGb),
    storageType: aurora ? undefined : storageType(input.StorageType ?? usual.storageType ?? "io1"),
    iops: aurora ? undefined : input.Iops,
    port: between(input.Port, "Port", 1150, 65_535) ?? usual.port,
    retentionDays: between(input.BackupRetentionPeriod, "BackupRetentionPeriod", 1, 35) ?? usual.retentionDays,
    backupWindow: input.PreferredBackupWindow ?? usual.backupWindow,
    maintenanceWindow: input.PreferredMaintenanceWindow ?? "sun:04:30-sun:05:00",
    groups: chooseGroups(world, region, input.VpcSecurityGroupIds),
    deletionProtection: input.DeletionProtection === true,
    copyTagsToSnapshot: input.CopyTagsToSnapshot === true,
    tags: tags(input.Tags),
    volume: `volume-${id.slice(0, 40)}-${world.id(8)}`,
    hasData: false,
  };
  clusters[id] = cluster;
  setClusterStatus(world, cluster, "creating");
  return cluster;
}

function storageType(name: string): string {
  if (!["io1", "io2", "gp3"].includes(name)) throw refuse("InvalidParameterValue", `Invalid storage type: ${name}. Known: io1, io2, gp3.`);
  return name;
}

/** Fills the cluster's storage in the background (without `fill` its first member does); a Multi-AZ DB cluster gets its three instances then. */
export function makeLater(rds: Rds, cluster: ClusterRecord, fill?: () => Promise<void>): void {
  const { world, fleet } = rds;
  const members = isAurora(cluster)
    ? []
    : [1, 2, 3].map((n) =>
        addMember(rds, cluster, {
          DBInstanceIdentifier: `${cluster.id}-instance-${n}`,
          DBInstanceClass: cluster.instanceClass,
          Tags: cluster.tags,
        }),
      );
  const make = async (): Promise<void> => {
    await fill?.();
    if (!clusterStands(world, cluster)) return;
    cluster.hasData = fill !== undefined;
    cluster.createdAt = world.now();
    for (const member of members) openLater(rds, cluster, member);
    while (members.some((member) => member.status === "creating")) await fleet.pause(10);
    pointNames(rds, cluster);
    setClusterStatus(world, cluster, "available");
    clusterEvent(world, cluster, "0170");
  };
  fleet.work(world.timings.createInstanceMs, `creating the cluster ${cluster.id}`, cluster.region, make, () =>
    setClusterStatus(world, cluster, "failed"),
  );
}
