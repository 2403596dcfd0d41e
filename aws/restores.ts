/** New RDS instances out of snapshots and automated backups, beside what there is. Nothing decides here, nothing is deleted. */
import {
  DescribeDBInstancesCommand,
  RDSClient,
  RestoreDBInstanceFromDBSnapshotCommand,
  RestoreDBInstanceToPointInTimeCommand,
} from "@aws-sdk/client-rds";
import type { RecoveryPoint, Source } from "../core/restore.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";
import { isCode } from "./errors.ts";
import { tagList } from "./tags.ts";

const rds = perRegion((region) => new RDSClient({ region, ...CLIENT_SETTINGS }));

/** How the new instance stands in the network and what it is like. What is not said is the region's default (aws-facts A8). */
export interface Restored {
  /** null: the class the backup's instance had. */
  readonly class: string | null;
  readonly securityGroups: readonly string[];
  readonly subnetGroup: string | null;
  readonly parameterGroup: string | null;
  readonly publiclyAccessible: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

export async function restoreInstance(id: string, point: RecoveryPoint, like: Restored): Promise<void> {
  const shared = {
    DBInstanceClass: like.class ?? undefined,
    VpcSecurityGroupIds: [...like.securityGroups],
    DBSubnetGroupName: like.subnetGroup ?? undefined,
    DBParameterGroupName: like.parameterGroup ?? undefined,
    PubliclyAccessible: like.publiclyAccessible,
    Tags: tagList(like.tags),
  };
  if (point.kind === "snapshot") {
    const command = new RestoreDBInstanceFromDBSnapshotCommand({
      DBInstanceIdentifier: id,
      DBSnapshotIdentifier: point.snapshot,
      ...shared,
    });
    await rds(point.region).send(command);
    return;
  }
  await rds(point.region).send(
    new RestoreDBInstanceToPointInTimeCommand({
      TargetDBInstanceIdentifier: id,
      SourceDBInstanceIdentifier: point.source,
      ...(point.latest ? { UseLatestRestorableTime: true } : { RestoreTime: new Date(point.atMs) }),
      ...shared,
    }),
  );
}

/** null: RDS knows no such instance, or it has no automated backups to be restored from. */
export async function automatedBackupsOf(region: string, instance: string): Promise<Source | null> {
  try {
    const { DBInstances } = await rds(region).send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: instance }));
    const latest = DBInstances?.[0]?.LatestRestorableTime;
    return latest ? { instance, region, latestMs: latest.getTime() } : null;
  } catch (error) {
    if (isCode(error, "DBInstanceNotFound")) return null;
    throw error;
  }
}
