// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * S3: buckets and objects, with conditional writes and versioning. No multipart uploads, replication, ACLs or encryption;
 * a bucket policy is kept and shown, and judged elsewhere.
 */
import { createHash } from "node:crypto";
import { ServiceError } from "../wire/errors.ts";
import { listObjectsV2, listObjectVersions } from "./s3-lists.ts";
import {
  type Bucket,
  bucketOf,
  checkReadConditions,
  checkWriteConditions,
  currentVersion,
  pushVersion,
  s3Error,
  s3State,
  type Version,
  versionOf,
} from "./s3-state.ts";
import type { Caller, Service, World } from "./world.ts";

/** Object members that are kept as sent and given back on reads. */
const KEPT = ["CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage"];

export function createS3(world: World): Service {
  const state = () => s3State(world);
  const find = (input: any, caller: Caller) => bucketOf(state(), input.Bucket, caller);

  function write(bucket: Bucket, key: string, version: Omit<Version, "id" | "at" | "deleteMarker">, deleteMarker = false): Version {
    const full = { ...version, deleteMarker, id: bucket.versioning === "Enabled" ? world.id(32) : "null", at: world.now() };
    pushVersion(bucket, key, full);
    world.tell({
      kind: "state",
      region: bucket.region,
      service: "s3",
      what: `s3://${bucket.name}/${key} is ${deleteMarker ? "deleted" : "written"}`,
      detail: { size: version.size, etag: version.etag },
    });
    return full;
  }

  function head(version: Version, bucket: Bucket): any {
    return {
      ...version.headers,
      ContentLength: version.size,
      ContentType: version.contentType,
      ETag: version.etag,
      LastModified: new Date(version.at),
      Metadata: version.metadata,
      AcceptRanges: "bytes",
      VersionId: shownVersion(bucket, version),
    };
  }

  function read(input: any, caller: Caller): { bucket: Bucket; version: Version } {
    const bucket = find(input, caller);
    const version = versionOf(bucket, input.Key, input.VersionId);
    checkReadConditions(version, input);
    return { bucket, version };
  }

  return {
    name: "s3",
    operations: {
      CreateBucket(input, caller) {
        const name: string = input.Bucket;
        if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name))
          throw s3Error("InvalidBucketName", "The specified bucket is not valid.", 400, { BucketName: name });
        const wanted = input.CreateBucketConfiguration?.LocationConstraint;
        if ((wanted ?? "us-east-1") !== caller.region) {
          const text = `The ${wanted ?? "unspecified"} location constraint is incompatible for the region specific endpoint this request was sent to.`;
          throw s3Error("IllegalLocationConstraintException", text, 400);
        }
        // us-east-1 alone answers a repeated creation with success.
        if (state().buckets[name] && caller.region !== "us-east-1") {
          throw s3Error(
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
            409,
            { BucketName: name },
          );
        }
        state().buckets[name] ??= { name, region: caller.region, createdAt: world.now(), objects: {} };
        return { Location: `/${name}` };
      },
      DeleteBucket(input, caller) {
        const bucket = find(input, caller);
        if (Object.keys(bucket.objects).length > 0)
          throw s3Error("BucketNotEmpty", "The bucket you tried to delete is not empty", 409, { BucketName: bucket.name });
        delete state().buckets[bucket.name];
      },
      HeadBucket: (input, caller) => ({ BucketRegion: find(input, caller).region }),
      ListBuckets: () => ({
        Buckets: Object.values(state().buckets)
          .sort((a, b) => (a.name < b.name ? -1 : 1))
          .map((bucket) => ({ Name: bucket.name, CreationDate: new Date(bucket.createdAt), BucketRegion: bucket.region })),
        Owner: { ID: "lab" },
      }),
      GetBucketLocation(input) {
        const bucket = state().buckets[input.Bucket];
        if (!bucket) throw s3Error("NoSuchBucket", "The specified bucket does not exist", 404, { BucketName: input.Bucket });
        return { LocationConstraint: bucket.region === "us-east-1" ? undefined : bucket.region };
      },
      PutBucketVersioning(input, caller) {
        const bucket = find(input, caller);
        const status = input.VersioningConfiguration?.Status;
        if (status !== "Enabled" && status !== "Suspended")
          throw s3Error("MalformedXML", "VersioningConfiguration.Status must be Enabled or Suspended.", 400);
        bucket.versioning = status;
      },
      GetBucketVersioning: (input, caller) => ({ Status: find(input, caller).versioning }),
      PutBucketPolicy(input, caller) {
        const bucket = find(input, caller);
        try {
          JSON.parse(input.Policy);
        } catch {
          throw new ServiceError("MalformedPolicy", "Policies must be valid JSON and the first byte must be '{'", 400);
        }
        bucket.policy = input.Policy;
      },
      GetBucketPolicy(input, caller) {
        const { policy, name } = find(input, caller);
        if (!policy) throw s3Error("NoSuchBucketPolicy", "The bucket policy does not exist", 404, { BucketName: name });
        return { Policy: policy };
      },

      PutObject(input, caller) {
        const bucket = find(input, caller);
        checkWriteConditions(currentVersion(bucket, input.Key), input);
        const body = Buffer.from(input.Body ?? "");
        const version = write(bucket, input.Key, {
          bodyBase64: body.toString("base64"),
          size: body.length,
          etag: etagOf(body),
          contentType: input.ContentType ?? "binary/octet-stream",
          headers: Object.fromEntries(KEPT.filter((name) => input[name]).map((name) => [name, input[name]])),
          metadata: input.Metadata ?? {},
        });
        return { ETag: version.etag, VersionId: shownVersion(bucket, version) };
      },
      GetObject(input, caller) {
        const { bucket, version } = read(input, caller);
        return { ...head(version, bucket), Body: Buffer.from(version.bodyBase64, "base64") };
      },
      HeadObject(input, caller) {
        const { bucket, version } = read(input, caller);
        return head(version, bucket);
      },
      CopyObject(input, caller) {
        const bucket = find(input, caller);
        const [, from = "", key = "", versionId] = /^\/?([^/]+)\/(.+?)(?:\?versionId=(.+))?$/.exec(input.CopySource) ?? [];
        const sourceBucket = state().buckets[decodeURIComponent(from)];
        if (!sourceBucket) throw s3Error("NoSuchBucket", "The specified bucket does not exist", 404, { BucketName: from });
        const source = versionOf(sourceBucket, decodeURIComponent(key), versionId);
        checkWriteConditions(currentVersion(bucket, input.Key), input);
        const replace = input.MetadataDirective === "REPLACE";
        const version = write(bucket, input.Key, {
          ...source,
          contentType: replace ? (input.ContentType ?? "binary/octet-stream") : source.contentType,
          metadata: replace ? (input.Metadata ?? {}) : source.metadata,
        });
        return { CopyObjectResult: { ETag: version.etag, LastModified: new Date(version.at) }, VersionId: shownVersion(bucket, version) };
      },
      DeleteObject(input, caller) {
        const bucket = find(input, caller);
        const key: string = input.Key;
        if (input.IfMatch !== undefined) checkWriteConditions(currentVersion(bucket, key), { Key: key, IfMatch: input.IfMatch });
        const versions = bucket.objects[key] ?? [];
        if (input.VersionId || !bucket.versioning) {
          const gone = versions.find((version) => version.id === (input.VersionId ?? "null"));
          const left = versions.filter((version) => version !== gone);
          if (left.length > 0) bucket.objects[key] = left;
          else delete bucket.objects[key];
          if (gone)
            world.tell({
              kind: "state",
              region: bucket.region,
              service: "s3",
              what: `s3://${bucket.name}/${key} is removed`,
              detail: { versionId: gone.id },
            });
          return { VersionId: input.VersionId, ...(gone?.deleteMarker ? { DeleteMarker: true } : {}) };
        }
        const marker = write(bucket, key, { bodyBase64: "", size: 0, etag: "", contentType: "", headers: {}, metadata: {} }, true);
        return { DeleteMarker: true, VersionId: marker.id };
      },
      ListObjectsV2: (input, caller) => listObjectsV2(find(input, caller), input),
      ListObjectVersions: (input, caller) => listObjectVersions(find(input, caller), input),
    },
  };
}

function etagOf(body: Buffer): string {
  return `"${createHash("md5").update(body).digest("hex")}"`;
}

/** Only a bucket that has known versioning shows version ids. */
function shownVersion(bucket: Bucket, version: Version): string | undefined {
  return bucket.versioning ? version.id : undefined;
}
