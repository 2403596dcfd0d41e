// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * S3's listings: buckets, current objects, and every version. Keys come in UTF-8 order; a delimiter rolls keys up into
 * common prefixes, which count toward a page like keys do.
 */
import { ServiceError } from "../wire/errors.ts";
import { type Bucket, currentVersion, type Version } from "./s3-state.ts";

export function listBuckets(buckets: readonly Bucket[], input: any): any {
  const asked = Object.values(input).some((value) => value !== undefined);
  const max: number = input.MaxBuckets ?? 10_000;
  const after = input.ContinuationToken === undefined ? "" : tokenKey(input.ContinuationToken);
  const found = buckets
    .filter((bucket) => bucket.name.startsWith(input.Prefix ?? "") && (input.BucketRegion ?? bucket.region) === bucket.region)
    .filter((bucket) => bucket.name > after)
    .sort((a, b) => compare(a.name, b.name));
  const shown = found.slice(0, max);
  return {
    Buckets: shown.map(({ name, region, createdAt }) => ({
      Name: name,
      CreationDate: new Date(createdAt),
      // Shown to those who ask for anything in particular.
      ...(asked ? { BucketRegion: region } : {}),
    })),
    Prefix: input.Prefix,
    ContinuationToken: found.length > max ? Buffer.from(shown.at(-1)!.name).toString("base64url") : undefined,
  };
}

export function listObjectsV2(bucket: Bucket, input: any): any {
  const after = input.ContinuationToken !== undefined ? tokenKey(input.ContinuationToken) : (input.StartAfter ?? "");
  const max = maxKeys(input.MaxKeys);
  const keys = keysIn(bucket, input.Prefix ?? "").filter((key) => currentVersion(bucket, key));
  const shown = encoder(input.EncodingType);
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
    else Contents.push(objectEntry(shown(key), currentVersion(bucket, key)!));
  }
  return {
    Name: bucket.name,
    Prefix: shown(input.Prefix ?? ""),
    Delimiter: shown(input.Delimiter),
    EncodingType: input.EncodingType,
    MaxKeys: max,
    KeyCount: Contents.length + prefixes.length,
    IsTruncated: truncated,
    ContinuationToken: input.ContinuationToken,
    NextContinuationToken: truncated ? Buffer.from(last).toString("base64url") : undefined,
    StartAfter: shown(input.StartAfter),
    Contents,
    CommonPrefixes: prefixes.map((Prefix) => ({ Prefix: shown(Prefix) })),
  };
}

/** One page only: up to MaxKeys versions from the key marker on, whole keys at a time. */
export function listObjectVersions(bucket: Bucket, input: any, Owner: { ID: string }): any {
  const shown = encoder(input.EncodingType);
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
      const common = { Key: shown(key), Owner, VersionId: version.id, IsLatest: at === 0, LastModified: new Date(version.at) };
      if (version.deleteMarker) DeleteMarkers.push(common);
      else Versions.push({ ...objectEntry(key, version), ...common });
    });
  }
  const next = truncated ? { NextKeyMarker: shown(last) } : {};
  return {
    Name: bucket.name,
    Prefix: shown(input.Prefix ?? ""),
    EncodingType: input.EncodingType,
    MaxKeys: max,
    IsTruncated: truncated,
    KeyMarker: shown(input.KeyMarker ?? ""),
    VersionIdMarker: "",
    ...next,
    Versions,
    DeleteMarkers,
  };
}

function objectEntry(key: string, version: Version): any {
  return {
    Key: key,
    LastModified: new Date(version.at),
    ETag: version.etag,
    Size: version.size,
    StorageClass: "STANDARD",
    ...(version.checksum ? { ChecksumAlgorithm: [version.checksum.algorithm], ChecksumType: "FULL_OBJECT" } : {}),
  };
}

/** How keys are written: as they are, or percent-encoded with slashes left and spaces as plus signs. */
function encoder(encoding: string | undefined): <T extends string | undefined>(key: T) => T {
  if (encoding === undefined) return (key) => key;
  if (encoding !== "url") throw new ServiceError("InvalidArgument", "Invalid Encoding Method specified in Request", 400);
  const written = (key: string) =>
    encodeURIComponent(key)
      .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
      .replaceAll("%2F", "/")
      .replaceAll("%20", "+");
  return (key) => (key === undefined ? key : (written(key) as typeof key));
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
