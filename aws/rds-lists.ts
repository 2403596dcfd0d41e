/** All instances of a region, and the end of a snapshot. Nothing decides here. */
import { DeleteDBSnapshotCommand, DescribeDBInstancesCommand, RDSClient } from "@aws-sdk/client-rds";
import type { ListedInstance } from "../core/unclaimed.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";
import { isCode } from "./errors.ts";
import { gently, pagesOf } from "./gently.ts";
import { tagsOf } from "./tags.ts";

const rds = perRegion((region) => new RDSClient({ region, ...CLIENT_SETTINGS }));

/** One call a page of a hundred. */
export async function listInstances(region: string): Promise<ListedInstance[]> {
  const found: ListedInstance[] = [];
  const ask = (Marker?: string) => rds(region).send(new DescribeDBInstancesCommand({ MaxRecords: 100, Marker }));
  for await (const { DBInstances = [] } of pagesOf(region, ask, ({ Marker }) => Marker))
    for (const instance of DBInstances)
      found.push({
        id: instance.DBInstanceIdentifier ?? "",
        region,
        sourceId: instance.ReadReplicaSourceDBInstanceIdentifier ?? instance.ReadReplicaSourceDBClusterIdentifier ?? null,
        clusterId: instance.DBClusterIdentifier ?? null,
        kmsKeyId: instance.KmsKeyId ?? null,
        tags: tagsOf(instance.TagList),
      });
  return found;
}

/** false: RDS does not take it now, as it is not available. One that is gone already is deleted. */
export async function deleteSnapshot(region: string, id: string): Promise<boolean> {
  try {
    await gently(region, () => rds(region).send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: id })));
    return true;
  } catch (error) {
    if (isCode(error, "DBSnapshotNotFound")) return true;
    if (isCode(error, "InvalidDBSnapshotState")) return false;
    throw error;
  }
}
