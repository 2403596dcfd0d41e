// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * What S3's operations need. Two of AWS's habits stand here: a missing key is only called missing to who may list the bucket, and
 * a write with If-Match is a read too. Buckets the lab has not, or has elsewhere, are the service's to answer for.
 */
import { currentVersion, s3State } from "../cloud/s3-state.ts";
import type { At, Context, Need, Needs } from "./need.ts";

const bucketArn = (name: string) => `arn:aws:s3:::${name}`;
const objectArn = (bucket: string, key: string) => `arn:aws:s3:::${bucket}/${key}`;
const need = (action: string, resource: string, context: Context = {}): Need => ({ action: `s3:${action}`, resource, context });

const bucketOf = ({ world, region }: At, name: string) => {
  const bucket = s3State(world).buckets[name];
  return bucket?.region === region ? bucket : undefined;
};

/** A read: of the object, and of the list when there is none. */
function reading(action: string): Needs {
  return (input, at) => {
    const bucket = bucketOf(at, input.Bucket);
    if (!bucket) return [];
    const there = input.VersionId
      ? bucket.objects[input.Key]?.some((version) => version.id === input.VersionId)
      : currentVersion(bucket, input.Key);
    return [
      need(input.VersionId ? `${action}Version` : action, objectArn(input.Bucket, input.Key)),
      ...(there ? [] : [need("ListBucket", bucketArn(input.Bucket))]),
    ];
  };
}

function writing(input: any): Need[] {
  const object = objectArn(input.Bucket, input.Key);
  const context: Context = {
    ...(input.IfMatch === undefined ? {} : { "s3:if-match": input.IfMatch }),
    ...(input.IfNoneMatch === undefined ? {} : { "s3:if-none-match": input.IfNoneMatch }),
    ...(input.ServerSideEncryption ? { "s3:x-amz-server-side-encryption": input.ServerSideEncryption } : {}),
  };
  return [need("PutObject", object, context), ...(input.IfMatch === undefined ? [] : [need("GetObject", object)])];
}

const onBucket =
  (action: string): Needs =>
  (input, at) =>
    bucketOf(at, input.Bucket) ? [need(action, bucketArn(input.Bucket))] : [];

const listing =
  (action: string): Needs =>
  (input, at) =>
    bucketOf(at, input.Bucket)
      ? [
          need(action, bucketArn(input.Bucket), {
            "s3:prefix": input.Prefix ?? "",
            ...(input.Delimiter ? { "s3:delimiter": input.Delimiter } : {}),
            ...(input.MaxKeys === undefined ? {} : { "s3:max-keys": String(input.MaxKeys) }),
          }),
        ]
      : [];

export const s3: Record<string, Needs> = {
  GetObject: reading("GetObject"),
  HeadObject: reading("GetObject"),
  PutObject: (input, at) => (bucketOf(at, input.Bucket) ? writing(input) : []),
  CopyObject(input, at) {
    const [, from = "", key = "", version] = /^\/?([^/]+)\/(.+?)(?:\?versionId=(.+))?$/.exec(decodeURIComponent(input.CopySource)) ?? [];
    return [need(version ? "GetObjectVersion" : "GetObject", objectArn(from, key)), ...(bucketOf(at, input.Bucket) ? writing(input) : [])];
  },
  DeleteObject: (input, at) =>
    bucketOf(at, input.Bucket)
      ? [
          need(input.VersionId ? "DeleteObjectVersion" : "DeleteObject", objectArn(input.Bucket, input.Key)),
          ...(input.IfMatch === undefined ? [] : [need("GetObject", objectArn(input.Bucket, input.Key))]),
        ]
      : [],
  DeleteObjects: (input, at) =>
    bucketOf(at, input.Bucket)
      ? (input.Delete?.Objects ?? []).map(({ Key, VersionId }: any) =>
          need(VersionId ? "DeleteObjectVersion" : "DeleteObject", objectArn(input.Bucket, Key)),
        )
      : [],
  ListObjectsV2: listing("ListBucket"),
  ListObjectVersions: listing("ListBucketVersions"),
  HeadBucket: onBucket("ListBucket"),
  GetBucketLocation: onBucket("GetBucketLocation"),
  GetBucketVersioning: onBucket("GetBucketVersioning"),
  PutBucketVersioning: onBucket("PutBucketVersioning"),
  GetBucketPolicy: onBucket("GetBucketPolicy"),
  PutBucketPolicy: onBucket("PutBucketPolicy"),
  DeleteBucket: onBucket("DeleteBucket"),
  /** Its own, although the name may be taken by another's. */
  CreateBucket: (input, at) => [{ ...need("CreateBucket", bucketArn(input.Bucket)), account: at.account }],
  ListBuckets: () => [need("ListAllMyBuckets", "*")],
};
