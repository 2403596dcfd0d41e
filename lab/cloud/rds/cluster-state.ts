/** Looks clusters up and says who in them follows whom. Changes nothing. */
import type { World } from "../world.ts";
import type { ClusterRecord, ClusterSnapshotRecord } from "./cluster-records.ts";
import { refuse } from "./errors.ts";
import { digest, type InstanceRecord, instanceByArn, parseArn, rdsState, regionState } from "./state.ts";

export function findCluster(world: World, region: string, idOrArn: string): ClusterRecord {
  const arn = parseArn(idOrArn);
  const id = arn ? arn.id : idOrArn.toLowerCase();
  const found = !arn || (arn.kind === "cluster" && arn.region === region) ? regionState(world, region).clusters[id] : undefined;
  if (!found) throw refuse("DBClusterNotFoundFault", `DBCluster ${id} not found.`);
  return found;
}

export function findClusterSnapshot(world: World, region: string, idOrArn: string): ClusterSnapshotRecord {
  const arn = parseArn(idOrArn);
  const id = arn ? arn.id : idOrArn.toLowerCase();
  const right = !arn || (arn.kind === "cluster-snapshot" && arn.region === region);
  const found = right ? regionState(world, region).clusterSnapshots[id] : undefined;
  if (!found) throw refuse("DBClusterSnapshotNotFoundFault", `DBClusterSnapshot ${id} not found.`);
  return found;
}

export function clusterByArn(world: World, arn: string | undefined): ClusterRecord | undefined {
  const parsed = parseArn(arn ?? "");
  return parsed && rdsState(world).regions[parsed.region]?.clusters[parsed.id];
}

/** The cluster an instance is a member of. */
export function clusterOf(world: World, record: InstanceRecord): ClusterRecord | undefined {
  return record.cluster === undefined ? undefined : regionState(world, record.region).clusters[record.cluster];
}

export function membersOf(world: World, cluster: ClusterRecord): InstanceRecord[] {
  return Object.values(regionState(world, cluster.region).instances).filter((each) => each.cluster === cluster.id);
}

/** The member that has the cluster's storage open; undefined while it has no members. */
export function leadOf(world: World, cluster: ClusterRecord): InstanceRecord | undefined {
  const lead = regionState(world, cluster.region).instances[cluster.lead ?? ""];
  return lead?.cluster === cluster.id ? lead : undefined;
}

/** The primary cluster of a secondary one's global database; undefined for every other cluster. */
export function primaryOf(world: World, cluster: ClusterRecord): ClusterRecord | undefined {
  const global = rdsState(world).globals?.[cluster.global ?? ""];
  return global && global.primary !== cluster.arn ? clusterByArn(world, global.primary) : undefined;
}

/** The instance that another one streams from: a replica's source, a reader's writer, a secondary cluster's primary. */
export function feederOf(world: World, record: InstanceRecord): InstanceRecord | undefined {
  if (record.source) return instanceByArn(world, record.source);
  const cluster = clusterOf(world, record);
  if (!cluster) return undefined;
  if (cluster.lead !== record.id) return leadOf(world, cluster);
  const primary = primaryOf(world, cluster);
  return primary && leadOf(world, primary);
}

/** Every instance that streams from this one, wherever it is. */
export function followersOf(world: World, record: InstanceRecord): InstanceRecord[] {
  return Object.values(rdsState(world).regions)
    .flatMap(({ instances }) => Object.values(instances))
    .filter((each) => feederOf(world, each) === record);
}

export const isAurora = (cluster: { engine: ClusterRecord["engine"] }): boolean => cluster.engine !== "postgres";

/** `<id>.cluster-<twelve characters>.<region>.rds.amazonaws.com`, and with `-ro` the readers' name. */
export function clusterEndpoint(world: World, { id, region }: ClusterRecord, which: "writer" | "reader"): string {
  return `${id}.cluster-${which === "reader" ? "ro-" : ""}c${digest(11, world.account, region)}.${region}.rds.amazonaws.com`;
}
