/** What every change of a DB cluster shares: statuses and their story, the names its members are reached by. */
import type { World } from "../world.ts";
import type { ClusterRecord } from "./cluster-records.ts";
import { clusterEndpoint, leadOf, membersOf, primaryOf } from "./cluster-state.ts";
import { refuse } from "./errors.ts";
import { globalEndpoint } from "./global-names.ts";
import type { Rds } from "./lifecycle.ts";
import { rdsState, regionState } from "./state.ts";

export function setClusterStatus(world: World, cluster: ClusterRecord, status: string): void {
  if (cluster.status === status) return;
  cluster.status = status;
  world.tell({
    kind: "state",
    region: cluster.region,
    service: "rds",
    what: `the cluster ${cluster.id} is ${status}`,
    detail: { cluster: cluster.arn, status },
  });
}

export function clusterMustBe(cluster: ClusterRecord, allowed: string[], doing: string): void {
  if (cluster.failingOver || !allowed.includes(cluster.status))
    throw refuse(
      "InvalidDBClusterStateFault",
      `DbCluster ${cluster.id} cannot ${doing}: it is in ${cluster.failingOver ? "failing-over" : cluster.status} state but expected it to be one of ${allowed.join(",")}.`,
    );
}

/** Whether this very cluster still stands. */
export function clusterStands(world: World, cluster: ClusterRecord): boolean {
  return regionState(world, cluster.region).clusters[cluster.id] === cluster && cluster.status !== "deleting";
}

/**
 * Leads the cluster's names to who serves them now: the writer's to the writer (in a secondary cluster to nobody), the readers' to the
 * healthy readers, or to the writer where there is no reader; the global database's to its writer.
 */
export function pointNames({ world, fleet }: Rds, cluster: ClusterRecord): void {
  const lead = leadOf(world, cluster);
  const served = membersOf(world, cluster).filter((each) => each.address && each.status !== "deleting");
  const reads = primaryOf(world, cluster) !== undefined;
  const readers = served.filter((each) => (reads || each !== lead) && !each.fault);
  fleet.lead(clusterEndpoint(world, cluster, "writer"), reads ? [] : [lead?.address]);
  fleet.lead(clusterEndpoint(world, cluster, "reader"), readers.length > 0 ? readers.map(({ address }) => address) : [lead?.address]);
  const global = rdsState(world).globals[cluster.global ?? ""];
  if (global?.primary === cluster.arn) fleet.lead(globalEndpoint(world, global), [lead?.address]);
}
