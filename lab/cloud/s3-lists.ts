// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * S3's two listings: current objects, and every version. Keys come in UTF-8 order; a delimiter rolls keys up into
 * common prefixes, which count toward a page like keys do.
 */
import { ServiceError } from "../wire/errors.ts";
import { type Bucket, currentVersion, type Version } from "./s3-state.ts";

export function listObjectsV2(bucket: Bucket, input: any): any {
  const after = input.ContinuationToken !== undefined ? tokenKey(input.ContinuationToken) : (input.StartAfter ?? "");
  const max = maxKeys(input.MaxKeys);
  const keys = keysIn(bucket, input.Prefix ?? "").filter((key) => currentVersion(bucket, key));
  const Contents: any[] = [];
  const prefixes: string[] = [];
  let last = "";
  let truncated = false;
  for (const key of keys) {
    const rolled = rollUp(key, input.Prefix ?? "", input.Delimiter);
    const entry = rolled ?? key;
    if (compare(entry, after) <= 0 || (rolled && prefixes.includes(rolled))) continue;
    if (Contents.length + prefixes.length >= max) {
      truncated = true;
      break;
    }
    last = entry;
    if (rolled) prefixes.push(rolled);
    else Contents.push(objectEntry(key, currentVersion(bucket, key)!));
  }
  return {
    Name: bucket.name,
    Prefix: input.Prefix ?? "",
    Delimiter: input.Delimiter,
    MaxKeys: max,
    KeyCount: Contents.length + prefixes.length,
    IsTruncated: truncated,
    ContinuationToken: input.ContinuationToken,
    NextContinuationToken: truncated ? Buffer.from(last).toString("base64url") : undefined,
    StartAfter: input.StartAfter,
    Contents,
    CommonPrefixes: prefixes.map((Prefix) => ({ Prefix })),
  };
}

/** One page only: up to MaxKeys versions from the key marker on, whole keys at a time. */
export function listObjectVersions(bucket: Bucket, input: any): any {
  const max = maxKeys(input.MaxKeys);
  const Versions: any[] = [];
  const DeleteMarkers: any[] = [];
  let last = "";
  let truncated = false;
  for (const key of keysIn(bucket, input.Prefix ?? "")) {
    if (compare(key, input.KeyMarker ?? "") <= 0) continue;
    if (Versions.length + DeleteMarkers.length >= max) {
      truncated = true;
      break;
    }
    last = key;
    bucket.objects[key]!.forEach((version, at) => {
      const common = { Key: key, VersionId: version.id, IsLatest: at === 0, LastModified: new Date(version.at) };
      if (version.deleteMarker) DeleteMarkers.push(common);
      else Versions.push({ ...objectEntry(key, version), ...common });
    });
  }
  const next = truncated ? { NextKeyMarker: last } : {};
  return {
    Name: bucket.name,
    Prefix: input.Prefix ?? "",
    MaxKeys: max,
    IsTruncated: truncated,
    KeyMarker: input.KeyMarker ?? "",
    ...next,
    Versions,
    DeleteMarkers,
  };
}

function objectEntry(key: string, version: Version): any {
  return { Key: key, LastModified: new Date(version.at), ETag: version.etag, Size: version.size, StorageClass: "STANDARD" };
}

function keysIn(bucket: Bucket, prefix: string): string[] {
  return Object.keys(bucket.objects)
    .filter((key) => key.startsWith(prefix))
    .sort(compare);
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The common prefix a key rolls up into, if any. */
function rollUp(key: string, prefix: string, delimiter: string | undefined): string | undefined {
  if (!delimiter) return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

function maxKeys(given: number | undefined): number {
  if (given === undefined) return 1000;
  if (!(given >= 0)) throw new ServiceError("InvalidArgument", "Argument max-keys must be an integer between 0 and 2147483647", 400);
  return Math.min(given, 1000);
}

function tokenKey(token: string): string {
  const key = Buffer.from(token, "base64url").toString();
  if (!key || Buffer.from(key).toString("base64url") !== token)
    throw new ServiceError("InvalidArgument", "The continuation token provided is incorrect", 400);
  return key;
}
