// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * S3: buckets and objects, with conditional writes and versioning. No multipart uploads, replication, ACLs or encryption;
 * a bucket policy is kept and shown, and judged elsewhere.
 */
import { createHash } from "node:crypto";
import { ServiceError } from "../wire/errors.ts";
import { checksumOf, checksumShape, rangeOf } from "./s3-body.ts";
import { listBuckets, listObjectsV2, listObjectVersions } from "./s3-lists.ts";
import {
  type Bucket,
  bucketOf,
  checkReadConditions,
  checkWriteConditions,
  currentVersion,
  ownerOf,
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

  function head(version: Version, bucket: Bucket, input: any): any {
    const range = rangeOf(input.Range, version.size);
    return {
      ...version.headers,
      ...(range
        ? { ContentLength: range.last - range.first + 1, ContentRange: `bytes ${range.first}-${range.last}/${version.size}` }
        : { ContentLength: version.size, ...(input.ChecksumMode === "ENABLED" ? checksumShape(version.checksum) : {}) }),
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

  /** Removes a version for good, or puts a delete marker on top. */
  function remove(bucket: Bucket, key: string, versionId: string | undefined): { DeleteMarker?: boolean; VersionId?: string } {
    const versions = bucket.objects[key] ?? [];
    if (!versionId && bucket.versioning) {
      const marker = write(bucket, key, { bodyBase64: "", size: 0, etag: "", contentType: "", headers: {}, metadata: {} }, true);
      return { DeleteMarker: true, VersionId: marker.id };
    }
    const gone = versions.find((version) => version.id === (versionId ?? "null"));
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
    return { VersionId: versionId, ...(gone?.deleteMarker ? { DeleteMarker: true } : {}) };
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
        const there = state().buckets[name];
        if (there && there.account !== caller.account)
          throw s3Error(
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
            409,
            { BucketName: name },
          );
        // us-east-1 alone answers a repeated creation with success.
        if (there && caller.region !== "us-east-1") {
          throw s3Error(
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
            409,
            { BucketName: name },
          );
        }
        state().buckets[name] ??= { name, account: caller.account, region: caller.region, createdAt: world.now(), objects: {} };
        return { Location: `/${name}` };
      },
      DeleteBucket(input, caller) {
        const bucket = find(input, caller);
        if (Object.keys(bucket.objects).length > 0)
          throw s3Error("BucketNotEmpty", "The bucket you tried to delete is not empty", 409, { BucketName: bucket.name });
        delete state().buckets[bucket.name];
      },
      HeadBucket: (input, caller) => ({ BucketRegion: find(input, caller).region }),
      ListBuckets: (input, caller) => ({
        ...listBuckets(
          Object.values(state().buckets).filter(({ account }) => account === caller.account),
          input,
        ),
        Owner: ownerOf(caller),
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
        const checksum = checksumOf(input, body);
        const version = write(bucket, input.Key, {
          bodyBase64: body.toString("base64"),
          size: body.length,
          etag: etagOf(body),
          contentType: input.ContentType ?? "binary/octet-stream",
          headers: Object.fromEntries(KEPT.filter((name) => input[name]).map((name) => [name, input[name]])),
          metadata: input.Metadata ?? {},
          checksum,
        });
        return { ETag: version.etag, ...checksumShape(checksum), VersionId: shownVersion(bucket, version) };
      },
      GetObject(input, caller) {
        const { bucket, version } = read(input, caller);
        const body = Buffer.from(version.bodyBase64, "base64");
        const range = rangeOf(input.Range, version.size);
        return { ...head(version, bucket, input), Body: range ? body.subarray(range.first, range.last + 1) : body };
      },
      HeadObject(input, caller) {
        const { bucket, version } = read(input, caller);
        return head(version, bucket, input);
      },
      CopyObject(input, caller) {
        const bucket = find(input, caller);
        const [, from = "", key = "", versionId] = /^\/?([^/]+)\/(.+?)(?:\?versionId=(.+))?$/.exec(input.CopySource) ?? [];
        const sourceBucket = state().buckets[decodeURIComponent(from)];
        if (!sourceBucket) throw s3Error("NoSuchBucket", "The specified bucket does not exist", 404, { BucketName: from });
        const source = versionOf(sourceBucket, decodeURIComponent(key), versionId);
        checkWriteConditions(currentVersion(bucket, input.Key), input);
        const replace = input.MetadataDirective === "REPLACE";
        if (sourceBucket === bucket && decodeURIComponent(key) === input.Key && !versionId && !replace)
          throw s3Error(
            "InvalidRequest",
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
            400,
          );
        const version = write(bucket, input.Key, {
          ...source,
          contentType: replace ? (input.ContentType ?? "binary/octet-stream") : source.contentType,
          metadata: replace ? (input.Metadata ?? {}) : source.metadata,
        });
        const CopyObjectResult = { ETag: version.etag, LastModified: new Date(version.at), ...checksumShape(version.checksum) };
        return { CopyObjectResult, VersionId: shownVersion(bucket, version) };
      },
      DeleteObject(input, caller) {
        const bucket = find(input, caller);
        const key: string = input.Key;
        if (input.IfMatch !== undefined) checkWriteConditions(currentVersion(bucket, key), { Key: key, IfMatch: input.IfMatch });
        return remove(bucket, key, input.VersionId);
      },
      DeleteObjects(input, caller) {
        const bucket = find(input, caller);
        const objects: any[] = input.Delete?.Objects ?? [];
        if (objects.length < 1 || objects.length > 1000)
          throw s3Error("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema", 400);
        const Deleted = objects.map(({ Key, VersionId }) => {
          const { DeleteMarker, VersionId: gone } = remove(bucket, Key, VersionId);
          return { Key, VersionId, ...(DeleteMarker ? { DeleteMarker, DeleteMarkerVersionId: gone } : {}) };
        });
        return input.Delete.Quiet ? {} : { Deleted };
      },
      ListObjectsV2: (input, caller) => listObjectsV2(find(input, caller), input),
      ListObjectVersions: (input, caller) => listObjectVersions(find(input, caller), input, ownerOf(caller)),
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
