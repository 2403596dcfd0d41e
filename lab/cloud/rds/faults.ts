/**
 * Faults of databases, made on purpose. RDS's own view stays rosy: an instance killed here is still `available`,
 * since real monitoring takes its time; only its clients see the disaster. A reboot brings a killed or frozen one back; where there is
 * a second zone, RDS does so by itself.
 */

import { watchMember } from "./cluster-failover.ts";
import { feederOf, followersOf } from "./cluster-state.ts";
import type { Rds } from "./lifecycle.ts";
import { watchZone } from "./multi-az.ts";
import { findInstance, type InstanceRecord } from "./state.ts";

export type Partition = "clients" | "replica";

export interface RdsFaults {
  /** Every process of the database dies at once; connections are refused. */
  kill(region: string, id: string): Promise<void>;
  /** The database freezes: connections are taken and nothing answers. */
  hang(region: string, id: string): Promise<void>;
  resume(region: string, id: string): Promise<void>;
  /** The network drops everything between the instance and its clients, or its replication (to its source and its replicas), old connections too. */
  partition(region: string, id: string, cut: { from: Partition }): Promise<void>;
  /** Undoes one partition. */
  mend(region: string, id: string, cut: { from: Partition }): Promise<void>;
  /** Undoes partitions, a freeze, a paused replay and a stopped replication. The dead stay dead until a reboot. */
  heal(region: string, id: string): Promise<void>;
  /** A replica receives and does not apply: its lag grows. */
  pauseReplay(region: string, id: string): Promise<void>;
  resumeReplay(region: string, id: string): Promise<void>;
  /** Takes the replica's link away: it neither receives nor tries. */
  stopReplication(region: string, id: string): Promise<void>;
  resumeReplication(region: string, id: string): Promise<void>;
}

export function createFaults(rds: Rds): RdsFaults {
  const { world, fleet } = rds;
  const tell = (record: InstanceRecord, what: string): void => {
    world.tell({ kind: "fault", region: record.region, service: "rds", what: `${record.id} ${what}`, detail: { instance: record.arn } });
  };
  const find = (region: string, id: string): InstanceRecord => findInstance(world, region, id);
  const findReplica = (region: string, id: string): InstanceRecord => {
    const record = find(region, id);
    if (!feederOf(world, record)) throw new Error(`${id} in ${region} is not a read replica: there is no replication to disturb.`);
    return record;
  };
  const cut = (record: InstanceRecord, from: Partition, on: boolean): void => {
    // The link belongs to the replica's end: cutting a source off means cutting the links of all that follow it.
    const ends = from === "clients" ? [record] : [record, ...followersOf(world, record)];
    for (const end of ends) {
      if (from === "replica" && !feederOf(world, end)) continue;
      end.partitions[from] = on || undefined;
      fleet.applyPartitions(end);
    }
  };

  return {
    async kill(region, id) {
      const record = find(region, id);
      record.fault = { kind: "killed", at: world.now() };
      tell(record, "is killed");
      await fleet.cluster(record).kill();
      watchZone(rds, record);
      watchMember(rds, record);
    },
    async hang(region, id) {
      const record = find(region, id);
      record.fault = { kind: "hung", at: world.now() };
      tell(record, "hangs");
      fleet.cluster(record).hang();
      watchZone(rds, record);
      watchMember(rds, record);
    },
    async resume(region, id) {
      const record = find(region, id);
      if (record.fault?.kind !== "hung") return;
      record.fault = undefined;
      tell(record, "answers again");
      fleet.cluster(record).resume();
    },
    async partition(region, id, { from }) {
      const record = find(region, id);
      tell(record, from === "clients" ? "is cut off from its clients" : "is cut off from replication");
      cut(record, from, true);
    },
    async mend(region, id, { from }) {
      const record = find(region, id);
      tell(record, from === "clients" ? "reaches its clients again" : "reaches its replication again");
      cut(record, from, false);
    },
    async heal(region, id) {
      const record = find(region, id);
      tell(record, "is healed");
      cut(record, "clients", false);
      cut(record, "replica", false);
      await this.resume(region, id);
      if (!feederOf(world, record) || record.fault) return;
      const cluster = fleet.cluster(record);
      await this.resumeReplication(region, id);
      await cluster.resumeReplay();
    },
    async pauseReplay(region, id) {
      const record = findReplica(region, id);
      tell(record, "applies nothing it receives");
      await fleet.cluster(record).pauseReplay();
    },
    async resumeReplay(region, id) {
      const record = findReplica(region, id);
      tell(record, "applies what it receives again");
      await fleet.cluster(record).resumeReplay();
    },
    async stopReplication(region, id) {
      const record = findReplica(region, id);
      record.replication = "stopped";
      tell(record, "has lost its replication link");
      await fleet.cluster(record).follow(undefined);
    },
    async resumeReplication(region, id) {
      const record = find(region, id);
      if (record.replication !== "stopped") return;
      record.replication = undefined;
      tell(record, "looks for its replication link again");
      await fleet.cluster(record).follow(await fleet.linkOf(record));
    },
  };
}
