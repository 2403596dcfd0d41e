/** S3: buckets, objects, conditions, versions, pages. */
import type { Story } from "../story.ts";

const objects: Story = {
  title: "objects in a bucket",
  service: "s3",
  region: "eu-west-1",
  calls: [
    ["CreateBucket", { Bucket: "evidence-of-moves", CreateBucketConfiguration: { LocationConstraint: "eu-west-1" } }],
    [
      "CreateBucket",
      { Bucket: "evidence-of-moves", CreateBucketConfiguration: { LocationConstraint: "eu-west-1" } },
      { as: "a bucket twice" },
    ],
    ["CreateBucket", { Bucket: "Evidence_Of_Moves", CreateBucketConfiguration: { LocationConstraint: "eu-west-1" } }],
    ["CreateBucket", { Bucket: "no-place-named" }, { as: "a bucket without its place" }],
    ["HeadBucket", { Bucket: "evidence-of-moves" }],
    ["HeadBucket", { Bucket: "nobody-made-this-one" }],
    ["GetBucketLocation", { Bucket: "evidence-of-moves" }],
    ["ListBuckets", { Prefix: "evidence-" }, { keep: { owner: "Owner.ID" } }],
    ["ListObjectsV2", { Bucket: "evidence-of-moves" }, { as: "an empty bucket" }],

    [
      "PutObject",
      { Bucket: "evidence-of-moves", Key: "moves/1.json", Body: '{"move":1}', ContentType: "application/json", Metadata: { by: "watch" } },
      { keep: { "first etag": "ETag" } },
    ],
    ["GetObject", { Bucket: "evidence-of-moves", Key: "moves/1.json" }],
    ["HeadObject", { Bucket: "evidence-of-moves", Key: "moves/1.json" }],
    ["GetObject", { Bucket: "evidence-of-moves", Key: "moves/2.json" }],
    ["HeadObject", { Bucket: "evidence-of-moves", Key: "moves/2.json" }],
    ["GetObject", { Bucket: "nobody-made-this-one", Key: "moves/1.json" }],
    ["GetObject", { Bucket: "evidence-of-moves", Key: "moves/1.json", Range: "bytes=2-5" }, { as: "a part of an object" }],
    ["GetObject", { Bucket: "evidence-of-moves", Key: "moves/1.json", Range: "bytes=100-" }, { as: "a part beyond the end" }],
    ["PutObject", { Bucket: "nobody-made-this-one", Key: "a", Body: "a" }],

    ["PutObject", { Bucket: "evidence-of-moves", Key: "moves/1.json", Body: "again", IfNoneMatch: "*" }],
    [
      "PutObject",
      { Bucket: "evidence-of-moves", Key: "moves/2.json", Body: "second", IfNoneMatch: "*" },
      { keep: { "second etag": "ETag" } },
    ],
    [
      "PutObject",
      { Bucket: "evidence-of-moves", Key: "moves/1.json", Body: "newer", IfMatch: "${second etag}" },
      { as: "a write over another version" },
    ],
    [
      "PutObject",
      { Bucket: "evidence-of-moves", Key: "moves/9.json", Body: "newer", IfMatch: "${second etag}" },
      { as: "a write over nothing" },
    ],
    ["PutObject", { Bucket: "evidence-of-moves", Key: "moves/1.json", Body: "newer", IfMatch: "${first etag}" }],
    ["GetObject", { Bucket: "evidence-of-moves", Key: "moves/1.json", IfMatch: "${first etag}" }],
    ["GetObject", { Bucket: "evidence-of-moves", Key: "moves/2.json", IfNoneMatch: "${second etag}" }],
    ["HeadObject", { Bucket: "evidence-of-moves", Key: "moves/2.json", IfNoneMatch: "${second etag}" }],

    ["CopyObject", { Bucket: "evidence-of-moves", Key: "copies/2.json", CopySource: "evidence-of-moves/moves/2.json" }],
    ["CopyObject", { Bucket: "evidence-of-moves", Key: "copies/9.json", CopySource: "evidence-of-moves/moves/9.json" }],
    [
      "CopyObject",
      { Bucket: "evidence-of-moves", Key: "moves/2.json", CopySource: "evidence-of-moves/moves/2.json" },
      { as: "a copy onto itself" },
    ],
    ["PutObject", { Bucket: "evidence-of-moves", Key: "a b/ü+&.txt", Body: "odd name" }],
    ["GetObject", { Bucket: "evidence-of-moves", Key: "a b/ü+&.txt" }],
    ["PutObject", { Bucket: "evidence-of-moves", Key: "empty", Body: "" }],
    ["PutObject", { Bucket: "evidence-of-moves", Key: "hashed", Body: "body", ChecksumAlgorithm: "SHA256" }],
    ["HeadObject", { Bucket: "evidence-of-moves", Key: "hashed", ChecksumMode: "ENABLED" }],

    ["ListObjectsV2", { Bucket: "evidence-of-moves" }],
    ["ListObjectsV2", { Bucket: "evidence-of-moves", Prefix: "moves/" }],
    ["ListObjectsV2", { Bucket: "evidence-of-moves", Delimiter: "/" }],
    ["ListObjectsV2", { Bucket: "evidence-of-moves", MaxKeys: 2 }, { keep: { page: "NextContinuationToken" } }],
    [
      "ListObjectsV2",
      { Bucket: "evidence-of-moves", MaxKeys: 2, ContinuationToken: "${page}" },
      { keep: { "page two": "NextContinuationToken" } },
    ],
    ["ListObjectsV2", { Bucket: "evidence-of-moves", MaxKeys: 2, ContinuationToken: "${page two}" }],
    ["ListObjectsV2", { Bucket: "evidence-of-moves", StartAfter: "moves/1.json" }],
    ["ListObjectsV2", { Bucket: "evidence-of-moves", ContinuationToken: "no token of ours" }, { as: "a made-up token" }],
    ["ListObjectsV2", { Bucket: "nobody-made-this-one" }],

    ["GetBucketVersioning", { Bucket: "evidence-of-moves" }],
    ["GetBucketPolicy", { Bucket: "evidence-of-moves" }],
    ["DeleteBucket", { Bucket: "evidence-of-moves" }, { as: "a bucket with objects deleted" }],
    ["DeleteObject", { Bucket: "evidence-of-moves", Key: "moves/1.json" }],
    ["DeleteObject", { Bucket: "evidence-of-moves", Key: "moves/1.json" }, { as: "an object deleted twice" }],
    [
      "DeleteObjects",
      {
        Bucket: "evidence-of-moves",
        Delete: { Objects: [{ Key: "moves/2.json" }, { Key: "copies/2.json" }, { Key: "hashed" }, { Key: "never there" }] },
      },
    ],
    ["DeleteObject", { Bucket: "evidence-of-moves", Key: "a b/ü+&.txt" }],
    ["DeleteObject", { Bucket: "evidence-of-moves", Key: "empty" }],
    ["DeleteBucket", { Bucket: "evidence-of-moves" }],
    ["DeleteBucket", { Bucket: "evidence-of-moves" }],
  ],
};

const versions: Story = {
  title: "versions of an object",
  service: "s3",
  region: "eu-central-1",
  calls: [
    ["CreateBucket", { Bucket: "votes-of-the-probe", CreateBucketConfiguration: { LocationConstraint: "eu-central-1" } }],
    ["PutObject", { Bucket: "votes-of-the-probe", Key: "vote", Body: "before versions" }],
    ["PutBucketVersioning", { Bucket: "votes-of-the-probe", VersioningConfiguration: { Status: "Enabled" } }],
    ["GetBucketVersioning", { Bucket: "votes-of-the-probe" }],
    ["PutObject", { Bucket: "votes-of-the-probe", Key: "vote", Body: "one" }, { keep: { one: "VersionId" } }],
    ["PutObject", { Bucket: "votes-of-the-probe", Key: "vote", Body: "two" }, { keep: { two: "VersionId" } }],
    ["GetObject", { Bucket: "votes-of-the-probe", Key: "vote" }],
    ["GetObject", { Bucket: "votes-of-the-probe", Key: "vote", VersionId: "${one}" }],
    ["GetObject", { Bucket: "votes-of-the-probe", Key: "vote", VersionId: "null" }],
    ["ListObjectVersions", { Bucket: "votes-of-the-probe" }, { keep: { owner: "Versions[0].Owner.ID" } }],
    ["DeleteObject", { Bucket: "votes-of-the-probe", Key: "vote" }, { keep: { marker: "VersionId" } }],
    ["GetObject", { Bucket: "votes-of-the-probe", Key: "vote" }, { as: "a deleted object" }],
    ["HeadObject", { Bucket: "votes-of-the-probe", Key: "vote" }],
    ["GetObject", { Bucket: "votes-of-the-probe", Key: "vote", VersionId: "${marker}" }, { as: "a delete marker by its id" }],
    ["ListObjectVersions", { Bucket: "votes-of-the-probe", Prefix: "vo" }],
    ["ListObjectsV2", { Bucket: "votes-of-the-probe" }],
    [
      "PutObject",
      { Bucket: "votes-of-the-probe", Key: "vote", Body: "three", IfNoneMatch: "*" },
      { keep: { three: "VersionId" }, as: "a new object over a delete marker" },
    ],
    ["DeleteObject", { Bucket: "votes-of-the-probe", Key: "vote", VersionId: "${three}" }],
    ["DeleteObject", { Bucket: "votes-of-the-probe", Key: "vote", VersionId: "${marker}" }],
    ["GetObject", { Bucket: "votes-of-the-probe", Key: "vote" }],
    [
      "PutObject",
      { Bucket: "votes-of-the-probe", Key: "wrong", Body: "body", ChecksumCRC32: "AAAAAA==" },
      { as: "a body with another's checksum" },
    ],
    ["PutBucketVersioning", { Bucket: "votes-of-the-probe", VersioningConfiguration: { Status: "Sometimes" } }],
    ["DeleteBucket", { Bucket: "votes-of-the-probe" }],
  ],
};

export const S3: readonly Story[] = [objects, versions];
