/** Snapshots of DB clusters: taken, listed, deleted, restored. Their identifiers are shorter than those of instances' snapshots, their codes end in Fault. */
import { removeTree, saveTo } from "../../engines/folders.ts";
import type { Operation, World } from "../world.ts";
import { clusterMustBe, setClusterStatus } from "./cluster-life.ts";
import { addCluster, clusterEngine, makeLater, NEW_CLUSTER } from "./cluster-making.ts";
import type { ClusterData, ClusterRecord, ClusterSnapshotRecord } from "./cluster-records.ts";
import { toCluster, toClusterSnapshot } from "./cluster-shapes.ts";
import { findCluster, findClusterSnapshot, leadOf } from "./cluster-state.ts";
import { refuse } from "./errors.ts";
import { clusterSnapshotEvent } from "./events.ts";
import { filters, identifier, mergeTags, only, page, required, tags } from "./input.ts";
import { keyFor, readableUnder } from "./keys.ts";
import type { Rds } from "./lifecycle.ts";
import { meetNetwork } from "./security.ts";
import { arnOf, parseArn, regionState, type Tag } from "./state.ts";

/** Counted apart from instances' snapshots. */
const MANUAL_PER_REGION = 100;
/** Unlike 255 for an instance's. */
export const LONGEST_ID = 63;
const TYPES = ["manual", "automated", "shared", "public", "awsbackup"];

export function clusterSnapshotOperations(rds: Rds): Record<string, Operation> {
  const { world, fleet } = rds;

  return {
    CreateDBClusterSnapshot(input, { region }) {
      only(input, "CreateDBClusterSnapshot", "DBClusterSnapshotIdentifier", "DBClusterIdentifier", "Tags");
      const cluster = findCluster(world, region, required(input, "DBClusterIdentifier"));
      const snapshot = newClusterSnapshot(rds, cluster, input, "DBClusterSnapshotIdentifier", () =>
        clusterMustBe(cluster, ["available"], "be backed up"),
      );
      setClusterStatus(world, cluster, "backing-up");
      const settle = (): void => {
        if (cluster.status === "backing-up") setClusterStatus(world, cluster, "available");
      };
      const take = async (): Promise<void> => {
        await takeClusterSnapshot(rds, cluster, snapshot);
        settle();
      };
      fleet.work(0, `taking the cluster snapshot ${snapshot.id}`, region, take, () => {
        clusterSnapshotStatus(world, snapshot, "failed");
        settle();
      });
      return { DBClusterSnapshot: toClusterSnapshot(world, snapshot) };
    },

    DescribeDBClusterSnapshots(input, { region }) {
      const {
        DBClusterSnapshotIdentifier: id,
        DBClusterIdentifier: clusterId,
        DbClusterResourceId: resourceId,
        SnapshotType: type,
      } = input;
      if (id && clusterId)
        throw refuse("InvalidParameterCombination", "DBClusterSnapshotIdentifier and DBClusterIdentifier cannot be given together.");
      if (type !== undefined && !TYPES.includes(type))
        throw refuse("InvalidParameterValue", `Invalid snapshot type: ${type}. Known: ${TYPES.join(", ")}.`);
      const matches = filters<ClusterSnapshotRecord>(input.Filters, {
        "db-cluster-id": (each) => [each.clusterId, arnOf(world, region, "cluster", each.clusterId)],
        "db-cluster-snapshot-id": (each) => [each.id],
        "snapshot-type": (each) => [each.type],
        engine: (each) => [each.engine],
      });
      const wanted = clusterId && (parseArn(clusterId)?.id ?? clusterId.toLowerCase());
      const all = (id ? [findClusterSnapshot(world, region, id)] : Object.values(regionState(world, region).clusterSnapshots))
        .filter((each) => !wanted || each.clusterId === wanted)
        .filter((each) => !resourceId || each.resourceId === resourceId)
        .filter((each) => !type || each.type === type);
      const { page: shown, marker } = page(all.filter(matches), (each) => each.id, input);
      return { Marker: marker, DBClusterSnapshots: shown.map((each) => toClusterSnapshot(world, each)) };
    },

    async DeleteDBClusterSnapshot(input, { region }) {
      only(input, "DeleteDBClusterSnapshot", "DBClusterSnapshotIdentifier");
      const snapshot = findClusterSnapshot(world, region, required(input, "DBClusterSnapshotIdentifier"));
      // One that is being copied into may be deleted: that cancels the copy.
      if (!["available", "failed", "copying"].includes(snapshot.status))
        throw refuse(
          "InvalidDBClusterSnapshotStateFault",
          `Cannot delete the cluster snapshot ${snapshot.id}: it is ${snapshot.status}, not available.`,
        );
      delete regionState(world, region).clusterSnapshots[snapshot.id];
      world.tell({
        kind: "state",
        region,
        service: "rds",
        what: `the cluster snapshot ${snapshot.id} is deleted`,
        detail: { snapshot: snapshot.arn },
      });
      await removeTree(fleet.snapshotFolder(snapshot));
      return { DBClusterSnapshot: { ...toClusterSnapshot(world, snapshot), Status: "deleted" } };
    },

    async RestoreDBClusterFromSnapshot(input, caller) {
      const { region } = caller;
      only(
        input,
        "RestoreDBClusterFromSnapshot",
        ...NEW_CLUSTER.filter((member) => member !== "PreferredMaintenanceWindow"),
        "SnapshotIdentifier",
      );
      await meetNetwork(world, region);
      const snapshot = findClusterSnapshot(world, region, required(input, "SnapshotIdentifier"));
      if (clusterEngine(required(input, "Engine")) !== snapshot.engine)
        throw refuse("InvalidParameterCombination", `${snapshot.id} holds ${snapshot.engine}: it cannot be restored to ${input.Engine}.`);
      if (input.EngineVersion && input.EngineVersion !== snapshot.engineVersion)
        throw refuse(
          "InvalidParameterCombination",
          `Cannot find version ${input.EngineVersion} for ${snapshot.engine}: the lab runs ${snapshot.engineVersion}.`,
        );
      if (snapshot.status !== "available")
        throw refuse(
          "InvalidDBClusterSnapshotStateFault",
          `The cluster snapshot ${snapshot.id} cannot be restored: it is ${snapshot.status}, not available.`,
        );
      await readableUnder(world, caller, region, snapshot.kmsKeyId);
      const kmsKeyId = input.KmsKeyId ? await keyFor(world, caller, input.KmsKeyId) : snapshot.kmsKeyId;
      const cluster = addCluster(rds, region, input, { ...dataOf(snapshot), kmsKeyId });
      const started = world.now();
      makeLater(rds, cluster, async () => {
        await fleet.volume(cluster).initFrom(fleet.snapshotFolder(snapshot));
        await fleet.pause(world.timings.restoreMs - (world.now() - started));
      });
      return { DBCluster: toCluster(world, cluster) };
    },
  };
}

const dataOf = (from: ClusterData): ClusterData => ({
  engine: from.engine,
  engineVersion: from.engineVersion,
  storageGb: from.storageGb,
  storageType: from.storageType,
  iops: from.iops,
  kmsKeyId: from.kmsKeyId,
  masterUser: from.masterUser,
  dbName: from.dbName,
  port: from.port,
  retentionDays: from.retentionDays,
  backupWindow: from.backupWindow,
});

/** Checks the request and keeps the new record, status `creating`. `last` is asked after the other checks. */
export function newClusterSnapshot(
  { world }: Rds,
  cluster: ClusterRecord,
  input: { DBClusterSnapshotIdentifier?: string; Tags?: unknown },
  member: string,
  last: () => void = () => {},
): ClusterSnapshotRecord {
  const { region } = cluster;
  const id = identifier({ [member]: input.DBClusterSnapshotIdentifier }, member, LONGEST_ID);
  const own = tags(input.Tags);
  clusterSnapshotRoom(world, region, id);
  last();
  const record = recordOf(world, cluster, id, cluster.copyTagsToSnapshot ? mergeTags(cluster.tags, own) : own);
  regionState(world, region).clusterSnapshots[id] = record;
  clusterSnapshotStatus(world, record, "creating");
  clusterSnapshotEvent(world, record, "0074");
  return record;
}

/** What a global database's old primary had when it was left behind: Aurora's own snapshot, taken before its storage is made again. */
export async function keepLostWrites(rds: Rds, cluster: ClusterRecord): Promise<void> {
  const { world } = rds;
  const minute = new Date(world.now()).toISOString().slice(0, 16).replace(/[T:]/g, "-");
  const id = `rds:unplanned-global-failover-${cluster.id}-${minute}`;
  const record: ClusterSnapshotRecord = { ...recordOf(world, cluster, id, []), type: "automated" };
  regionState(world, cluster.region).clusterSnapshots[id] = record;
  clusterSnapshotStatus(world, record, "creating");
  await takeClusterSnapshot(rds, cluster, record);
}

function recordOf(world: World, cluster: ClusterRecord, id: string, tags: Tag[]): ClusterSnapshotRecord {
  const { region } = cluster;
  return {
    ...dataOf(cluster),
    id,
    arn: arnOf(world, region, "cluster-snapshot", id),
    region,
    status: "",
    type: "manual",
    clusterId: cluster.id,
    resourceId: cluster.resourceId,
    clusterCreatedAt: cluster.createdAt,
    tags,
    takenSince: world.now(),
  };
}

export function clusterSnapshotRoom(world: World, region: string, id: string): void {
  const { clusterSnapshots } = regionState(world, region);
  if (id in clusterSnapshots)
    throw refuse(
      "DBClusterSnapshotAlreadyExistsFault",
      `Cannot create the cluster snapshot because a snapshot with the identifier ${id} already exists.`,
    );
  if (Object.values(clusterSnapshots).filter(({ type }) => type === "manual").length >= MANUAL_PER_REGION)
    throw refuse("SnapshotQuotaExceeded", `Cannot create more than ${MANUAL_PER_REGION} manual snapshots`);
}

/** Copies the cluster's storage as it is now. */
export async function takeClusterSnapshot({ world, fleet }: Rds, cluster: ClusterRecord, snapshot: ClusterSnapshotRecord): Promise<void> {
  const started = world.now();
  const lead = leadOf(world, cluster);
  const storage = lead ? fleet.cluster(lead) : fleet.volume(cluster);
  await saveTo(fleet.snapshotFolder(snapshot), (draft) => storage.takeBackup(draft));
  await fleet.pause(world.timings.snapshotMs - (world.now() - started));
  snapshot.createdAt = started;
  clusterSnapshotStatus(world, snapshot, "available");
  if (snapshot.type === "manual") clusterSnapshotEvent(world, snapshot, "0075");
}

export function clusterSnapshotStatus(world: World, snapshot: ClusterSnapshotRecord, status: string): void {
  snapshot.status = status;
  world.tell({
    kind: "state",
    region: snapshot.region,
    service: "rds",
    what: `the cluster snapshot ${snapshot.id} is ${status}`,
    detail: { snapshot: snapshot.arn, status },
  });
}
