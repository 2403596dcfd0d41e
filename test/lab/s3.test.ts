import { Readable } from "node:stream";
import * as s3 from "@aws-sdk/client-s3";
import { S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { createS3 } from "../../lab/cloud/s3.ts";
import { labWith } from "./on-the-wire.ts";

const Bucket = "understudy-locks";
const inFrankfurt = { CreateBucketConfiguration: { LocationConstraint: "eu-central-1" } } as const;

async function bucket() {
  const lab = await labWith((world) => [createS3(world)]);
  const client = new S3Client(lab.client());
  await client.send(new s3.CreateBucketCommand({ Bucket, ...inFrankfurt }));
  const put = (Key: string, Body: string, more = {}) => client.send(new s3.PutObjectCommand({ Bucket, Key, Body, ...more }));
  const text = async (Key: string, more = {}) =>
    await (await client.send(new s3.GetObjectCommand({ Bucket, Key, ...more }))).Body!.transformToString();
  return { lab, client, put, text };
}

const refused = (name: string, httpStatusCode: number) =>
  expect.objectContaining({ name, $metadata: expect.objectContaining({ httpStatusCode }) });

test("an object comes back as it went in, whatever its key", async () => {
  const { client, put } = await bucket();
  const Key = "a/b c?é+&.json";
  const { ETag } = await put(Key, "hello", { ContentType: "application/json", Metadata: { epoch: "7" }, CacheControl: "no-store" });
  const got = await client.send(new s3.GetObjectCommand({ Bucket, Key }));
  expect(await got.Body!.transformToString()).toBe("hello");
  expect(ETag).toBe('"5d41402abc4b2a76b9719d911017c592"');
  expect(got).toMatchObject({
    ETag,
    ContentType: "application/json",
    ContentLength: 5,
    Metadata: { epoch: "7" },
    CacheControl: "no-store",
  });
  expect(await client.send(new s3.HeadObjectCommand({ Bucket, Key }))).toMatchObject({ ETag, ContentLength: 5, Metadata: { epoch: "7" } });
});

test("a streamed upload arrives without its chunk marks", async () => {
  const { client, text } = await bucket();
  const parts = [Buffer.from("first "), Buffer.from("second")];
  await client.send(new s3.PutObjectCommand({ Bucket, Key: "streamed", Body: Readable.from(parts), ContentLength: 12 }));
  expect(await text("streamed")).toBe("first second");
});

test("of two who take the same lock one gets 412, and the loser finds the winner's token", async () => {
  const { put, text } = await bucket();
  const takes = await Promise.allSettled(["one", "two"].map((token) => put("lock", token, { IfNoneMatch: "*" })));
  expect(takes.map((take) => take.status).sort()).toEqual(["fulfilled", "rejected"]);
  const lost = takes.find((take) => take.status === "rejected");
  expect(lost?.reason).toEqual(refused("PreconditionFailed", 412));
  expect(await text("lock")).toBe(takes[0]!.status === "fulfilled" ? "one" : "two");
});

test("a lock is replaced and deleted only by who knows its newest ETag", async () => {
  const { client, put } = await bucket();
  const first = await put("lock", "1");
  const second = await put("lock", "2", { IfMatch: first.ETag });
  await expect(put("lock", "3", { IfMatch: first.ETag })).rejects.toEqual(refused("PreconditionFailed", 412));
  await expect(put("other", "1", { IfMatch: first.ETag })).rejects.toEqual(refused("NoSuchKey", 404));
  await expect(client.send(new s3.DeleteObjectCommand({ Bucket, Key: "lock", IfMatch: first.ETag }))).rejects.toEqual(
    refused("PreconditionFailed", 412),
  );
  await client.send(new s3.DeleteObjectCommand({ Bucket, Key: "lock", IfMatch: second.ETag }));
  await expect(client.send(new s3.GetObjectCommand({ Bucket, Key: "lock" }))).rejects.toEqual(refused("NoSuchKey", 404));
  await expect(client.send(new s3.HeadObjectCommand({ Bucket, Key: "lock" }))).rejects.toEqual(refused("NotFound", 404));
});

test("a versioned bucket keeps what was overwritten and deleted; a delete marker counts as nothing there", async () => {
  const { client, put, text } = await bucket();
  await client.send(new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
  expect((await client.send(new s3.GetBucketVersioningCommand({ Bucket }))).Status).toBe("Enabled");
  const first = await put("plan", "1");
  await put("plan", "2");
  const gone = await client.send(new s3.DeleteObjectCommand({ Bucket, Key: "plan" }));
  expect(gone.DeleteMarker).toBe(true);
  await expect(text("plan")).rejects.toEqual(refused("NoSuchKey", 404));
  expect(await text("plan", { VersionId: first.VersionId })).toBe("1");
  const listed = await client.send(new s3.ListObjectVersionsCommand({ Bucket }));
  expect([listed.Versions?.length, listed.DeleteMarkers?.[0]?.IsLatest]).toEqual([2, true]);
  await put("plan", "3", { IfNoneMatch: "*" });
  await client.send(
    new s3.DeleteObjectCommand({
      Bucket,
      Key: "plan",
      VersionId: (await client.send(new s3.HeadObjectCommand({ Bucket, Key: "plan" }))).VersionId,
    }),
  );
  await expect(text("plan")).rejects.toEqual(refused("NoSuchKey", 404));
});

test("a listing rolls keys up, pages, and ends", async () => {
  const { client, put } = await bucket();
  for (const key of ["votes/eu-west-1", "votes/eu-central-1", "moves/1", "moves/2", "plan"]) await put(key, key);
  const list = (more = {}) => client.send(new s3.ListObjectsV2Command({ Bucket, ...more }));
  const top = await list({ Delimiter: "/" });
  expect([top.CommonPrefixes?.map((each) => each.Prefix), top.Contents?.map((each) => each.Key)]).toEqual([["moves/", "votes/"], ["plan"]]);
  const keys: string[] = [];
  for await (const page of s3.paginateListObjectsV2({ client, pageSize: 2 }, { Bucket }))
    keys.push(...(page.Contents ?? []).map((each) => each.Key!));
  expect(keys).toEqual(["moves/1", "moves/2", "plan", "votes/eu-central-1", "votes/eu-west-1"]);
  expect((await list({ Prefix: "votes/", StartAfter: "votes/eu-central-1" })).Contents?.map((each) => each.Key)).toEqual([
    "votes/eu-west-1",
  ]);
});

test("a copy keeps content and metadata", async () => {
  const { client, put, text } = await bucket();
  await put("a b/é", "copied", { Metadata: { epoch: "7" } });
  await client.send(new s3.CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/${encodeURIComponent("a b/é")}` }));
  expect(await text("copy")).toBe("copied");
  expect((await client.send(new s3.HeadObjectCommand({ Bucket, Key: "copy" }))).Metadata).toEqual({ epoch: "7" });
});

test("a bucket belongs to one region, and says which", async () => {
  const { lab, client } = await bucket();
  await expect(client.send(new s3.CreateBucketCommand({ Bucket, ...inFrankfurt }))).rejects.toEqual(
    refused("BucketAlreadyOwnedByYou", 409),
  );
  const elsewhere = new S3Client(lab.client("eu-west-1"));
  await expect(elsewhere.send(new s3.ListObjectsV2Command({ Bucket }))).rejects.toEqual(refused("PermanentRedirect", 301));
  const following = new S3Client({ ...lab.client("eu-west-1"), followRegionRedirects: true });
  expect((await following.send(new s3.ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
  expect((await elsewhere.send(new s3.GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBe("eu-central-1");
  expect((await client.send(new s3.HeadBucketCommand({ Bucket }))).BucketRegion).toBe("eu-central-1");
  expect((await client.send(new s3.ListBucketsCommand({}))).Buckets?.map((each) => each.Name)).toEqual([Bucket]);
  await expect(client.send(new s3.HeadBucketCommand({ Bucket: "none-such" }))).rejects.toEqual(refused("NotFound", 404));
  await expect(elsewhere.send(new s3.CreateBucketCommand({ Bucket: "another", ...inFrankfurt }))).rejects.toEqual(
    refused("IllegalLocationConstraintException", 400),
  );
});

test("a bucket's policy is kept as written", async () => {
  const { client } = await bucket();
  await expect(client.send(new s3.GetBucketPolicyCommand({ Bucket }))).rejects.toEqual(refused("NoSuchBucketPolicy", 404));
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [] });
  await client.send(new s3.PutBucketPolicyCommand({ Bucket, Policy }));
  expect((await client.send(new s3.GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy);
  await expect(client.send(new s3.PutBucketPolicyCommand({ Bucket, Policy: "no" }))).rejects.toEqual(refused("MalformedPolicy", 400));
});
