/**
 * RDS for PostgreSQL and MariaDB (which plays MySQL too), with real servers behind it: what its API says, what its clients meet, and the faults a lab makes.
 * Holds the parts together; each operation lives in the file of its noun. Other engines are not modelled.
 */
import type { Cluster } from "../../engines/engine.ts";
import type { Gate } from "../../network/gate.ts";
import type { Service, World } from "../world.ts";
import { keepBackups } from "./backups.ts";
import { clusterChangeOperations, resumeClusters } from "./cluster-changes.ts";
import { clusterCopyOperations, resumeClusterSnapshots } from "./cluster-copies.ts";
import { failoverOperations } from "./cluster-failover.ts";
import { clusterSnapshotOperations } from "./cluster-snapshots.ts";
import { clusterOperations } from "./clusters.ts";
import { copyOperations, resumeSnapshots } from "./copies.ts";
import { eventOperations } from "./events.ts";
import { createFaults, type RdsFaults } from "./faults.ts";
import { Fleet } from "./fleet.ts";
import { globalOperations } from "./global-clusters.ts";
import { instanceOperations, resumeInstances } from "./instances.ts";
import type { Rds } from "./lifecycle.ts";
import { reportMetrics } from "./metrics.ts";
import { modifyOperations } from "./modify.ts";
import { parameterOperations } from "./parameters.ts";
import { promoteLater, replicaOperations } from "./replicas.ts";
import { restoreOperations } from "./restore.ts";
import { sharingOperations } from "./sharing.ts";
import { snapshotOperations } from "./snapshots.ts";
import { findInstance, rdsState } from "./state.ts";
import { tagOperations } from "./tags.ts";
import { versionOperations } from "./versions.ts";

export type { Partition, RdsFaults } from "./faults.ts";

export interface RdsService extends Service {
  readonly faults: RdsFaults;
  /** The server behind an instance, for the lab's own look inside. */
  cluster(region: string, id: string): Cluster;
  /** Connections of clients the network lets through to an instance now. */
  connections(region: string, id: string): number;
  /** The network in front of an instance; undefined until it has an endpoint. */
  gate(region: string, id: string): Gate | undefined;
}

export interface RdsOptions {
  /** How often AWS/RDS ReplicaLag is reported; a minute on AWS. */
  readonly metricsEveryMs?: number;
  /** How often backup windows are looked at. */
  readonly backupsEveryMs?: number;
  /** What stands behind the instances, where it is not servers and folders. */
  readonly fleet?: Fleet;
}

export function createRds(
  world: World,
  { metricsEveryMs = 60_000, backupsEveryMs, fleet = new Fleet(world) }: RdsOptions = {},
): RdsService {
  const rds: Rds = { world, fleet };
  return {
    name: "rds",
    operations: {
      ...instanceOperations(rds),
      ...modifyOperations(rds),
      ...replicaOperations(rds),
      ...snapshotOperations(rds),
      ...copyOperations(rds),
      ...sharingOperations(world),
      ...restoreOperations(rds),
      ...parameterOperations(world, fleet),
      ...versionOperations(),
      ...tagOperations(world),
      ...eventOperations(world),
      ...clusterOperations(rds),
      ...globalOperations(rds),
      ...clusterChangeOperations(rds),
      ...failoverOperations(rds),
      ...clusterSnapshotOperations(rds),
      ...clusterCopyOperations(rds),
    },
    faults: createFaults(rds),
    cluster: (region, id) => fleet.cluster(findInstance(world, region, id)),
    connections: (region, id) => fleet.connections(findInstance(world, region, id)),
    gate: (region, id) => fleet.host(findInstance(world, region, id)).gate,
    async start() {
      const { regions } = rdsState(world);
      await Promise.all(Object.keys(regions).map((region) => resumeInstances(rds, region)));
      for (const global of Object.values(rdsState(world).globals)) {
        global.move = undefined;
        global.status = "available";
      }
      for (const region of Object.keys(regions)) {
        resumeSnapshots(rds, region);
        resumeClusterSnapshots(rds, region);
        await resumeClusters(rds, region);
      }
      for (const { instances } of Object.values(regions)) {
        for (const record of Object.values(instances)) if (record.promoting) promoteLater(rds, record);
      }
      reportMetrics(rds, metricsEveryMs);
      keepBackups(rds, backupsEveryMs);
    },
    stop: () => fleet.close(),
  };
}
