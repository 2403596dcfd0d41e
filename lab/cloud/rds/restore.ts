/** New instances out of snapshots. What the request does not say is the region's default, not the old instance's setting: groups above all. */
import type { Operation } from "../world.ts";
import { settleWithBackup } from "./backups.ts";
import { refuse } from "./errors.ts";
import { instanceEvent, snapshotEvent } from "./events.ts";
import { flavourNamed } from "./flavours.ts";
import { only, required } from "./input.ts";
import { keyFor } from "./keys.ts";
import { addInstance, failed, NEW_INSTANCE, type Rds } from "./lifecycle.ts";
import { meetNetwork } from "./security.ts";
import { toInstance } from "./shapes.ts";
import { findReadable, isForeign } from "./state.ts";

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
  };
}
