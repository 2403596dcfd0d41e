/**
 * Moves of a global database's primary. A switchover blocks writes, waits until the target has everything, and loses nothing, or is
 * cancelled. A failover takes what the target has; the old primary is made again from the new one as soon as it can be reached.
 */
import { hasApplied, writtenTo } from "../../engines/postgres-position.ts";
import { clusterStands, pointNames, setClusterStatus } from "./cluster-life.ts";
import { openMember } from "./cluster-members.ts";
import type { ClusterRecord, GlobalRecord } from "./cluster-records.ts";
import { keepLostWrites } from "./cluster-snapshots.ts";
import { clusterByArn, leadOf, membersOf } from "./cluster-state.ts";
import { clusterEvent, instanceEvent } from "./events.ts";
import { type Rds, setStatus } from "./lifecycle.ts";
import type { InstanceRecord } from "./state.ts";

/** How many failovers long a switchover waits for its target before it is cancelled. */
const PATIENCE = 10;

export function startMove(rds: Rds, global: GlobalRecord, primary: ClusterRecord, target: ClusterRecord, dataLossAllowed: boolean): void {
  const { world, fleet } = rds;
  global.move = { status: "pending", from: primary.arn, to: target.arn, dataLossAllowed };
  global.status = dataLossAllowed ? "failing-over" : "switching-over";
  const words = dataLossAllowed ? "fails over" : "switches over";
  tell(rds, target, `the global database ${global.id} ${words} from ${primary.region} to ${target.region}`);
  const run = dataLossAllowed ? failOver : switchOver;
  const late = world.timings.clusterFailoverMs / 2;
  fleet.work(
    late,
    `moving ${global.id} to ${target.region}`,
    target.region,
    () => run(rds, global, primary, target),
    () => {
      settle(global);
      clusterEvent(world, target, dataLossAllowed ? "0239" : "0187", placeOf(target));
    },
  );
}

const placeOf = ({ id, region }: ClusterRecord): string => `${id} in Region ${region}`;

function settle(global: GlobalRecord): void {
  global.move = undefined;
  global.status = "available";
}

function tell({ world }: Rds, cluster: ClusterRecord, what: string): void {
  world.tell({ kind: "state", region: cluster.region, service: "rds", what, detail: { cluster: cluster.arn } });
}

async function switchOver(rds: Rds, global: GlobalRecord, primary: ClusterRecord, target: ClusterRecord): Promise<void> {
  const { world, fleet } = rds;
  const [old, heir] = leads(rds, primary, target);
  const both = [primary, target];
  if (global.move) global.move.status = "failing-over";
  for (const each of both) {
    setClusterStatus(world, each, "switching-over");
    clusterEvent(world, each, "0181", placeOf(target));
  }
  // Writes are blocked: sessions end and none begins, until roles have changed or everything is as it was.
  await fleet.disconnect(old);
  if (!(await caughtUp(rds, old, heir))) {
    if (global.move) global.move.status = "cancelling";
    await fleet.connect(old);
    for (const each of both) {
      setClusterStatus(world, each, "available");
      clusterEvent(world, each, "0186", placeOf(target));
    }
    settle(global);
    return;
  }
  for (const member of membersOf(world, primary)) await fleet.cluster(member).stop(1500);
  for (const each of both) clusterEvent(world, each, "0182", placeOf(primary));
  instanceEvent(world, old, "0004");
  await promote(rds, global, primary, target, heir);
  for (const each of both) clusterEvent(world, each, "0184", placeOf(target));
  await Promise.all(global.secondaries.map((arn) => remake(rds, clusterByArn(world, arn))));
  setClusterStatus(world, target, "available");
  settle(global);
  for (const each of both) clusterEvent(world, each, "0185", placeOf(target));
}

/** Whether the heir has all that the old primary wrote, waited for. */
async function caughtUp({ world, fleet }: Rds, old: InstanceRecord, heir: InstanceRecord): Promise<boolean> {
  const patience = world.timings.clusterFailoverMs * PATIENCE;
  try {
    const end = await writtenTo(fleet.cluster(old));
    for (const start = world.now(); world.now() - start < patience; await fleet.pause(10))
      if (await hasApplied(fleet.cluster(heir), end, patience)) return true;
  } catch {
    // A side that does not answer is not caught up.
  }
  return false;
}

async function failOver(rds: Rds, global: GlobalRecord, primary: ClusterRecord, target: ClusterRecord): Promise<void> {
  const { world, fleet } = rds;
  const [old, heir] = leads(rds, primary, target);
  if (global.move) global.move.status = "failing-over";
  setClusterStatus(world, target, "failing-over");
  if (reached(old) && reached(heir)) {
    // Aurora blocks the old primary's writes where it can. Where it cannot, both take writes until it is reached again.
    await fleet.disconnect(old);
    instanceEvent(world, old, "0390", placeOf(primary));
  } else instanceEvent(world, heir, "0391", placeOf(primary));
  // The network that is cut lies between the two: from now on it is the old one that does not reach its source.
  old.partitions.replica = heir.partitions.replica ?? old.partitions.replica;
  heir.partitions.replica = undefined;
  for (const cluster of [primary, ...global.secondaries.map((arn) => clusterByArn(world, arn))])
    if (cluster && cluster !== target) cluster.resync = true;
  await promote(rds, global, primary, target, heir);
  setClusterStatus(world, target, "available");
  settle(global);
  clusterEvent(world, target, "0238", placeOf(target));
  for (const arn of global.secondaries) resyncLater(rds, clusterByArn(world, arn));
}

const reached = (record: InstanceRecord): boolean => record.partitions.replica !== true;

function leads({ world }: Rds, primary: ClusterRecord, target: ClusterRecord): [InstanceRecord, InstanceRecord] {
  const [old, heir] = [leadOf(world, primary), leadOf(world, target)];
  if (!old || !heir) throw new Error(`${old ? target.id : primary.id} has no instances`);
  return [old, heir];
}

/** The target's storage takes writes; roles and names change. */
async function promote(rds: Rds, global: GlobalRecord, primary: ClusterRecord, target: ClusterRecord, heir: InstanceRecord): Promise<void> {
  const { world, fleet } = rds;
  await fleet.cluster(heir).promote();
  global.primary = target.arn;
  global.secondaries = [...global.secondaries.filter((arn) => arn !== target.arn), primary.arn];
  instanceEvent(world, heir, "0006");
  pointNames(rds, target);
  clusterEvent(world, target, "0397");
  tell(rds, target, `${heir.id} in ${target.region} writes for the global database ${global.id}`);
}

/** Once it can be reached, a cluster that may have strayed is made again from the new primary; what it had is kept as a snapshot. */
export function resyncLater(rds: Rds, cluster: ClusterRecord | undefined): void {
  if (!cluster) return;
  const { world, fleet } = rds;
  const resync = async (): Promise<void> => {
    for (let lead = leadOf(world, cluster); lead && (!reached(lead) || cluster.failingOver); lead = leadOf(world, cluster))
      await fleet.pause(20);
    if (!clusterStands(world, cluster)) return;
    clusterEvent(world, cluster, "0240", placeOf(cluster));
    await keepLostWrites(rds, cluster);
    await remake(rds, cluster);
    clusterEvent(world, cluster, "0241", placeOf(cluster));
  };
  fleet.work(0, `resynchronizing ${cluster.id}`, cluster.region, resync, () => setClusterStatus(world, cluster, "failed"));
}

/** Makes a secondary cluster's storage, and its readers' copies, again from its primary. */
async function remake(rds: Rds, cluster: ClusterRecord | undefined): Promise<void> {
  if (!cluster) return;
  const { world, fleet } = rds;
  const members = membersOf(world, cluster);
  cluster.hasData = false;
  for (const member of members) {
    setStatus(world, member, "rebooting");
    await fleet.cluster(member).kill();
    await fleet.disconnect(member);
    member.fault = undefined;
  }
  const lead = leadOf(world, cluster);
  for (const member of [lead, ...members.filter((each) => each !== lead)]) {
    if (!member) continue;
    await openMember(rds, cluster, member);
    setStatus(world, member, "available");
    instanceEvent(world, member, "0006");
  }
  cluster.resync = undefined;
  setClusterStatus(world, cluster, "available");
  pointNames(rds, cluster);
}

/** A secondary cluster leaves its global database and takes writes of its own. */
export function withdraw(rds: Rds, global: GlobalRecord, cluster: ClusterRecord): void {
  const { world, fleet } = rds;
  const leave = async (): Promise<void> => {
    const lead = leadOf(world, cluster);
    if (lead) await fleet.cluster(lead).promote();
    global.secondaries = global.secondaries.filter((arn) => arn !== cluster.arn);
    cluster.global = undefined;
    if (lead) lead.partitions.replica = undefined;
    setClusterStatus(world, cluster, "available");
    pointNames(rds, cluster);
  };
  fleet.work(world.timings.promoteLingerMs, `taking ${cluster.id} out of ${global.id}`, cluster.region, leave, () =>
    setClusterStatus(world, cluster, "available"),
  );
}
