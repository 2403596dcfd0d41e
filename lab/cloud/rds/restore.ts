/** New instances out of snapshots, and out of automated backups with the log since (PostgreSQL). What the request does not say is the region's default, not the old instance's setting: groups above all. */
import type { Operation } from "../world.ts";
import { automatedOf, latestRestorable } from "./backup-times.ts";
import { settleWithBackup } from "./backups.ts";
import { refuse } from "./errors.ts";
import { instanceEvent, snapshotEvent } from "./events.ts";
import { flavourNamed } from "./flavours.ts";
import { only, required } from "./input.ts";
import { keyFor } from "./keys.ts";
import { addInstance, failed, NEW_INSTANCE, type Rds } from "./lifecycle.ts";
import { meetNetwork } from "./security.ts";
import { toInstance } from "./shapes.ts";
import { findInstance, findReadable, isForeign } from "./state.ts";

export function restoreOperations(rds: Rds): Record<string, Operation> {
  const { world, fleet } = rds;

  return {
    async RestoreDBInstanceFromDBSnapshot(input, caller) {
      const { region } = caller;
      const members = NEW_INSTANCE.filter((member) => member !== "PreferredMaintenanceWindow");
      only(input, "RestoreDBInstanceFromDBSnapshot", ...members, "DBSnapshotIdentifier", "Engine", "LicenseModel");
      await meetNetwork(world, region);
      const snapshot = findReadable(world, region, required(input, "DBSnapshotIdentifier"));
      if (isForeign(world, snapshot) && snapshot.kmsKeyId)
        throw refuse(
          "InvalidParameterCombination",
          `${snapshot.id} is encrypted and another account's: it cannot be restored directly. Copy it with a KmsKeyId of your own, and restore the copy.`,
        );
      if (input.Engine && flavourNamed(input.Engine).name !== snapshot.engine)
        throw refuse("InvalidParameterCombination", `${snapshot.id} holds ${snapshot.engine}: it cannot be restored to ${input.Engine}.`);
      if (snapshot.status !== "available")
        throw refuse(
          "InvalidDBSnapshotState",
          `The snapshot ${snapshot.id} cannot be restored: its status is ${snapshot.status}, not available.`,
        );
      const kmsKeyId = snapshot.kmsKeyId && (await keyFor(world, caller, snapshot.kmsKeyId));
      const record = addInstance(rds, region, input, {
        engine: snapshot.engine,
        engineVersion: snapshot.engineVersion,
        masterUser: snapshot.masterUser,
        dbName: snapshot.dbName,
        instanceClass: "db.t3.medium",
        storageGb: snapshot.storageGb,
        storageType: snapshot.storageType,
        kmsKeyId,
        port: snapshot.port,
        retentionDays: snapshot.retentionDays,
        backupWindow: snapshot.backupWindow,
        maintenanceWindow: "sun:04:30-sun:05:00",
      });
      const started = world.now();
      const restore = async (): Promise<void> => {
        const cluster = await fleet.fresh(record);
        await cluster.initFrom(fleet.snapshotFolder(snapshot));
        await fleet.launch(record);
        record.hasData = true;
        await fleet.pause(world.timings.restoreMs - (world.now() - started));
        await fleet.connect(record);
        record.createdAt = world.now();
        instanceEvent(world, record, "0005");
        await settleWithBackup(rds, record);
        snapshotEvent(world, snapshot, "0043", snapshot.id);
      };
      fleet.work(0, `restoring ${record.id} from ${snapshot.id}`, region, restore, (error) => failed(rds, record, error.message));
      return { DBInstance: await toInstance(world, fleet, record) };
    },

    async RestoreDBInstanceToPointInTime(input, { region }) {
      const members = NEW_INSTANCE.filter((member) => !["DBInstanceIdentifier", "PreferredMaintenanceWindow"].includes(member));
      const own = ["TargetDBInstanceIdentifier", "SourceDBInstanceIdentifier", "RestoreTime", "UseLatestRestorableTime"];
      only(input, "RestoreDBInstanceToPointInTime", ...members, ...own);
      await meetNetwork(world, region);
      const source = findInstance(world, region, required(input, "SourceDBInstanceIdentifier"));
      const id = required(input, "TargetDBInstanceIdentifier");
      const latest = latestRestorable(world, source)?.getTime();
      if (latest === undefined)
        throw refuse("PointInTimeRestoreNotEnabled", `${source.id} has no automated backups, so it cannot be restored to a point in time.`);
      if ((input.UseLatestRestorableTime === true) === (input.RestoreTime !== undefined))
        throw refuse("InvalidParameterCombination", "Give either RestoreTime or UseLatestRestorableTime.");
      const atMs = input.UseLatestRestorableTime ? latest : new Date(input.RestoreTime).getTime();
      const before = automatedOf(world, source)
        .filter(({ status, databaseAt }) => status === "available" && (databaseAt ?? 0) <= atMs)
        .sort((a, b) => (b.databaseAt ?? 0) - (a.databaseAt ?? 0));
      const [backup] = before;
      if (!backup || atMs > latest)
        throw refuse(
          "InvalidRestoreFault",
          `The specified instance cannot be restored to a time earlier than its oldest backup or later than ${new Date(latest).toISOString()}.`,
        );
      const cluster = fleet.cluster(source);
      if (!cluster.initAt)
        throw refuse("InvalidRestoreFault", `The lab replays no log of ${source.engine}: restore from a snapshot (docs/lab.md).`);
      const record = addInstance(
        rds,
        region,
        { ...input, DBInstanceIdentifier: id },
        {
          ...source,
          instanceClass: source.instanceClass,
          maintenanceWindow: "sun:04:30-sun:05:00",
          parameterGroup: undefined,
          groups: undefined,
        },
      );
      const started = world.now();
      const restore = async (): Promise<void> => {
        const made = await fleet.fresh(record);
        await made.initAt?.(fleet.snapshotFolder(backup), cluster, atMs);
        await fleet.launch(record);
        record.hasData = true;
        await fleet.pause(world.timings.restoreMs - (world.now() - started));
        await fleet.connect(record);
        record.createdAt = world.now();
        instanceEvent(world, record, "0005");
        await settleWithBackup(rds, record);
      };
      const what = `restoring ${record.id} from ${source.id} as of ${new Date(atMs).toISOString()}`;
      fleet.work(0, what, region, restore, (error) => failed(rds, record, error.message));
      return { DBInstance: await toInstance(world, fleet, record) };
    },
  };
}
