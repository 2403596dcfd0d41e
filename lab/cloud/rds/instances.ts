/** Instances from creation to deletion, and the reboot. Changes of a running instance are in modify.ts, replicas in replicas.ts. */
import type { Operation } from "../world.ts";
import { usualWindow } from "./backup-times.ts";
import { dropBackups, settleWithBackup } from "./backups.ts";
import { deleteMember, finishDeletion, watchMember } from "./cluster-failover.ts";
import { createMember } from "./cluster-members.ts";
import { clusterOf } from "./cluster-state.ts";
import { refuse } from "./errors.ts";
import { instanceEvent } from "./events.ts";
import { chooseVersion, flavourNamed } from "./flavours.ts";
import { checkPassword, filters, only, page, required } from "./input.ts";
import { keyFor } from "./keys.ts";
import { addInstance, failed, mustBe, NEW_INSTANCE, notRestarted, type Rds, restart, setStatus } from "./lifecycle.ts";
import { failOverOnRequest, watchZone } from "./multi-az.ts";
import { forgetReplica, orphanReplicas } from "./replicas.ts";
import { meetNetwork } from "./security.ts";
import { subnetGroup, toInstance } from "./shapes.ts";
import { newSnapshot, takeSnapshot } from "./snapshots.ts";
import { findInstance, type InstanceRecord, regionState } from "./state.ts";

export function instanceOperations(rds: Rds): Record<string, Operation> {
  const { world, fleet } = rds;
  const answer = async (record: InstanceRecord) => ({ DBInstance: await toInstance(world, fleet, record) });

  return {
    async CreateDBInstance(input, caller) {
      const { region } = caller;
      if (input.DBClusterIdentifier) return await answer(await createMember(rds, input, region));
      only(
        input,
        "CreateDBInstance",
        ...NEW_INSTANCE,
        "DBName",
        "Engine",
        "EngineVersion",
        "MasterUsername",
        "MasterUserPassword",
        "StorageEncrypted",
        "KmsKeyId",
        "LicenseModel",
      );
      await meetNetwork(world, region);
      const chosen = flavourNamed(required(input, "Engine"));
      if (chosen.name === "aurora-postgresql")
        throw refuse("InvalidParameterCombination", "An instance of aurora-postgresql needs the DBClusterIdentifier of its DB cluster.");
      const engineVersion = await chooseVersion(chosen, input.EngineVersion);
      const masterUser = required(input, "MasterUsername");
      if (!/^[a-z][a-z0-9_]*$/i.test(masterUser) || masterUser.length > chosen.longestUser)
        throw refuse(
          "InvalidParameterValue",
          `The parameter MasterUsername is not valid: 1 to ${chosen.longestUser} letters, digits or underscores, a letter first.`,
        );
      if (chosen.reservedUsers.test(masterUser))
        throw refuse("InvalidParameterValue", `MasterUsername ${masterUser} cannot be used as it is a reserved word used by the engine`);
      const password = checkPassword(required(input, "MasterUserPassword"), chosen.longestPassword);
      const dbName = input.DBName as string | undefined;
      if (dbName !== undefined && !/^[a-z][a-z0-9_]{0,62}$/i.test(dbName))
        throw refuse(
          "InvalidParameterValue",
          `DBName must begin with a letter and contain only letters, digits and underscores: ${dbName}`,
        );
      required(input, "DBInstanceClass");
      required(input, "AllocatedStorage");
      const record = addInstance(rds, region, input, {
        engine: chosen.name,
        engineVersion,
        masterUser,
        dbName,
        instanceClass: "",
        storageGb: 20,
        storageType: "gp3",
        kmsKeyId: input.StorageEncrypted ? await keyFor(world, caller, input.KmsKeyId) : undefined,
        port: chosen.port,
        retentionDays: 1,
        backupWindow: usualWindow(world),
        maintenanceWindow: "sun:04:30-sun:05:00",
      });
      const create = async (): Promise<void> => {
        const cluster = await fleet.fresh(record);
        await cluster.init();
        await fleet.launch(record);
        await cluster.provision({ user: masterUser, password, database: dbName });
        record.hasData = true;
        await fleet.connect(record);
        record.createdAt = world.now();
        instanceEvent(world, record, "0005");
        await settleWithBackup(rds, record);
      };
      fleet.work(world.timings.createInstanceMs, `creating ${record.id}`, region, create, (error) => failed(rds, record, error.message));
      return await answer(record);
    },

    async DescribeDBInstances(input, { region }) {
      const id = input.DBInstanceIdentifier as string | undefined;
      const matches = filters<InstanceRecord>(input.Filters, {
        "db-instance-id": (each) => [each.id, each.arn],
        "dbi-resource-id": (each) => [each.resourceId],
        "db-cluster-id": (each) => [each.cluster],
        engine: (each) => [each.engine],
      });
      const all = id ? [findInstance(world, region, id)] : Object.values(regionState(world, region).instances);
      const { page: shown, marker } = page(all.filter(matches), (each) => each.id, input);
      return { Marker: marker, DBInstances: await Promise.all(shown.map((each) => toInstance(world, fleet, each))) };
    },

    async RebootDBInstance(input, { region }) {
      only(input, "RebootDBInstance", "DBInstanceIdentifier", "ForceFailover");
      const record = findInstance(world, region, required(input, "DBInstanceIdentifier"));
      if (input.ForceFailover && !record.secondZone)
        throw refuse("InvalidParameterCombination", `ForceFailover cannot be specified: ${record.id} is not a Multi-AZ DB instance.`);
      mustBe(record, ["available", "incompatible-parameters"], "reboot");
      if (record.promoting || clusterOf(world, record)?.failingOver)
        throw refuse("InvalidDBInstanceState", `Instance ${record.id} cannot currently reboot due to an in-progress management operation.`);
      setStatus(world, record, "rebooting");
      const reboot = async (): Promise<void> => {
        instanceEvent(world, record, "0004");
        await restart(rds, record, world.timings.rebootMs);
        setStatus(world, record, "available");
        instanceEvent(world, record, "0006");
      };
      if (input.ForceFailover) {
        failOverOnRequest(rds, record);
        return await answer(record);
      }
      fleet.work(0, `rebooting ${record.id}`, region, reboot, () => notRestarted(rds, record));
      return await answer(record);
    },

    async StopDBInstance(input, { region }) {
      only(input, "StopDBInstance", "DBInstanceIdentifier");
      const record = findInstance(world, region, required(input, "DBInstanceIdentifier"));
      if (record.cluster)
        throw refuse("InvalidParameterCombination", `${record.engine} DB instances are not eligible for stopping and starting.`);
      if (record.replicas.length > 0)
        throw refuse("InvalidDBInstanceState", `Instance ${record.id} cannot be stopped: it has read replicas.`);
      if (record.source) throw refuse("InvalidDBInstanceState", `Instance ${record.id} cannot be stopped: it is a read replica.`);
      mustBe(record, ["available"], "be stopped");
      setStatus(world, record, "stopping");
      const stop = async (): Promise<void> => {
        await fleet.cluster(record).stop();
        record.fault = undefined;
        setStatus(world, record, "stopped");
        instanceEvent(world, record, "0087");
      };
      fleet.work(world.timings.modifyInstanceMs, `stopping ${record.id}`, region, stop);
      return await answer(record);
    },

    async StartDBInstance(input, { region }) {
      const record = findInstance(world, region, required(input, "DBInstanceIdentifier"));
      mustBe(record, ["stopped"], "be started");
      setStatus(world, record, "starting");
      const start = async (): Promise<void> => {
        await restart(rds, record);
        setStatus(world, record, "available");
        instanceEvent(world, record, "0088");
      };
      fleet.work(world.timings.rebootMs, `starting ${record.id}`, region, start, () => notRestarted(rds, record));
      return await answer(record);
    },

    async DeleteDBInstance(input, { region }) {
      only(input, "DeleteDBInstance", "DBInstanceIdentifier", "SkipFinalSnapshot", "FinalDBSnapshotIdentifier", "DeleteAutomatedBackups");
      const record = findInstance(world, region, required(input, "DBInstanceIdentifier"));
      const skip = input.SkipFinalSnapshot === true;
      const finalId = input.FinalDBSnapshotIdentifier as string | undefined;
      if (record.deletionProtection)
        throw refuse(
          "InvalidParameterCombination",
          "Cannot delete protected DB Instance, please disable deletion protection and try again.",
        );
      if (skip && finalId)
        throw refuse("InvalidParameterCombination", "FinalDBSnapshotIdentifier cannot be specified when SkipFinalSnapshot is true.");
      if (finalId && record.source)
        throw refuse("InvalidParameterCombination", "FinalDBSnapshotIdentifier can not be specified when deleting a read replica.");
      if (record.cluster) {
        deleteMember(rds, record, finalId);
        return await answer(record);
      }
      if (!skip && !finalId && !record.source)
        throw refuse("InvalidParameterCombination", "FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.");
      if (record.status === "deleting" || record.status === "creating") mustBe(record, ["available"], "be deleted");
      if (!skip && record.status === "failed")
        throw refuse("InvalidDBInstanceState", `Instance ${record.id} is in status failed: it can only be deleted with SkipFinalSnapshot.`);
      const final = finalId ? newSnapshot(rds, record, { DBSnapshotIdentifier: finalId }, "FinalDBSnapshotIdentifier") : undefined;
      setStatus(world, record, "deleting");
      const remove = async (): Promise<void> => {
        if (final) await takeSnapshot(rds, record, final);
        await orphanReplicas(rds, record);
        forgetReplica(world, record);
        await fleet.remove(record);
        if (input.DeleteAutomatedBackups !== false) await dropBackups(rds, record);
        delete regionState(world, region).instances[record.id];
        world.tell({ kind: "state", region, service: "rds", what: `${record.id} is deleted`, detail: { instance: record.arn } });
        instanceEvent(world, record, "0003");
      };
      fleet.work(world.timings.modifyInstanceMs, `deleting ${record.id}`, region, remove);
      return await answer(record);
    },

    DescribeDBSubnetGroups(input, { region }) {
      const name = input.DBSubnetGroupName as string | undefined;
      if (name && name !== "default") throw refuse("DBSubnetGroupNotFoundFault", `DBSubnetGroup ${name} not found.`);
      return { DBSubnetGroups: [subnetGroup(world, region)] };
    },
  };
}

/** Starts again what ran when an earlier lab on the same folder ended, and settles what was under way then. */
export async function resumeInstances(rds: Rds, region: string): Promise<void> {
  const { world } = rds;
  await Promise.all(
    Object.values(regionState(world, region).instances).map(async (record) => {
      try {
        await resume(rds, record);
      } catch (error) {
        world.tell({ kind: "lab", region, service: "rds", what: `${record.id} did not come back: ${(error as Error).message}` });
        notRestarted(rds, record);
      }
    }),
  );
}

async function resume(rds: Rds, record: InstanceRecord): Promise<void> {
  const { world, fleet } = rds;
  if (record.status === "deleting" && record.cluster) return await finishDeletion(rds, record);
  if (record.status === "deleting") {
    await orphanReplicas(rds, record);
    forgetReplica(world, record);
    await fleet.remove(record);
    delete regionState(world, record.region).instances[record.id];
    return;
  }
  if (!record.hasData) {
    failed(rds, record, "the lab ended while it was being created");
    return;
  }
  for (const group of record.groups) if (group.status === "adding") group.status = "active";
  record.groups = record.groups.filter((group) => group.status !== "removing");
  record.failingOver = undefined;
  if (record.status === "failed") return;
  await fleet.connect(record);
  if (record.status === "stopped" || record.status === "stopping") {
    setStatus(world, record, "stopped");
    return;
  }
  if (record.fault?.kind !== "killed") {
    await fleet.launch(record);
    if (record.fault) fleet.cluster(record).hang();
  }
  setStatus(world, record, "available");
  watchZone(rds, record);
  watchMember(rds, record);
}
