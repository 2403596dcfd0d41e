/** Snapshots of DB clusters: what they keep, how they travel, and what comes out of them again. */
import * as api from "@aws-sdk/client-rds";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ClusterLab } from "./cluster-lab.ts";
import { AWAY, HOME, patient, RdsLab, refusal } from "./rds-lab.ts";

let lab: RdsLab;
let clusters: ClusterLab;
beforeAll(async () => {
  lab = await RdsLab.open({ alone: true });
  clusters = new ClusterLab(lab);
  await clusters.aurora("shop", ["shop-1"]);
  await clusters.sql("shop", "CREATE TABLE orders (id int); INSERT INTO orders VALUES (7)");
  await clusters.snapshot("daily", "shop", { Tags: [{ Key: "kind", Value: "daily" }] });
  await clusters.snapshotIs("daily", "available");
  await clusters.available("shop");
});
afterAll(async () => {
  await lab?.close();
});

const restore = (id: string, snapshot: string, more: object = {}, region = HOME) => {
  const input = { DBClusterIdentifier: id, SnapshotIdentifier: snapshot, Engine: "aurora-postgresql", VpcSecurityGroupIds: ["sg-open"] };
  return lab.send(new api.RestoreDBClusterFromSnapshotCommand({ ...input, ...more }), region);
};

describe("a cluster snapshot", () => {
  test("is told of in category backup, and listed apart from those of instances", async () => {
    const events = lab.events.filter(({ detail }) => detail.SourceIdentifier === "daily").map(({ detail }) => detail);
    const ofClusters = { EventCategories: ["backup"], SourceType: "CLUSTER_SNAPSHOT" };
    expect(events.filter((detail) => detail.EventID === "RDS-EVENT-0074")).toEqual([expect.objectContaining(ofClusters)]);
    expect(events.filter((detail) => detail.EventID === "RDS-EVENT-0075")).toEqual([expect.objectContaining(ofClusters)]);
    const { DBClusterSnapshots } = await lab.send(new api.DescribeDBClusterSnapshotsCommand({ DBClusterIdentifier: "shop" }));
    expect(DBClusterSnapshots).toMatchObject([
      { DBClusterSnapshotArn: clusters.snapshotArn("daily"), Engine: "aurora-postgresql", PercentProgress: 100, SnapshotType: "manual" },
    ]);
  });

  test("is refused with the clusters' own codes", async () => {
    await expect(clusters.snapshot("daily")).rejects.toEqual(refusal("DBClusterSnapshotAlreadyExistsFault", 400));
    await expect(clusters.snapshot("x", "nobody")).rejects.toEqual(refusal("DBClusterNotFoundFault", 404));
    const gone = lab.send(new api.DeleteDBClusterSnapshotCommand({ DBClusterSnapshotIdentifier: "nobody" }));
    await expect(gone).rejects.toEqual(refusal("DBClusterSnapshotNotFoundFault", 404));
    lab.world.timings.snapshotMs = 60_000;
    await clusters.create("busy");
    await clusters.available("busy");
    await clusters.snapshot("slow", "busy");
    lab.world.timings.snapshotMs = 50;
    await expect(clusters.snapshot("slower", "busy")).rejects.toEqual(refusal("InvalidDBClusterStateFault", 400));
    await expect(clusters.copy("early", {}, AWAY, "slow")).rejects.toEqual(refusal("InvalidDBClusterSnapshotStateFault", 400));
    await expect(restore("early", "slow")).rejects.toEqual(refusal("InvalidDBClusterSnapshotStateFault", 400));
  });
});

describe("a copy", () => {
  test("travels to another region, where a cluster without instances comes out of it; its rows are seen by its first instance", async () => {
    const copy = await clusters.copy("daily-copy");
    expect(copy).toMatchObject({ Status: "copying", SourceDBClusterSnapshotArn: clusters.snapshotArn("daily"), TagList: [] });
    await clusters.snapshotIs("daily-copy", "available", AWAY);
    await restore("drill", "daily-copy", {}, AWAY);
    const drill = await clusters.available("drill", AWAY);
    expect(drill.DBClusterMembers).toEqual([]);
    expect(clusters.addresses(drill.Endpoint)).toEqual([]);
    await clusters.member("drill-1", "drill", {}, AWAY);
    await lab.available("drill-1", AWAY);
    expect(await clusters.sql("drill", "SELECT id FROM orders", { region: AWAY })).toEqual([{ id: 7 }]);
  });

  test("needs a key of its region when its source is encrypted, and gets none when it is not", async () => {
    await expect(clusters.copy("sealed", { KmsKeyId: "alias/aws/rds" }, HOME)).rejects.toEqual(refusal("InvalidParameterCombination", 400));
    await restore("vault", "daily", { KmsKeyId: "alias/aws/rds" });
    expect(await clusters.available("vault")).toMatchObject({ StorageEncrypted: true });
    await clusters.snapshot("sealed", "vault");
    await clusters.snapshotIs("sealed", "available");
    await expect(clusters.copy("sealed-copy", {}, AWAY, "sealed")).rejects.toEqual(refusal("InvalidParameterCombination", 400, /KmsKeyId/));
    const theirs = { KmsKeyId: "arn:aws:kms:eu-central-1:111122223333:alias/aws/rds" };
    await expect(clusters.copy("sealed-copy", theirs, AWAY, "sealed")).rejects.toEqual(refusal("KMSKeyNotAccessibleFault", 400));
    await clusters.copy("sealed-copy", { KmsKeyId: "alias/aws/rds" }, AWAY, "sealed");
  });

  test("keeps its tags only when asked, fails without its source, and is cancelled by deleting it", async () => {
    expect((await clusters.copy("tagged", { CopyTags: true }, HOME)).TagList).toEqual([{ Key: "kind", Value: "daily" }]);
    await clusters.snapshotIs("tagged", "available");
    await clusters.copy("orphan", {}, AWAY, "tagged");
    await clusters.copy("unwanted");
    await lab.send(new api.DeleteDBClusterSnapshotCommand({ DBClusterSnapshotIdentifier: "tagged" }));
    await lab.send(new api.DeleteDBClusterSnapshotCommand({ DBClusterSnapshotIdentifier: "unwanted" }), AWAY);
    await clusters.snapshotIs("orphan", "failed", AWAY);
    await expect(clusters.lookAt("unwanted", AWAY)).rejects.toEqual(refusal("DBClusterSnapshotNotFoundFault", 404));
  });
});

test("a cluster that goes leaves the final snapshot it was asked for", async () => {
  await clusters.create("last");
  await clusters.available("last");
  const input = { DBClusterIdentifier: "last", FinalDBSnapshotIdentifier: "last-words" };
  await expect(lab.send(new api.DeleteDBClusterCommand({ DBClusterIdentifier: "last" }))).rejects.toEqual(
    refusal("InvalidParameterCombination", 400, /FinalDBSnapshotIdentifier/),
  );
  await lab.send(new api.DeleteDBClusterCommand(input));
  await vi.waitFor(() => expect(clusters.describe("last")).rejects.toEqual(refusal("DBClusterNotFoundFault", 404)), patient);
  expect(await clusters.snapshotIs("last-words", "available")).toMatchObject({ DBClusterIdentifier: "last" });
});
