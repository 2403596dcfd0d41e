/** Part L of the AWS facts, points 1 to 5: stores, error codes, identifiers, copies of snapshots. One test a point or a part of it. */
import * as api from "@aws-sdk/client-rds";
import { CreateBucketCommand, HeadBucketCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateTopicCommand, PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createS3 } from "../../lab/cloud/s3.ts";
import { createSns } from "../../lab/cloud/sns.ts";
import type { Operation, Service } from "../../lab/cloud/world.ts";
import { labWith } from "../lab/on-the-wire.ts";
import { ClusterLab } from "./cluster-lab.ts";
import { elsewhere } from "./elsewhere.ts";
import { AWAY, HOME, patient, RdsLab, refusal } from "./rds-lab.ts";

let lab: RdsLab;
let clusters: ClusterLab;
beforeAll(async () => {
  lab = await RdsLab.open({ alone: true });
  clusters = new ClusterLab(lab);
  // Without instances: its storage is there all the same.
  await clusters.create("shop");
  await clusters.available("shop");
  await clusters.snapshot("daily");
  await clusters.snapshotIs("daily", "available");
});
afterAll(async () => {
  await lab?.close();
});

describe("L.1 regions and accounts are separate stores", () => {
  test("a snapshot and an instance are unknown in the other region, by identifier and by ARN", async () => {
    await expect(lab.snapshot("daily", AWAY)).rejects.toEqual(refusal("DBSnapshotNotFound", 404));
    await expect(lab.snapshot(lab.snapshotArn("daily"), AWAY)).rejects.toEqual(refusal("DBSnapshotNotFound", 404));
    await expect(lab.instance("shop-a", AWAY)).rejects.toEqual(refusal("DBInstanceNotFound", 404));
    expect((await lab.send(new api.DescribeDBSnapshotsCommand({}), AWAY)).DBSnapshots).not.toContainEqual(
      expect.objectContaining({ DBSnapshotIdentifier: "daily" }),
    );
  });

  test("a topic and a bucket belong to one region", async () => {
    const small = await labWith((world, url) => [
      createS3(world),
      createSns(world, { smtp: () => ({ host: "127.0.0.1", port: 9 }), autoConfirm: false, url }),
    ]);
    const { TopicArn } = await new SNSClient(small.client(HOME)).send(new CreateTopicCommand({ Name: "news" }));
    const elsewhereSns = new SNSClient(small.client(AWAY)).send(new PublishCommand({ TopicArn, Message: "x" }));
    await expect(elsewhereSns).rejects.toMatchObject({ Code: "InvalidParameter" });
    const place = { Bucket: "state", CreateBucketConfiguration: { LocationConstraint: AWAY } } as const;
    await new S3Client(small.client(AWAY)).send(new CreateBucketCommand(place));
    const head = new S3Client(small.client(HOME)).send(new HeadBucketCommand({ Bucket: "state" }));
    await expect(head).rejects.toMatchObject({ $metadata: { httpStatusCode: 301 } });
  });

  test("a copy is asked for at its destination, by ARN: a bare identifier is looked for there", async () => {
    const bare = { SourceDBSnapshotIdentifier: "daily", TargetDBSnapshotIdentifier: "l1-bare" };
    await expect(lab.send(new api.CopyDBSnapshotCommand(bare), AWAY)).rejects.toEqual(refusal("DBSnapshotNotFound", 404));
    const copy = await lab.copy("l1-away");
    expect(copy).toMatchObject({ DBSnapshotArn: lab.snapshotArn("l1-away", AWAY), SourceRegion: HOME });
    await expect(lab.snapshot("l1-away", HOME)).rejects.toEqual(refusal("DBSnapshotNotFound", 404));
    const beside = await lab.copy("l1-beside", {}, HOME);
    expect([beside.DBSnapshotArn, beside.SourceRegion]).toEqual([lab.snapshotArn("l1-beside", HOME), undefined]);
  });

  test("an encrypted snapshot needs a key of the destination: none is a 400, another region's is KMSKeyNotAccessibleFault", async () => {
    const encrypted = await lab.copy("l1-encrypted", { KmsKeyId: "alias/aws/rds" }, HOME);
    expect(encrypted).toMatchObject({ Encrypted: true });
    await lab.snapshotIs("l1-encrypted", "available");
    await expect(lab.copy("l1-none", {}, AWAY, "l1-encrypted")).rejects.toEqual(refusal("InvalidParameterCombination", 400, /KmsKeyId/));
    const KmsKeyId = encrypted.KmsKeyId as string;
    expect(KmsKeyId.split(":")[3]).toBe(HOME);
    await expect(lab.copy("l1-theirs", { KmsKeyId }, AWAY, "l1-encrypted")).rejects.toEqual(refusal("KMSKeyNotAccessibleFault", 400));
    expect(await lab.copy("l1-ours", { KmsKeyId: "alias/aws/rds" }, AWAY, "l1-encrypted")).toMatchObject({ Encrypted: true });
  });

  elsewhere("functions are of their region", "lab/lambda.test.ts", "functions are listed page by page, region by region");
  elsewhere(
    "two accounts",
    "conformance/accounts.test.ts",
    "what one account has the other does not see, and may have too under the same name",
  );
});

describe("L.3 identifiers", () => {
  const bad = ["1shop", "shop--a", "shop-", "-shop", "shop_a", "shop.a", "rds:shop", "shop a", "größe"];
  test.each(bad)("an instance is not named %s, nor is a snapshot", async (id) => {
    await expect(lab.create(id)).rejects.toEqual(refusal("InvalidParameterValue", 400, /identifier/));
    await expect(lab.copy(id, {}, HOME)).rejects.toEqual(refusal("InvalidParameterValue", 400, /identifier/));
  });

  test("an instance's has 63 characters at most, a snapshot's 255", async () => {
    await expect(lab.create("x".repeat(64))).rejects.toEqual(refusal("InvalidParameterValue", 400, /63/));
    await expect(lab.copy("x".repeat(256), {}, HOME)).rejects.toEqual(refusal("InvalidParameterValue", 400, /255/));
    await lab.copy("x".repeat(255), {}, HOME);
    await lab.snapshotIs("x".repeat(255), "available");
  });

  test("they are kept in lower case and found in any", async () => {
    expect((await lab.copy("L3-Daily", {}, HOME)).DBSnapshotIdentifier).toBe("l3-daily");
    expect((await lab.snapshot("L3-DAILY")).DBSnapshotArn).toBe(lab.snapshotArn("l3-daily"));
    await expect(lab.copy("l3-DAILY", {}, HOME)).rejects.toEqual(refusal("DBSnapshotAlreadyExists", 400));
    expect((await lab.instance("SHOP-A")).DBInstanceIdentifier).toBe("shop-a");
  });

  test("an ARN with the colon of an automated snapshot is read to its end", async () => {
    const id = "rds:shop-a-2026-11-20-06-10";
    await expect(lab.snapshot(lab.snapshotArn(id))).rejects.toEqual(refusal("DBSnapshotNotFound", 404, /rds:shop-a-2026/));
  });

  elsewhere(
    "automated snapshots have the colon, and cannot be deleted",
    "conformance/backups.test.ts",
    "a backup is neither deleted nor shared by hand",
  );

  test("a cluster snapshot's has 63 characters at most, and is of the same form", async () => {
    for (const id of ["x".repeat(64), "rds:shop", "shop--a", "größe"]) {
      await expect(clusters.snapshot(id)).rejects.toEqual(refusal("InvalidParameterValue", 400, /63/));
      await expect(clusters.copy(id)).rejects.toEqual(refusal("InvalidParameterValue", 400, /63/));
    }
    expect((await clusters.copy("X".repeat(63), {}, HOME)).DBClusterSnapshotIdentifier).toBe("x".repeat(63));
    await clusters.snapshotIs("x".repeat(63), "available");
    await expect(clusters.copy("x".repeat(63), {}, HOME)).rejects.toEqual(refusal("DBClusterSnapshotAlreadyExistsFault", 400));
    await expect(clusters.lookAt("nobody")).rejects.toEqual(refusal("DBClusterSnapshotNotFoundFault", 404));
  });
});

describe("L.4 copies wait their turn", () => {
  test("two copies of one instance's snapshots go one after another, and a waiting one shows 0 %", async () => {
    await lab.copy("l4-first");
    await lab.copy("l4-second");
    const seen = new Set<string>();
    const progress = new Set<number | undefined>();
    await vi.waitFor(async () => {
      const [first, second] = await Promise.all([lab.snapshot("l4-first", AWAY), lab.snapshot("l4-second", AWAY)]);
      seen.add(`${first.Status}/${second.Status}`);
      if (second.Status === "pending") progress.add(second.PercentProgress);
      expect(second.Status).toBe("available");
    }, patient);
    expect([...seen]).not.toContain("creating/creating");
    expect([...seen]).toContain("available/creating");
    expect([...progress]).toEqual([0]);
  });

  test("a copy whose source is deleted under it fails", async () => {
    await lab.copy("l4-source", {}, HOME);
    await lab.snapshotIs("l4-source", "available");
    await lab.copy("l4-orphan", {}, AWAY, "l4-source");
    await lab.send(new api.DeleteDBSnapshotCommand({ DBSnapshotIdentifier: "l4-source" }));
    await lab.snapshotIs("l4-orphan", "failed", AWAY);
  });

  test("100 manual snapshots and 20 copies in flight: SnapshotQuotaExceeded, told apart by the message alone", async () => {
    const full = "us-west-2";
    // Copies of a folder of data each would fill the disk: the twenty wait in line, the rest is written into the store.
    lab.world.timings.copyQueueMs = 3_600_000;
    for (let n = 1; n <= 20; n++) await lab.copy(`l4-line-${n}`, {}, full);
    await expect(lab.copy("l4-line-21", {}, full)).rejects.toEqual(
      refusal("SnapshotQuotaExceeded", 400, /^Cannot copy more than 20 snapshots across regions$/),
    );
    const { snapshots } = (lab.world.save().rds as { regions: Record<string, { snapshots: Record<string, object> }> }).regions[full] as {
      snapshots: Record<string, object>;
    };
    for (let n = 21; n <= 100; n++) snapshots[`l4-line-${n}`] = { ...snapshots["l4-line-1"], id: `l4-line-${n}` };
    await expect(lab.copy("l4-line-101", {}, full)).rejects.toEqual(
      refusal("SnapshotQuotaExceeded", 400, /^Cannot create more than 100 manual snapshots$/),
    );
    expect((await lab.send(new api.DescribeDBSnapshotsCommand({ MaxRecords: 60 }), full)).DBSnapshots).toHaveLength(60);
    lab.world.timings.copyQueueMs = 300;
  });

  test("five copies of cluster snapshots in flight: the sixth is SnapshotQuotaExceeded", async () => {
    const full = "us-west-2";
    lab.world.timings.copyMs = 3_600_000;
    for (let n = 1; n <= 5; n++) expect(await clusters.copy(`l4-five-${n}`, {}, full)).toMatchObject({ Status: "copying" });
    await expect(clusters.copy("l4-five-6", {}, full)).rejects.toEqual(
      refusal("SnapshotQuotaExceeded", 400, /^Cannot copy more than 5 snapshots across regions$/),
    );
    lab.world.timings.copyMs = 300;
    // A copy under way is cancelled by deleting it, and another one may begin.
    await lab.send(new api.DeleteDBClusterSnapshotCommand({ DBClusterSnapshotIdentifier: "l4-five-1" }), full);
    await clusters.copy("l4-five-6", {}, full);
    await clusters.snapshotIs("l4-five-6", "available", full);
  });
});

describe("L.5 what a copy keeps", () => {
  test("SnapshotCreateTime is the copy's own, OriginalSnapshotCreateTime and SnapshotDatabaseTime stay", async () => {
    const original = await lab.snapshot("daily");
    await lab.copy("l5-time", {}, HOME);
    const copy = await lab.snapshotIs("l5-time", "available");
    expect(copy.SnapshotCreateTime?.getTime()).toBeGreaterThan(original.SnapshotCreateTime?.getTime() as number);
    expect(copy.OriginalSnapshotCreateTime).toEqual(original.OriginalSnapshotCreateTime);
    expect(copy.SnapshotDatabaseTime).toEqual(original.SnapshotDatabaseTime);
  });

  test("tags are dropped, unless CopyTags asks for them", async () => {
    expect((await lab.copy("l5-bare", {}, HOME)).TagList).toEqual([]);
    expect((await lab.copy("l5-tagged", { CopyTags: true }, HOME)).TagList).toEqual([{ Key: "kind", Value: "daily" }]);
    const Tags = [{ Key: "kind", Value: "monthly" }];
    expect((await lab.copy("l5-own", { Tags }, HOME)).TagList).toEqual(Tags);
  });

  test("an unencrypted snapshot stays so without a key, and becomes encrypted with one", async () => {
    expect(await lab.copy("l5-plain", {}, HOME)).toMatchObject({ Encrypted: false });
    expect(await lab.copy("l5-sealed", { KmsKeyId: "alias/aws/rds" }, HOME)).toMatchObject({ Encrypted: true });
  });

  elsewhere(
    "EBS differs: an encrypted copy without a key takes the region's own",
    "conformance/ec2.test.ts",
    "an encrypted source without a KmsKeyId is copied with the destination's default EBS key, unlike in RDS",
  );
});

describe("L.9 RDS's events are best effort", () => {
  test("an event that never arrives changes nothing, and DescribeEvents still has it", async () => {
    const { operations } = lab.world.services.get("events") as Service;
    const deliver = operations.LabDeliver as Operation;
    operations.LabDeliver = () => {
      throw new Error("the bus takes nothing today");
    };
    const before = lab.events.length;
    await lab.copy("l9-quiet", {}, HOME);
    await lab.snapshotIs("l9-quiet", "available");
    operations.LabDeliver = deliver;
    expect(lab.events).toHaveLength(before);
    const { Events } = await lab.send(new api.DescribeEventsCommand({ SourceType: "db-snapshot", SourceIdentifier: "l9-quiet" }));
    expect(Events.map(({ Message }: { Message: string }) => Message)).toEqual([
      "Started the copy of the snapshot daily",
      "Finished the copy of the snapshot daily",
    ]);
  });
});

describe("part 0: what the SDK makes of a lost reply", () => {
  test("CreateDBSnapshot is tried again by itself, and says that our own snapshot is in the way", async () => {
    lab.loseReplyOf("CreateDBSnapshot");
    const { $metadata, ...error } = await lab.impatient((client) =>
      client.send(new api.CreateDBSnapshotCommand({ DBInstanceIdentifier: "shop-a", DBSnapshotIdentifier: "lost" })),
    );
    expect(error).toMatchObject({ name: "DBSnapshotAlreadyExistsFault", Code: "DBSnapshotAlreadyExists" });
    expect($metadata.attempts).toBe(2);
    await lab.snapshotIs("lost", "available");
    await lab.available("shop-a");
  });
});
