// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The instances of a DB cluster: made, opened on its data, removed. Who takes over when one dies is in cluster-failover.ts.
 *
 * A cluster has one storage, a data folder. The lead member's server has it open; every other member streams from it into a folder of
 * its own. A failover hands the storage itself to another member, so nothing that was acknowledged can be missing.
 */
import type { World } from "../world.ts";
import { clusterMustBe, pointNames } from "./cluster-life.ts";
import type { ClusterRecord } from "./cluster-records.ts";
import { feederOf, findCluster, isAurora, leadOf, membersOf } from "./cluster-state.ts";
import { refuse } from "./errors.ts";
import { instanceEvent } from "./events.ts";
import { flavourNamed } from "./flavours.ts";
import { between, only, required } from "./input.ts";
import { addInstance, failed, otherZone, type Rds, setStatus } from "./lifecycle.ts";
import { meetNetwork } from "./security.ts";
import type { InstanceRecord } from "./state.ts";

const MEMBERS_OF_ONE_CLUSTER = 16;
/** What a request may say of a member. */
const OWN = [
  "DBInstanceIdentifier",
  "DBInstanceClass",
  "DBClusterIdentifier",
  "Engine",
  "EngineVersion",
  "LicenseModel",
  "AvailabilityZone",
  "AutoMinorVersionUpgrade",
  "CopyTagsToSnapshot",
  "DBParameterGroupName",
  "DBSubnetGroupName",
  "PreferredMaintenanceWindow",
  "PromotionTier",
  "PubliclyAccessible",
  "Tags",
];
/** What belongs to the cluster. */
export const OF_THE_CLUSTER = [
  "AllocatedStorage",
  "BackupRetentionPeriod",
  "DBName",
  "DeletionProtection",
  "MasterUserPassword",
  "MasterUsername",
  "MultiAZ",
  "Port",
  "PreferredBackupWindow",
  "StorageEncrypted",
  "VpcSecurityGroupIds",
];

export function notOfTheCluster(input: any): void {
  const misplaced = OF_THE_CLUSTER.find((member) => input[member] !== undefined);
  if (misplaced)
    throw refuse(
      "InvalidParameterCombination",
      `The requested DB Instance will be a member of a DB Cluster. Set ${misplaced} for the DB Cluster.`,
    );
}

/** CreateDBInstance with a DBClusterIdentifier. */
export async function createMember(rds: Rds, input: any, region: string): Promise<InstanceRecord> {
  const { world } = rds;
  notOfTheCluster(input);
  only(input, "CreateDBInstance", ...OWN);
  await meetNetwork(world, region);
  const cluster = findCluster(world, region, required(input, "DBClusterIdentifier"));
  const engine = flavourNamed(required(input, "Engine")).name;
  if (engine !== cluster.engine)
    throw refuse(
      "InvalidParameterCombination",
      `The engine name requested for your DB instance (${engine}) doesn't match the engine name of your DB cluster (${cluster.engine}).`,
    );
  if (!isAurora(cluster))
    throw refuse("InvalidParameterCombination", `${cluster.id} is a Multi-AZ DB cluster: its three instances are made with it.`);
  if (input.EngineVersion && input.EngineVersion !== cluster.engineVersion)
    throw refuse(
      "InvalidParameterCombination",
      `The cluster ${cluster.id} runs version ${cluster.engineVersion}, not ${input.EngineVersion}.`,
    );
  required(input, "DBInstanceClass");
  clusterMustBe(cluster, ["available", "backing-up"], "take another instance");
  if (membersOf(world, cluster).length >= MEMBERS_OF_ONE_CLUSTER)
    throw refuse("InstanceQuotaExceeded", `The cluster ${cluster.id} has ${MEMBERS_OF_ONE_CLUSTER} instances already.`);
  const record = addMember(rds, cluster, input);
  openLater(rds, cluster, record);
  return record;
}

/** The record of a new member; the first one leads. */
export function addMember(rds: Rds, cluster: ClusterRecord, input: any): InstanceRecord {
  const { world } = rds;
  const tier = between(input.PromotionTier, "PromotionTier", 0, 15) ?? 1;
  const { engine, engineVersion, masterUser, dbName, storageGb, storageType = "aurora", kmsKeyId, port } = cluster;
  const { retentionDays, backupWindow, maintenanceWindow, groups } = cluster;
  const zone = input.AvailabilityZone ?? freestZone(world, cluster);
  const record = addInstance(
    rds,
    cluster.region,
    { ...input, AvailabilityZone: zone, VpcSecurityGroupIds: groups },
    {
      ...{ engine, engineVersion, masterUser, dbName, storageGb, storageType, kmsKeyId, port },
      ...{ retentionDays, backupWindow, maintenanceWindow },
      instanceClass: "",
    },
  );
  const first = leadOf(world, cluster) === undefined;
  record.cluster = cluster.id;
  record.promotionTier = tier;
  record.folder = first ? cluster.volume : `${cluster.volume}-${world.id(6)}`;
  if (first) cluster.lead = record.id;
  return record;
}

function freestZone(world: World, cluster: ClusterRecord): string {
  const taken = membersOf(world, cluster).map(({ zone }) => zone);
  const zones = [`${cluster.region}a`, `${cluster.region}b`, `${cluster.region}c`];
  const count = (zone: string): number => taken.filter((each) => each === zone).length;
  return zones.reduce((best, zone) => (count(zone) < count(best) ? zone : best), taken[0] ? otherZone(taken[0]) : `${cluster.region}a`);
}

export function openLater(rds: Rds, cluster: ClusterRecord, record: InstanceRecord): void {
  const { world, fleet } = rds;
  const open = async (): Promise<void> => {
    await openMember(rds, cluster, record);
    record.createdAt = world.now();
    setStatus(world, record, "available");
    pointNames(rds, cluster);
    instanceEvent(world, record, "0005");
  };
  fleet.work(world.timings.createInstanceMs, `creating ${record.id} in ${cluster.id}`, record.region, open, (error) => {
    if (cluster.lead === record.id && !record.hasData) cluster.lead = undefined;
    failed(rds, record, error.message);
  });
}

/** Starts a member's server: on the cluster's storage, or on a fresh copy that follows it. */
export async function openMember(rds: Rds, cluster: ClusterRecord, record: InstanceRecord): Promise<void> {
  const { world, fleet } = rds;
  const isLead = cluster.lead === record.id;
  if (!isLead || !cluster.hasData) {
    const feeder = await readyFeeder(rds, record);
    await (await fleet.fresh(record)).initAsStandby(fleet.cluster(feeder), await fleet.upstreamPort(record));
  }
  if (isLead) cluster.hasData = true;
  await fleet.launch(record);
  record.hasData = true;
  await fleet.connect(record);
  world.tell({
    kind: "state",
    region: record.region,
    service: "rds",
    what: `${record.id} ${isLead ? "has the storage" : "is a reader"} of ${cluster.id}`,
    detail: { instance: record.arn, cluster: cluster.arn },
  });
}

/** Who a copy is made from, once it has begun to run. */
async function readyFeeder({ world, fleet }: Rds, record: InstanceRecord): Promise<InstanceRecord> {
  for (;;) {
    const feeder = feederOf(world, record);
    if (!feeder) throw new Error(`there is nothing to make ${record.id} from: its cluster has no data`);
    if (feeder.status !== "creating") return feeder;
    await fleet.pause(10);
  }
}
