/**
 * ModifyDBInstance. Some changes come at once, some after a moment, some wait for ApplyImmediately, as AWS's page says for each:
 * - security groups, deletion protection, the password, tags on snapshots: always now;
 * - a parameter group: associated now, its values taken up at the next reboot;
 * - class, storage, a second zone, retention from or to 0: with ApplyImmediately, else PendingModifiedValues (the lab has no maintenance window).
 */
import type { Operation } from "../world.ts";
import { dropBackups, settleWithBackup } from "./backups.ts";
import { notOfTheCluster } from "./cluster-members.ts";
import { refuse } from "./errors.ts";
import { instanceEvent } from "./events.ts";
import { flavour } from "./flavours.ts";
import { backupWindow, between, checkPassword, only, required } from "./input.ts";
import { checkClass, exists, mustBe, notRestarted, otherZone, type Rds, restart, setStatus } from "./lifecycle.ts";
import { parameterGroupFor } from "./parameters.ts";
import { chooseGroups, meetNetwork } from "./security.ts";
import { toInstance } from "./shapes.ts";
import { findInstance, type InstanceRecord } from "./state.ts";

const MEMBERS = [
  "DBInstanceIdentifier",
  "AllocatedStorage",
  "ApplyImmediately",
  "BackupRetentionPeriod",
  "CopyTagsToSnapshot",
  "DBInstanceClass",
  "DBParameterGroupName",
  "DeletionProtection",
  "MasterUserPassword",
  "MultiAZ",
  "PreferredBackupWindow",
  "PreferredMaintenanceWindow",
  "PromotionTier",
  "PubliclyAccessible",
  "VpcSecurityGroupIds",
];

export function modifyOperations(rds: Rds): Record<string, Operation> {
  const { world, fleet } = rds;

  return {
    async ModifyDBInstance(input, { region }) {
      await meetNetwork(world, region);
      only(input, "ModifyDBInstance", ...MEMBERS);
      const record = findInstance(world, region, required(input, "DBInstanceIdentifier"));
      // Everything is checked before anything changes.
      const tier = between(input.PromotionTier, "PromotionTier", 0, 15);
      if (record.cluster) notOfTheCluster(input);
      const instanceClass = input.DBInstanceClass && checkClass(input.DBInstanceClass);
      const storage = between(input.AllocatedStorage, "AllocatedStorage", record.storageGb, 65_536);
      const retention = between(input.BackupRetentionPeriod, "BackupRetentionPeriod", 0, 35);
      const window = backupWindow(input.PreferredBackupWindow);
      const password = input.MasterUserPassword && checkPassword(input.MasterUserPassword, flavour(record.engine).longestPassword);
      const group = input.DBParameterGroupName && parameterGroupFor(world, region, input.DBParameterGroupName, record);
      const groups = input.VpcSecurityGroupIds?.length ? chooseGroups(world, region, input.VpcSecurityGroupIds) : undefined;
      if (retention === 0 && record.replicas.length > 0)
        throw refuse("InvalidParameterCombination", `Backups of ${record.id} cannot be turned off: it is the source of read replicas.`);
      if (password && record.source)
        throw refuse("InvalidParameterCombination", `The master user password of ${record.id} cannot be changed: it is a read replica.`);
      mustBe(record, ["available"], "be modified");
      if (record.promoting)
        throw refuse("InvalidDBInstanceState", `Instance ${record.id} cannot currently be modified: it is being promoted.`);

      if (record.cluster) record.promotionTier = tier ?? record.promotionTier;
      record.deletionProtection = input.DeletionProtection ?? record.deletionProtection;
      record.copyTagsToSnapshot = input.CopyTagsToSnapshot ?? record.copyTagsToSnapshot;
      record.publiclyAccessible = input.PubliclyAccessible ?? record.publiclyAccessible;
      record.backupWindow = window ?? record.backupWindow;
      record.maintenanceWindow = input.PreferredMaintenanceWindow ?? record.maintenanceWindow;
      if (group && group.name !== record.parameterGroup.name) record.parameterGroup = { name: group.name, status: "pending-reboot" };
      if (groups) moveToGroups(rds, record, groups);

      if (instanceClass && instanceClass !== record.instanceClass) record.pending.DBInstanceClass = instanceClass;
      if (storage !== undefined && storage !== record.storageGb) record.pending.AllocatedStorage = storage;
      if (retention !== undefined && retention !== record.retentionDays) {
        // From one number of days to another nothing happens to the instance, so nothing waits.
        if (retention > 0 && record.retentionDays > 0) record.retentionDays = retention;
        else record.pending.BackupRetentionPeriod = retention;
      }

      if (input.MultiAZ !== undefined && input.MultiAZ !== (record.secondZone !== undefined)) record.pending.MultiAZ = input.MultiAZ;

      const waiting = Object.keys(record.pending).length > 0;
      if (waiting && input.ApplyImmediately) {
        setStatus(world, record, "modifying");
        fleet.work(
          world.timings.modifyInstanceMs,
          `modifying ${record.id}`,
          region,
          () => apply(rds, record),
          () => notRestarted(rds, record),
        );
      } else if (password) {
        setStatus(world, record, "resetting-master-credentials");
      }
      if (password) {
        const reset = async (): Promise<void> => {
          await fleet.cluster(record).setPassword(record.masterUser, password);
          if (record.status === "resetting-master-credentials") setStatus(world, record, "available");
        };
        fleet.work(
          record.status === "modifying" ? 0 : world.timings.modifyInstanceMs,
          `resetting the password of ${record.id}`,
          region,
          reset,
          () => {
            if (record.status === "resetting-master-credentials") setStatus(world, record, "available");
          },
        );
      }
      return { DBInstance: await toInstance(world, fleet, record) };
    },
  };
}

/** Takes up what was pending. A new class, and backups turned on or off, restart the instance: its sessions end. */
async function apply(rds: Rds, record: InstanceRecord): Promise<void> {
  const { world } = rds;
  const { DBInstanceClass, AllocatedStorage, BackupRetentionPeriod, MultiAZ } = record.pending;
  record.instanceClass = DBInstanceClass ?? record.instanceClass;
  record.storageGb = AllocatedStorage ?? record.storageGb;
  record.retentionDays = BackupRetentionPeriod ?? record.retentionDays;
  record.pending = {};
  const first = BackupRetentionPeriod !== undefined && BackupRetentionPeriod > 0;
  if (BackupRetentionPeriod === 0) await dropBackups(rds, record);
  if (MultiAZ !== undefined) {
    // No outage: the standby is made beside the running instance, or goes.
    instanceEvent(world, record, MultiAZ ? "0024" : "0030");
    record.secondZone = MultiAZ ? otherZone(record.zone) : undefined;
    instanceEvent(world, record, MultiAZ ? "0025" : "0029");
  }
  if (DBInstanceClass !== undefined || BackupRetentionPeriod !== undefined) {
    instanceEvent(world, record, "0004");
    await restart(rds, record);
    instanceEvent(world, record, "0006");
  }
  // Where there were none, the first backup is taken at once.
  if (first) await settleWithBackup(rds, record);
  else setStatus(world, record, "available");
}

/** New groups are `adding`, old ones `removing`, until the network has taken them up. Connections that stand are not looked at again. */
export function moveToGroups({ world, fleet }: Rds, record: InstanceRecord, wanted: string[]): void {
  const kept = record.groups.filter((group) => wanted.includes(group.id));
  const gone = record.groups.filter((group) => !wanted.includes(group.id));
  const fresh = wanted.filter((id) => !kept.some((group) => group.id === id));
  if (gone.length === 0 && fresh.length === 0) return;
  record.groups = [
    ...kept.map(({ id }) => ({ id, status: "active" as const })),
    ...fresh.map((id) => ({ id, status: "adding" as const })),
    ...gone.map(({ id }) => ({ id, status: "removing" as const })),
  ];
  fleet.work(world.timings.modifyInstanceMs, `changing the security groups of ${record.id}`, record.region, async () => {
    if (!exists(world, record)) return;
    // A later change has replaced the list meanwhile: that one settles it.
    if (!wanted.every((id) => record.groups.some((group) => group.id === id && group.status !== "removing"))) return;
    record.groups = wanted.map((id) => ({ id, status: "active" }));
    world.tell({
      kind: "state",
      region: record.region,
      service: "rds",
      what: `${record.id} is in the security groups ${wanted.join(", ")}`,
      detail: { instance: record.arn, groups: wanted },
    });
  });
}
