/**
 * Who has a DB cluster's storage: the failover asked for, the one after a writer's death, and what happens when a member goes. The heir
 * opens the storage itself, once the old writer is dead; the old one comes back as a reader.
 */
import type { Operation } from "../world.ts";
import { clusterMustBe, clusterStands, pointNames } from "./cluster-life.ts";
import type { ClusterRecord } from "./cluster-records.ts";
import { toCluster } from "./cluster-shapes.ts";
import { clusterOf, findCluster, isAurora, leadOf, membersOf } from "./cluster-state.ts";
import { refuse } from "./errors.ts";
import { clusterEvent, instanceEvent } from "./events.ts";
import { only, required } from "./input.ts";
import { exists, notRestarted, type Rds, restart, setStatus } from "./lifecycle.ts";
import { findInstance, type InstanceRecord, regionState } from "./state.ts";

/** The share of a failover that passes before anybody notices that the writer is gone. */
const UNNOTICED = 0.25;
/** Without a reader to take over, the writer is made again, which takes this many times longer. */
const ALONE = 4;

export function failoverOperations(rds: Rds): Record<string, Operation> {
  const { world } = rds;
  return {
    FailoverDBCluster(input, { region }) {
      only(input, "FailoverDBCluster", "DBClusterIdentifier", "TargetDBInstanceIdentifier");
      const cluster = findCluster(world, region, required(input, "DBClusterIdentifier"));
      clusterMustBe(cluster, ["available"], "fail over");
      const members = membersOf(world, cluster);
      if (members.length < 2)
        throw refuse(
          "InvalidDBClusterStateFault",
          `Database cluster:${cluster.id} should have at least two database instances for failover`,
        );
      const target = input.TargetDBInstanceIdentifier && findInstance(world, region, input.TargetDBInstanceIdentifier);
      if (target && (target.cluster !== cluster.id || target.id === cluster.lead))
        throw refuse("InvalidDBInstanceState", `Instance ${target.id} is not a reader of ${cluster.id}: it cannot become its writer.`);
      if (target && target.status !== "available")
        throw refuse("InvalidDBInstanceState", `Instance ${target.id} should be in valid state for failover: it is ${target.status}.`);
      if (!target && heirs(rds, cluster).length === 0)
        throw refuse(
          "InvalidDBClusterStateFault",
          `Database cluster:${cluster.id} should have at least two database instances in valid states or a valid target instance for failover.`,
        );
      const answer = { DBCluster: toCluster(world, cluster) };
      failOverLater(rds, cluster, 0, target);
      return answer;
    },
  };
}

/** Readers that can take over, the first in line first: by promotion tier, then the larger, then by name. */
function heirs({ world, fleet }: Rds, cluster: ClusterRecord): InstanceRecord[] {
  return membersOf(world, cluster)
    .filter((each) => each.id !== cluster.lead && each.status === "available" && !each.fault && fleet.cluster(each).alive())
    .sort((a, b) => (a.promotionTier ?? 1) - (b.promotionTier ?? 1) || sizeOf(b) - sizeOf(a) || (a.id < b.id ? -1 : 1));
}

/** An order of instance classes: micro to large, then by the number before xlarge. */
function sizeOf({ instanceClass }: InstanceRecord): number {
  const size = instanceClass.split(".").at(-1) ?? "";
  const [, times = "1"] = /^(\d*)xlarge$/.exec(size) ?? [];
  return size.endsWith("xlarge") ? 10 * Number(times || 1) : ["micro", "small", "medium", "large"].indexOf(size);
}

/** Looks after a member that was killed or hangs: a writer is replaced, a reader started again. */
export function watchMember(rds: Rds, record: InstanceRecord): void {
  const { world, fleet } = rds;
  const cluster = clusterOf(world, record);
  if (!cluster || !record.fault) return;
  const notice = async (): Promise<void> => {
    if (!exists(world, record) || !record.fault || cluster.failingOver) return;
    if (cluster.lead !== record.id) await revive(rds, cluster, record);
    else if (heirs(rds, cluster).length > 0) await failOver(rds, cluster);
    else {
      await fleet.pause(world.timings.clusterFailoverMs * ALONE);
      if (record.fault) await revive(rds, cluster, record);
    }
  };
  const late = world.timings.clusterFailoverMs * UNNOTICED;
  fleet.work(late, `noticing that ${record.id} is gone`, record.region, notice, () => {
    if (cluster.failingOver) clusterEvent(world, cluster, "0069");
    cluster.failingOver = undefined;
    // Struck again while it started: that is noticed like any other death.
    if (record.fault) watchMember(rds, record);
    else notRestarted(rds, record);
  });
}

/** A dead or frozen member's server is started again where it is. */
async function revive(rds: Rds, cluster: ClusterRecord, record: InstanceRecord): Promise<void> {
  const { world, fleet } = rds;
  pointNames(rds, cluster);
  await fleet.cluster(record).kill();
  if (!exists(world, record) || record.status === "stopped") return;
  await restart(rds, record);
  pointNames(rds, cluster);
  instanceEvent(world, record, "0006");
}

function failOverLater(rds: Rds, cluster: ClusterRecord, ms: number, target?: InstanceRecord): void {
  cluster.failingOver = true;
  rds.fleet.work(
    ms,
    `failing over ${cluster.id}`,
    cluster.region,
    () => failOver(rds, cluster, target),
    () => {
      cluster.failingOver = undefined;
      clusterEvent(rds.world, cluster, "0069");
    },
  );
}

async function failOver(rds: Rds, cluster: ClusterRecord, target?: InstanceRecord): Promise<void> {
  const { world, fleet } = rds;
  const old = leadOf(world, cluster);
  const chosen = target ?? heirs(rds, cluster)[0];
  if (!old || !chosen) {
    cluster.failingOver = undefined;
    return;
  }
  cluster.failingOver = true;
  world.tell({
    kind: "state",
    region: cluster.region,
    service: "rds",
    what: `the cluster ${cluster.id} fails over from ${old.id} to ${chosen.id}`,
    detail: { cluster: cluster.arn, from: old.arn, to: chosen.arn },
  });
  clusterEvent(world, cluster, chosen.zone === old.zone ? "0072" : "0073", chosen.id);
  // The old writer can write no more before the new one begins.
  await fleet.cluster(old).kill();
  instanceEvent(world, old, "0004");
  const { clusterFailoverMs } = world.timings;
  await fleet.pause(clusterFailoverMs * (0.5 + world.random() / 2) - clusterFailoverMs * UNNOTICED);
  if (!clusterStands(world, cluster)) return;
  const heir = !chosen.fault && exists(world, chosen) ? chosen : heirs(rds, cluster)[0];
  if (heir) await handOver(rds, cluster, old, heir);
  else {
    clusterEvent(world, cluster, "0070", old.id);
    await restart(rds, old);
  }
  pointNames(rds, cluster);
  cluster.failingOver = undefined;
  world.tell({
    kind: "state",
    region: cluster.region,
    service: "rds",
    what: `the cluster ${cluster.id} has failed over to ${(heir ?? old).id}`,
    detail: { cluster: cluster.arn, writer: (heir ?? old).arn },
  });
  instanceEvent(world, heir ?? old, "0006");
  clusterEvent(world, cluster, "0071", (heir ?? old).id);
  if (heir && exists(world, old)) await revive(rds, cluster, old);
  // What struck meanwhile is seen now.
  for (const member of membersOf(world, cluster)) watchMember(rds, member);
}

/** The heir opens the storage; the old lead gets the heir's copy of it, and follows once it is started. */
export async function handOver(rds: Rds, cluster: ClusterRecord, old: InstanceRecord, heir: InstanceRecord): Promise<void> {
  const { fleet } = rds;
  await fleet.cluster(old).kill();
  await fleet.cluster(heir).stop(1500);
  fleet.exchange(old, heir);
  cluster.lead = heir.id;
  heir.replication = undefined;
  await restart(rds, heir);
}

/** DeleteDBInstance of a member. A writer's place goes to a reader first; the last one leaves the storage behind. */
export function deleteMember(rds: Rds, record: InstanceRecord, finalId: string | undefined): void {
  const { world, fleet } = rds;
  const cluster = clusterOf(world, record);
  if (finalId)
    throw refuse("InvalidParameterCombination", "FinalDBSnapshotIdentifier can not be specified when deleting a cluster instance.");
  if (cluster && !isAurora(cluster))
    throw refuse(
      "InvalidDBInstanceState",
      `Instance ${record.id} is a member of the Multi-AZ DB cluster ${cluster.id}: delete the cluster.`,
    );
  if (record.status === "deleting" || record.status === "creating" || cluster?.failingOver)
    throw refuse("InvalidDBInstanceState", `Instance ${record.id} cannot currently be deleted: its status is ${record.status}.`);
  setStatus(world, record, "deleting");
  fleet.work(world.timings.modifyInstanceMs, `deleting ${record.id}`, record.region, () => finishDeletion(rds, record));
}

export async function finishDeletion(rds: Rds, record: InstanceRecord): Promise<void> {
  const { world, fleet } = rds;
  const cluster = clusterOf(world, record);
  const leads = cluster?.lead === record.id;
  const heir = cluster && leads ? heirs(rds, cluster)[0] : undefined;
  if (cluster && heir) await handOver(rds, cluster, record, heir);
  else if (cluster && leads) cluster.lead = undefined;
  await fleet.remove(record, { keep: leads && !heir });
  delete regionState(world, record.region).instances[record.id];
  world.tell({ kind: "state", region: record.region, service: "rds", what: `${record.id} is deleted`, detail: { instance: record.arn } });
  instanceEvent(world, record, "0003");
  if (cluster) pointNames(rds, cluster);
}
