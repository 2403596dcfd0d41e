/** What guards an RDS instance, read and set, in the words of `core/protections.ts`. Nothing decides here. */
import {
  AddTagsToResourceCommand,
  type DBInstance,
  DescribeDBInstancesCommand,
  ModifyDBInstanceCommand,
  RDSClient,
} from "@aws-sdk/client-rds";
import type { Changes, Held } from "../core/protections.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";
import { isCode, isRefusal } from "./errors.ts";
import { tagList } from "./tags.ts";

const rds = perRegion((region) => new RDSClient({ region, ...CLIENT_SETTINGS }));

/** null when RDS knows no such instance. */
export async function describeHeld(region: string, id: string): Promise<Held | null> {
  try {
    const { DBInstances } = await rds(region).send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: id }));
    const found = DBInstances?.[0];
    return found ? heldOf(region, found) : null;
  } catch (error) {
    if (isCode(error, "DBInstanceNotFound")) return null;
    throw error;
  }
}

function heldOf(region: string, instance: DBInstance): Held {
  return {
    instance: instance.DBInstanceIdentifier ?? "",
    region,
    arn: instance.DBInstanceArn ?? "",
    status: instance.DBInstanceStatus ?? "unknown",
    protections: {
      backupRetentionDays: instance.BackupRetentionPeriod ?? null,
      backupWindow: instance.PreferredBackupWindow ?? null,
      maintenanceWindow: instance.PreferredMaintenanceWindow ?? null,
      multiAz: instance.MultiAZ ?? null,
      deletionProtection: instance.DeletionProtection ?? null,
      parameterGroup: instance.DBParameterGroups?.[0]?.DBParameterGroupName ?? null,
      copyTagsToSnapshot: instance.CopyTagsToSnapshot ?? null,
      storageLimitGb: instance.MaxAllocatedStorage ?? null,
      performanceInsights: instance.PerformanceInsightsEnabled ?? null,
      monitoringSeconds: instance.MonitoringInterval ?? null,
      iamAuthentication: instance.IAMDatabaseAuthenticationEnabled ?? null,
      logExports: instance.EnabledCloudwatchLogsExports ?? [],
    },
    tags: Object.fromEntries((instance.TagList ?? []).map((tag) => [tag.Key ?? "", tag.Value ?? ""])),
    storageGb: instance.AllocatedStorage ?? null,
    pending: Object.entries(instance.PendingModifiedValues ?? {}).flatMap(([name, value]) => (value === undefined ? [] : [name])),
  };
}

/** null: RDS has taken it. "later": not in this state, or nothing came back. Any other text is RDS's reason for refusing. */
export async function changeProtections(
  region: string,
  id: string,
  changes: Changes,
): Promise<null | { later: string } | { refused: string }> {
  try {
    await rds(region).send(
      new ModifyDBInstanceCommand({
        DBInstanceIdentifier: id,
        BackupRetentionPeriod: changes.backupRetentionDays ?? undefined,
        PreferredBackupWindow: changes.backupWindow ?? undefined,
        PreferredMaintenanceWindow: changes.maintenanceWindow ?? undefined,
        MultiAZ: changes.multiAz ?? undefined,
        DeletionProtection: changes.deletionProtection ?? undefined,
        DBParameterGroupName: changes.parameterGroup ?? undefined,
        CopyTagsToSnapshot: changes.copyTagsToSnapshot ?? undefined,
        MaxAllocatedStorage: changes.storageLimitGb ?? undefined,
        // Only a second zone would wait for the maintenance window otherwise (ModifyDBInstance).
        ...(changes.multiAz ? { ApplyImmediately: true } : {}),
      }),
    );
    return null;
  } catch (error) {
    const { message } = error as Error;
    return isRefusal(error) && !isCode(error, "InvalidDBInstanceState") ? { refused: message } : { later: message };
  }
}

export async function addTags(region: string, arn: string, tags: Readonly<Record<string, string>>): Promise<void> {
  const Tags = tagList(tags);
  await rds(region).send(new AddTagsToResourceCommand({ ResourceName: arn, Tags }));
}
