/**
 * AWS/RDS ReplicaLag, each minute, as RDS reports it. PostgreSQL: now minus the commit time of the last replayed transaction, so it
 * grows on an idle primary, and after a primary's death without any loss. MySQL and MariaDB: Seconds_Behind_Master, and -1 when that is
 * NULL, a dead primary too. -1 says everywhere that replication is not active. A replica that
 * does not answer has no datapoint.
 */
import { reportClusters } from "./cluster-metrics.ts";
import type { Rds } from "./lifecycle.ts";
import { type InstanceRecord, rdsState } from "./state.ts";

export function reportMetrics(rds: Rds, everyMs: number): void {
  const { world } = rds;
  world.later(everyMs, "RDS metrics", async () => {
    reportMetrics(rds, everyMs);
    const replicas = Object.values(rdsState(world).regions).flatMap(({ instances }) =>
      Object.values(instances).filter((each) => each.source),
    );
    await Promise.all(replicas.map((replica) => report(rds, replica)));
    if (world.services.has("monitoring")) await reportClusters(rds);
  });
}

async function report({ world, fleet }: Rds, replica: InstanceRecord): Promise<void> {
  if (!world.services.has("monitoring")) return;
  const seconds = replica.replication ? -1 : await lag();
  if (seconds === null) return;
  const MetricData = [
    {
      MetricName: "ReplicaLag",
      Dimensions: [{ Name: "DBInstanceIdentifier", Value: replica.id }],
      Unit: "Seconds",
      Value: seconds,
      Timestamp: new Date(world.now()),
    },
  ];
  await world.call(
    "monitoring",
    "PutMetricData",
    { Namespace: "AWS/RDS", MetricData },
    { region: replica.region, principal: "rds.amazonaws.com" },
  );

  async function lag(): Promise<number | null> {
    try {
      return (await fleet.cluster(replica).replication(1000)).replayLagSeconds;
    } catch {
      return null;
    }
  }
}
