/**
 * Lags inside clusters, as CloudWatch has them: AuroraReplicaLag of a reader and AuroraGlobalDBReplicationLag of a secondary cluster in
 * milliseconds, ReplicaLag of a Multi-AZ DB cluster's reader in seconds. Unlike a read replica's, a lag is 0 once nothing is missing,
 * on an idle writer too. One that does not answer has no datapoint.
 */
import { hasApplied, position } from "../../engines/postgres-position.ts";
import type { ClusterRecord } from "./cluster-records.ts";
import { feederOf, isAurora, membersOf, primaryOf } from "./cluster-state.ts";
import type { Rds } from "./lifecycle.ts";
import { type InstanceRecord, rdsState } from "./state.ts";

export async function reportClusters(rds: Rds): Promise<void> {
  const clusters = Object.values(rdsState(rds.world).regions).flatMap((region) => Object.values(region.clusters ?? {}));
  await Promise.all(clusters.flatMap((cluster) => membersOf(rds.world, cluster).map((member) => report(rds, cluster, member))));
}

async function report(rds: Rds, cluster: ClusterRecord, member: InstanceRecord): Promise<void> {
  const { world } = rds;
  if (!feederOf(world, member) || cluster.resync) return;
  const ms = await lagMs(rds, member);
  if (ms === null) return;
  const global = cluster.lead === member.id ? primaryOf(world, cluster) : undefined;
  const ofCluster = { Name: "DBClusterIdentifier", Value: cluster.id };
  const ofMember = [{ Name: "DBInstanceIdentifier", Value: member.id }];
  const Timestamp = new Date(world.now());
  const lag = isAurora(cluster)
    ? { MetricName: "AuroraReplicaLag", Unit: "Milliseconds", Value: ms, Dimensions: ofMember, Timestamp }
    : { MetricName: "ReplicaLag", Unit: "Seconds", Value: ms / 1000, Dimensions: ofMember, Timestamp };
  const across = { MetricName: "AuroraGlobalDBReplicationLag", Unit: "Milliseconds", Value: ms, Timestamp };
  const MetricData = global
    ? [[ofCluster], [ofCluster, { Name: "SourceRegion", Value: global.region }]].map((Dimensions) => ({ ...across, Dimensions }))
    : [lag];
  const from = { region: member.region, principal: "rds.amazonaws.com" };
  await world.call("monitoring", "PutMetricData", { Namespace: "AWS/RDS", MetricData }, from);
}

async function lagMs({ world, fleet }: Rds, member: InstanceRecord): Promise<number | null> {
  const feeder = feederOf(world, member);
  try {
    const { replayLagSeconds } = await fleet.cluster(member).replication(1000);
    const end = feeder && (await position(fleet.cluster(feeder)).catch(() => undefined));
    if (end && (await hasApplied(fleet.cluster(member), end))) return 0;
    return replayLagSeconds === null ? null : replayLagSeconds * 1000;
  } catch {
    return null;
  }
}
