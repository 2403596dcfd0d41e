// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * What S3 keeps: buckets and the versions of their objects. Names are global, a bucket lives in one region.
 * Knows how to find the current version and how to refuse; the operations are elsewhere.
 */
import { createHash } from "node:crypto";
import { ServiceError } from "../wire/errors.ts";
import type { Checksum } from "./s3-body.ts";
import type { Caller, World } from "./world.ts";

export interface Version {
  readonly id: string;
  readonly deleteMarker: boolean;
  readonly at: number;
  readonly bodyBase64: string;
  readonly size: number;
  /** With its quotes, as it travels. */
  readonly etag: string;
  readonly contentType: string;
  readonly headers: Record<string, string>;
  readonly metadata: Record<string, string>;
  readonly checksum?: Checksum;
}

export interface Bucket {
  readonly name: string;
  /** Who made it, and owns all that is in it. */
  readonly account: string;
  readonly region: string;
  readonly createdAt: number;
  versioning?: "Enabled" | "Suspended";
  policy?: string;
  /** By key, newest version first. A key without versions is not kept. */
  objects: Record<string, Version[]>;
}

export interface S3State {
  buckets: Record<string, Bucket>;
}

export function s3State(world: World): S3State {
  return world.state<S3State>("s3", () => ({ buckets: {} }));
}

/** The account's canonical user id. */
export function ownerOf(caller: Caller): { ID: string } {
  return { ID: createHash("sha256").update(caller.account).digest("hex") };
}

/** An S3 error with the extra elements its body carries. */
export function s3Error(code: string, message: string, status: number, members: Record<string, unknown> = {}): ServiceError {
  return Object.assign(new ServiceError(code, message, status), members);
}

/** The bucket, seen from its own region only: elsewhere S3 answers where it is. */
export function bucketOf(state: S3State, name: string, caller: Caller): Bucket {
  const bucket = state.buckets[name];
  if (!bucket) throw s3Error("NoSuchBucket", "The specified bucket does not exist", 404, { BucketName: name });
  if (bucket.region !== caller.region) {
    throw s3Error(
      "PermanentRedirect",
      `The bucket you are attempting to access must be addressed in its own region, ${bucket.region}.`,
      301,
      {
        Endpoint: `${name}.s3.${bucket.region}.amazonaws.com`,
        Bucket: name,
        headers: { "x-amz-bucket-region": bucket.region },
      },
    );
  }
  return bucket;
}

/** The newest version; undefined when the key is absent or its newest version is a delete marker. */
export function currentVersion(bucket: Bucket, key: string): Version | undefined {
  const newest = bucket.objects[key]?.[0];
  return newest?.deleteMarker ? undefined : newest;
}

/** The version asked for, or the current one. */
export function versionOf(bucket: Bucket, key: string, versionId: string | undefined): Version {
  const versions = bucket.objects[key] ?? [];
  const found = versionId ? versions.find((version) => version.id === versionId) : versions[0];
  if (!found && versionId) throw s3Error("NoSuchVersion", "The specified version does not exist.", 404, { Key: key, VersionId: versionId });
  if (found?.deleteMarker && versionId)
    throw s3Error("MethodNotAllowed", "The specified method is not allowed against this resource.", 405);
  if (!found || found.deleteMarker) throw s3Error("NoSuchKey", "The specified key does not exist.", 404, { Key: key });
  return found;
}

/** Puts a version on top: beside the older ones in a versioned bucket, in place of the "null" one otherwise. */
export function pushVersion(bucket: Bucket, key: string, version: Version): void {
  const older = (bucket.objects[key] ?? []).filter((each) => bucket.versioning === "Enabled" || each.id !== "null");
  bucket.objects[key] = [version, ...older];
}

/** `If-None-Match: *` and `If-Match: <etag>` on a write. */
export function checkWriteConditions(current: Version | undefined, input: any): void {
  if (input.IfNoneMatch !== undefined) {
    if (input.IfNoneMatch !== "*")
      throw s3Error("NotImplemented", "If-None-Match on a write takes only *.", 501, { Header: "If-None-Match" });
    if (current) throw preconditionFailed("If-None-Match");
  }
  if (input.IfMatch !== undefined) {
    if (!current) throw s3Error("NoSuchKey", "The specified key does not exist.", 404, { Key: input.Key });
    if (input.IfMatch !== "*" && unquoted(input.IfMatch) !== unquoted(current.etag)) throw preconditionFailed("If-Match");
  }
}

/** The conditions of a read: 412 when it must be another version, 304 when the reader has it already. */
export function checkReadConditions(version: Version, input: any): void {
  const same = (given: string) => given === "*" || unquoted(given) === unquoted(version.etag);
  if (input.IfMatch !== undefined && !same(input.IfMatch)) throw preconditionFailed("If-Match");
  if (input.IfNoneMatch !== undefined && same(input.IfNoneMatch))
    throw s3Error("NotModified", "Not Modified", 304, { headers: { ETag: version.etag } });
}

function preconditionFailed(condition: string): ServiceError {
  return s3Error("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412, { Condition: condition });
}

function unquoted(etag: string): string {
  return etag.replace(/^"|"$/g, "");
}
