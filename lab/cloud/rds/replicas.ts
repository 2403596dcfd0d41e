/**
 * Read replicas: creation from a running source, promotion, and what becomes of them when the source is deleted.
 * Replication is the engine's own; this file makes links and cuts them.
 */
import type { Operation, World } from "../world.ts";
import { refuse } from "./errors.ts";
import { instanceEvent } from "./events.ts";
import { flavour } from "./flavours.ts";
import { backupWindow, between, only, required } from "./input.ts";
import { keyFor } from "./keys.ts";
import { addInstance, exists, failed, mustBe, NEW_INSTANCE, type Rds, setStatus } from "./lifecycle.ts";
import { meetNetwork } from "./security.ts";
import { toInstance } from "./shapes.ts";
import { findInstance, type InstanceRecord, instanceByArn, parseArn } from "./state.ts";

const REPLICAS_OF_ONE_SOURCE = 15;

export function replicaOperations(rds: Rds): Record<string, Operation> {
  const { world, fleet } = rds;
  const answer = async (record: InstanceRecord) => ({ DBInstance: await toInstance(world, fleet, record) });

  return {
    async CreateDBInstanceReadReplica(input, caller) {
      const { region } = caller;
      const members = NEW_INSTANCE.filter(
        (member) => !["BackupRetentionPeriod", "PreferredBackupWindow", "PreferredMaintenanceWindow"].includes(member),
      );
      only(input, "CreateDBInstanceReadReplica", ...members, "SourceDBInstanceIdentifier", "KmsKeyId", "PreSignedUrl");
      await meetNetwork(world, region);
      const wanted = required(input, "SourceDBInstanceIdentifier");
      const source = findInstance(world, parseArn(wanted)?.region ?? region, wanted);
      const near = source.region === region;
      if (source.cluster)
        throw refuse(
          "InvalidParameterCombination",
          `${source.id} is a member of a DB cluster: the lab's RDS models replicas of single instances.`,
        );
      if (input.DBParameterGroupName && !flavour(source.engine).replicaChoosesParameters)
        throw refuse("InvalidParameterCombination", "DBParameterGroupName cannot be specified for a PostgreSQL read replica.");
      if (source.retentionDays === 0) {
        throw refuse(
          "InvalidDBInstanceState",
          "Automated backups are not enabled for this database instance. To enable automated backups, use ModifyDBInstance to set the backup retention period to a non-zero value.",
        );
      }
      if (source.replicas.length >= REPLICAS_OF_ONE_SOURCE)
        throw refuse("InstanceQuotaExceeded", `${source.id} has ${REPLICAS_OF_ONE_SOURCE} read replicas already.`);
      if (!near && source.kmsKeyId && !input.KmsKeyId)
        throw refuse(
          "InvalidParameterCombination",
          `${source.id} is encrypted: a replica in another region needs the KmsKeyId of a key in ${region}.`,
        );
      // Beside its source a replica lives under the source's key, whatever is asked for.
      const kmsKeyId = source.kmsKeyId && (await keyFor(world, caller, near ? source.kmsKeyId : input.KmsKeyId));
      mustBe(source, ["available"], "be replicated");

      const record = addInstance(rds, region, input, {
        engine: source.engine,
        engineVersion: source.engineVersion,
        masterUser: source.masterUser,
        dbName: source.dbName,
        instanceClass: source.instanceClass,
        storageGb: source.storageGb,
        storageType: source.storageType,
        kmsKeyId,
        port: source.port,
        retentionDays: 0,
        backupWindow: source.backupWindow,
        maintenanceWindow: source.maintenanceWindow,
        // Across regions a replica gets that region's defaults.
        parameterGroup: near ? source.parameterGroup.name : undefined,
        groups: near ? source.groups.filter((group) => group.status !== "removing").map((group) => group.id) : undefined,
      });
      record.source = source.arn;
      source.replicas.push(record.arn);
      if (!near) setStatus(world, source, "modifying");
      const settleSource = (): void => {
        if (source.status === "modifying") setStatus(world, source, "available");
      };
      const create = async (): Promise<void> => {
        const cluster = await fleet.fresh(record);
        await cluster.initAsStandby(fleet.cluster(source), await fleet.upstreamPort(record));
        settleSource();
        record.hasData = true;
        await fleet.launch(record);
        await fleet.connect(record);
        record.createdAt = world.now();
        setStatus(world, record, "available");
        instanceEvent(world, record, "0005");
        instanceEvent(world, record, "0046");
      };
      fleet.work(world.timings.createInstanceMs, `creating the replica ${record.id}`, region, create, (error) => {
        settleSource();
        instanceEvent(world, record, "0202");
        failed(rds, record, error.message);
      });
      return await answer(record);
    },

    async PromoteReadReplica(input, { region }) {
      only(input, "PromoteReadReplica", "DBInstanceIdentifier", "BackupRetentionPeriod", "PreferredBackupWindow");
      const record = findInstance(world, region, required(input, "DBInstanceIdentifier"));
      const retentionDays = between(input.BackupRetentionPeriod, "BackupRetentionPeriod", 0, 35) ?? 1;
      const window = backupWindow(input.PreferredBackupWindow);
      if (!record.source) throw refuse("InvalidDBInstanceState", `DB Instance ${record.id} is not a read replica.`);
      mustBe(record, ["available"], "be promoted");
      if (record.promoting) throw refuse("InvalidDBInstanceState", `DB Instance ${record.id} is already being promoted.`);
      if (retentionDays === 0 && record.replicas.length > 0)
        throw refuse("InvalidParameterCombination", `Backups of ${record.id} cannot be turned off: it is the source of read replicas.`);
      record.promoting = { retentionDays, backupWindow: window };
      world.tell({
        kind: "state",
        region,
        service: "rds",
        what: `${record.id} is asked to become a primary`,
        detail: { instance: record.arn },
      });
      promoteLater(rds, record);
      return await answer(record);
    },
  };
}

/** A promotion asked for: for a moment the replica still looks untouched, then the work begins. */
export function promoteLater(rds: Rds, record: InstanceRecord): void {
  const { world, fleet } = rds;
  fleet.work(
    world.timings.promoteLingerMs,
    `promoting ${record.id}`,
    record.region,
    () => promote(rds, record),
    () => {
      // AWS leaves a replica that could not be promoted as it was.
      record.promoting = undefined;
      setStatus(world, record, "available");
    },
  );
}

/**
 * Ends replication, restarts: sessions end. RDS's page promises nothing of changes received and not applied; what the engine does then
 * is what happens. No event says "promoted"; there is none on AWS.
 */
async function promote(rds: Rds, record: InstanceRecord): Promise<void> {
  const { world, fleet } = rds;
  if (!exists(world, record) || !record.promoting) return;
  setStatus(world, record, "modifying");
  const cluster = fleet.cluster(record);
  if (!cluster.alive()) {
    // A dead or frozen replica is brought back first: promotion needs a server that answers.
    await cluster.kill();
    record.fault = undefined;
    await fleet.launch(record);
  }
  if (cluster.isStandby()) await cluster.promote();
  forgetReplica(world, record);
  record.source = undefined;
  record.replication = undefined;
  record.partitions.replica = undefined;
  await fleet.detach(record);
  setStatus(world, record, "rebooting");
  instanceEvent(world, record, "0004");
  await cluster.stop(1500);
  await fleet.launch(record);
  record.retentionDays = record.promoting.retentionDays;
  record.backupWindow = record.promoting.backupWindow ?? record.backupWindow;
  record.promoting = undefined;
  setStatus(world, record, "available");
  instanceEvent(world, record, "0006");
}

/** Takes the replica off its source's list. */
export function forgetReplica(world: World, record: InstanceRecord): void {
  const source = instanceByArn(world, record.source ?? "");
  if (source) source.replicas = source.replicas.filter((arn) => arn !== record.arn);
}

/** The source goes: replicas beside it become primaries, MySQL's and MariaDB's everywhere; PostgreSQL's in other regions are `terminated` until promoted by hand. */
export async function orphanReplicas(rds: Rds, source: InstanceRecord): Promise<void> {
  const { world, fleet } = rds;
  for (const replica of source.replicas.map((arn) => instanceByArn(world, arn))) {
    if (!replica) continue;
    const rises = replica.region === source.region || flavour(replica.engine).orphansPromoteEverywhere;
    if (rises && replica.status === "available") {
      replica.promoting ??= { retentionDays: 1 };
      promoteLater(rds, replica);
      continue;
    }
    replica.replication = "terminated";
    await fleet.cluster(replica).follow(undefined);
    instanceEvent(world, replica, "0057");
    world.tell({
      kind: "state",
      region: replica.region,
      service: "rds",
      what: `replication of ${replica.id} is terminated: its source was deleted`,
      detail: { instance: replica.arn },
    });
  }
}
