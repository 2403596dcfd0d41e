/** Changes of a running DB cluster: modified, rebooted, stopped, started, deleted. */
import type { Operation } from "../world.ts";
import { clusterMustBe, clusterStands, pointNames, setClusterStatus } from "./cluster-life.ts";
import type { ClusterRecord } from "./cluster-records.ts";
import { toCluster } from "./cluster-shapes.ts";
import { newClusterSnapshot, takeClusterSnapshot } from "./cluster-snapshots.ts";
import { clusterEndpoint, findCluster, isAurora, leadOf, membersOf } from "./cluster-state.ts";
import { refuse } from "./errors.ts";
import { clusterEvent, instanceEvent } from "./events.ts";
import { flavour } from "./flavours.ts";
import { resyncLater } from "./global-moves.ts";
import { between, checkPassword, only, required } from "./input.ts";
import { type Rds, restart, setStatus } from "./lifecycle.ts";
import { moveToGroups } from "./modify.ts";
import { chooseGroups } from "./security.ts";
import { type InstanceRecord, regionState } from "./state.ts";

const MODIFIABLE = [
  "DBClusterIdentifier",
  "ApplyImmediately",
  "BackupRetentionPeriod",
  "CopyTagsToSnapshot",
  "DeletionProtection",
  "MasterUserPassword",
  "PreferredBackupWindow",
  "PreferredMaintenanceWindow",
  "VpcSecurityGroupIds",
];

export function clusterChangeOperations(rds: Rds): Record<string, Operation> {
  const { world, fleet } = rds;
  const answer = (cluster: ClusterRecord) => ({ DBCluster: toCluster(world, cluster) });
  /** Does something to every member, the lead first, and settles the cluster. */
  const all = (cluster: ClusterRecord, ms: number, what: string, to: string, each: (member: InstanceRecord) => Promise<void>): void => {
    const lead = leadOf(world, cluster);
    const run = async (): Promise<void> => {
      if (lead) await each(lead);
      await Promise.all(membersOf(world, cluster).map((member) => (member === lead ? undefined : each(member))));
      pointNames(rds, cluster);
      setClusterStatus(world, cluster, to);
      if (to === "stopped") clusterEvent(world, cluster, "0150");
      else if (what === "starting") clusterEvent(world, cluster, "0151");
    };
    fleet.work(ms, `${what} ${cluster.id}`, cluster.region, run);
  };

  return {
    ModifyDBCluster(input, { region }) {
      only(input, "ModifyDBCluster", ...MODIFIABLE);
      const cluster = findCluster(world, region, required(input, "DBClusterIdentifier"));
      const retention = between(input.BackupRetentionPeriod, "BackupRetentionPeriod", 1, 35);
      const password = input.MasterUserPassword && checkPassword(input.MasterUserPassword, flavour(cluster.engine).longestPassword);
      const groups = input.VpcSecurityGroupIds?.length ? chooseGroups(world, region, input.VpcSecurityGroupIds) : undefined;
      clusterMustBe(cluster, ["available"], "be modified");
      cluster.deletionProtection = input.DeletionProtection ?? cluster.deletionProtection;
      cluster.copyTagsToSnapshot = input.CopyTagsToSnapshot ?? cluster.copyTagsToSnapshot;
      cluster.backupWindow = input.PreferredBackupWindow ?? cluster.backupWindow;
      cluster.maintenanceWindow = input.PreferredMaintenanceWindow ?? cluster.maintenanceWindow;
      cluster.retentionDays = retention ?? cluster.retentionDays;
      for (const member of membersOf(world, cluster)) {
        member.retentionDays = cluster.retentionDays;
        if (groups) moveToGroups(rds, member, groups);
      }
      cluster.groups = groups ?? cluster.groups;
      if (password) {
        const lead = leadOf(world, cluster);
        const reset = async (): Promise<void> => {
          if (lead) await fleet.cluster(lead).setPassword(cluster.masterUser, password);
          setClusterStatus(world, cluster, "available");
        };
        setClusterStatus(world, cluster, "resetting-master-credentials");
        fleet.work(world.timings.modifyInstanceMs, `resetting the password of ${cluster.id}`, region, reset, () =>
          setClusterStatus(world, cluster, "available"),
        );
      }
      return answer(cluster);
    },

    RebootDBCluster(input, { region }) {
      only(input, "RebootDBCluster", "DBClusterIdentifier");
      const cluster = findCluster(world, region, required(input, "DBClusterIdentifier"));
      if (isAurora(cluster))
        throw refuse("InvalidParameterCombination", `${cluster.id} is an Aurora cluster: RebootDBCluster is for Multi-AZ DB clusters.`);
      clusterMustBe(cluster, ["available"], "be rebooted");
      setClusterStatus(world, cluster, "rebooting");
      all(cluster, 0, "rebooting", "available", async (member) => {
        setStatus(world, member, "rebooting");
        instanceEvent(world, member, "0004");
        await restart(rds, member, world.timings.rebootMs);
        setStatus(world, member, "available");
        instanceEvent(world, member, "0006");
      });
      return answer(cluster);
    },

    StopDBCluster(input, { region }) {
      only(input, "StopDBCluster", "DBClusterIdentifier");
      const cluster = findCluster(world, region, required(input, "DBClusterIdentifier"));
      clusterMustBe(cluster, ["available"], "be stopped");
      if (cluster.global)
        throw refuse("InvalidDBClusterStateFault", `DbCluster ${cluster.id} cannot be stopped: it is in a global database.`);
      setClusterStatus(world, cluster, "stopping");
      for (const member of membersOf(world, cluster)) setStatus(world, member, "stopping");
      all(cluster, world.timings.modifyInstanceMs, "stopping", "stopped", async (member) => {
        await fleet.cluster(member).stop();
        member.fault = undefined;
        setStatus(world, member, "stopped");
      });
      return answer(cluster);
    },

    StartDBCluster(input, { region }) {
      only(input, "StartDBCluster", "DBClusterIdentifier");
      const cluster = findCluster(world, region, required(input, "DBClusterIdentifier"));
      clusterMustBe(cluster, ["stopped"], "be started");
      setClusterStatus(world, cluster, "starting");
      for (const member of membersOf(world, cluster)) setStatus(world, member, "starting");
      all(cluster, world.timings.rebootMs, "starting", "available", async (member) => {
        await restart(rds, member);
        setStatus(world, member, "available");
      });
      return answer(cluster);
    },

    DeleteDBCluster(input, { region }) {
      only(input, "DeleteDBCluster", "DBClusterIdentifier", "SkipFinalSnapshot", "FinalDBSnapshotIdentifier", "DeleteAutomatedBackups");
      const cluster = findCluster(world, region, required(input, "DBClusterIdentifier"));
      const skip = input.SkipFinalSnapshot === true;
      const finalId = input.FinalDBSnapshotIdentifier as string | undefined;
      if (cluster.deletionProtection)
        throw refuse("InvalidParameterCombination", "Cannot delete protected Cluster, please disable deletion protection and try again.");
      if (skip && finalId)
        throw refuse("InvalidParameterCombination", "FinalDBSnapshotIdentifier cannot be specified when SkipFinalSnapshot is true.");
      if (!skip && !finalId)
        throw refuse("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.");
      if (cluster.global)
        throw refuse("InvalidDBClusterStateFault", "This cluster is a part of a global cluster, please remove it from globalcluster first");
      clusterMustBe(cluster, ["available", "stopped", "failed"], "be deleted");
      const members = membersOf(world, cluster);
      if (isAurora(cluster) && members.some((each) => each.status !== "deleting"))
        throw refuse("InvalidDBClusterStateFault", "Cluster cannot be deleted, it still contains DB instances in non-deleting state.");
      const final = finalId
        ? newClusterSnapshot(rds, cluster, { DBClusterSnapshotIdentifier: finalId }, "FinalDBSnapshotIdentifier")
        : undefined;
      setClusterStatus(world, cluster, "deleting");
      for (const member of members) setStatus(world, member, "deleting");
      const remove = async (): Promise<void> => {
        if (final) await takeClusterSnapshot(rds, cluster, final);
        // An Aurora member that is on its way out goes by itself.
        while (isAurora(cluster) && membersOf(world, cluster).length > 0) await fleet.pause(10);
        await forgetCluster(rds, cluster);
      };
      fleet.work(world.timings.modifyInstanceMs, `deleting the cluster ${cluster.id}`, region, remove);
      return answer(cluster);
    },
  };
}

/** Settles what was under way when an earlier lab on the same folder ended; its instances run again by now. */
export async function resumeClusters(rds: Rds, region: string): Promise<void> {
  const { world } = rds;
  for (const cluster of Object.values(regionState(world, region).clusters)) {
    cluster.failingOver = undefined;
    if (cluster.status === "deleting") await forgetCluster(rds, cluster);
    else if (cluster.status === "creating" && !cluster.hasData && !cluster.global) setClusterStatus(world, cluster, "failed");
    else if (cluster.status === "stopping") setClusterStatus(world, cluster, "stopped");
    else if (!["stopped", "failed"].includes(cluster.status)) setClusterStatus(world, cluster, "available");
    pointNames(rds, cluster);
    if (cluster.resync) resyncLater(rds, cluster);
  }
}

/** The cluster, its members, its storage and its names are gone. */
export async function forgetCluster(rds: Rds, cluster: ClusterRecord): Promise<void> {
  const { world, fleet } = rds;
  const { instances, clusters } = regionState(world, cluster.region);
  for (const member of membersOf(world, cluster)) {
    await fleet.remove(member);
    delete instances[member.id];
    instanceEvent(world, member, "0003");
  }
  await fleet.volume(cluster).destroy();
  if (clusterStands(world, cluster) || clusters[cluster.id] === cluster) delete clusters[cluster.id];
  for (const which of ["writer", "reader"] as const) fleet.lead(clusterEndpoint(world, cluster, which), []);
  world.tell({
    kind: "state",
    region: cluster.region,
    service: "rds",
    what: `the cluster ${cluster.id} is deleted`,
    detail: { cluster: cluster.arn },
  });
  clusterEvent(world, cluster, "0171");
}
