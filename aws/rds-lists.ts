/** All instances and all manual DB snapshots of a region, and the end of a snapshot. Nothing decides here. */
import { DeleteDBSnapshotCommand, DescribeDBInstancesCommand, DescribeDBSnapshotsCommand, RDSClient, type Tag } from "@aws-sdk/client-rds";
import type { Listed } from "../core/catalogue.ts";
import type { ListedInstance } from "../core/unclaimed.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";
import { isCode } from "./errors.ts";

const rds = perRegion((region) => new RDSClient({ region, ...CLIENT_SETTINGS }));

/** One call a page of a hundred; the tags come with it, so none is asked for by itself (DescribeDBSnapshots). */
export async function listManualSnapshots(region: string): Promise<Listed[]> {
  const found: Listed[] = [];
  let Marker: string | undefined;
  do {
    const page = await rds(region).send(new DescribeDBSnapshotsCommand({ SnapshotType: "manual", MaxRecords: 100, Marker }));
    for (const snapshot of page.DBSnapshots ?? [])
      found.push({
        id: snapshot.DBSnapshotIdentifier ?? "",
        region,
        status: snapshot.Status ?? "unknown",
        takenAtMs: (snapshot.OriginalSnapshotCreateTime ?? snapshot.SnapshotCreateTime)?.getTime() ?? null,
        encrypted: snapshot.Encrypted ?? false,
        kmsKeyId: snapshot.KmsKeyId ?? null,
        tags: tagsOf(snapshot.TagList),
      });
    Marker = page.Marker;
  } while (Marker);
  return found;
}

const tagsOf = (list: readonly Tag[] = []) => Object.fromEntries(list.map(({ Key, Value }) => [Key ?? "", Value ?? ""]));

/** One call a page of a hundred. */
export async function listInstances(region: string): Promise<ListedInstance[]> {
  const found: ListedInstance[] = [];
  let Marker: string | undefined;
  do {
    const page = await rds(region).send(new DescribeDBInstancesCommand({ MaxRecords: 100, Marker }));
    for (const instance of page.DBInstances ?? [])
      found.push({
        id: instance.DBInstanceIdentifier ?? "",
        region,
        sourceId: instance.ReadReplicaSourceDBInstanceIdentifier ?? instance.ReadReplicaSourceDBClusterIdentifier ?? null,
        clusterId: instance.DBClusterIdentifier ?? null,
        tags: tagsOf(instance.TagList),
      });
    Marker = page.Marker;
  } while (Marker);
  return found;
}

/** false: RDS does not take it now, as it is not available. One that is gone already is deleted. */
export async function deleteSnapshot(region: string, id: string): Promise<boolean> {
  try {
    await rds(region).send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: id }));
    return true;
  } catch (error) {
    if (isCode(error, "DBSnapshotNotFound")) return true;
    if (isCode(error, "InvalidDBSnapshotState")) return false;
    throw error;
  }
}
