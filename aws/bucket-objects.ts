/** The objects of a bucket, page by page and range by range. What S3 will not give is a word, not an error. */
import { GetObjectCommand, type GetObjectCommandOutput, HeadObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import type { Listed, Page, Read } from "../core/bucket-list.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";
import { codeOf } from "./errors.ts";

/** Pieces of objects take longer than answers do. */
const s3 = perRegion(
  (region) =>
    new S3Client({
      region,
      ...CLIENT_SETTINGS,
      maxAttempts: 5,
      requestHandler: { ...CLIENT_SETTINGS.requestHandler, requestTimeout: 60_000 },
    }),
);

export interface BucketPlace {
  readonly bucket: string;
  readonly region: string;
}

export class BucketObjects {
  private readonly place: BucketPlace;

  constructor(place: BucketPlace) {
    this.place = place;
  }

  /** Of what comes behind a key; a thousand at most. */
  async page(after: string | null): Promise<Page> {
    const { bucket: Bucket, region } = this.place;
    // XML cannot hold every character that a key can (S3 API reference, ListObjectsV2).
    const command = new ListObjectsV2Command({ Bucket, EncodingType: "url", ...(after === null ? {} : { StartAfter: after }) });
    const { Contents = [], IsTruncated } = await s3(region).send(command);
    const objects = Contents.map(({ Key = "", Size = 0, ETag, LastModified }) => ({
      key: decodeURIComponent(Key.replaceAll("+", " ")),
      bytes: Size,
      etag: bare(ETag),
      modifiedMs: LastModified?.getTime() ?? 0,
    }));
    return { objects, more: IsTruncated === true };
  }

  /** As it is now; null: it is gone. */
  async look(key: string): Promise<Listed | null> {
    const { bucket: Bucket, region } = this.place;
    try {
      const { ContentLength = 0, ETag, LastModified } = await s3(region).send(new HeadObjectCommand({ Bucket, Key: key }));
      return { key, bytes: ContentLength, etag: bare(ETag), modifiedMs: LastModified?.getTime() ?? 0 };
    } catch (error) {
      if (["NotFound", "NoSuchKey"].includes(codeOf(error))) return null;
      throw error;
    }
  }

  /** So many bytes of it from there on, if it is still what was listed. */
  async read({ key, etag, bytes }: Listed, from: number, length: number): Promise<Read> {
    const { bucket: Bucket, region } = this.place;
    const to = Math.min(from + length, bytes) - 1;
    // An empty object has no range.
    const range = bytes === 0 ? {} : { Range: `bytes=${from}-${to}` };
    for (let tries = 1; ; tries++) {
      try {
        const got = await s3(region).send(new GetObjectCommand({ Bucket, Key: key, IfMatch: `"${etag}"`, ...range }));
        const content = Buffer.from((await got.Body?.transformToByteArray()) ?? []);
        if (content.length === to - from + 1) return { content, headers: headersOf(got) };
        if (tries >= TRIES) return { not: "given", why: `S3 gave ${content.length} bytes of it, not ${to - from + 1}` };
      } catch (error) {
        const code = codeOf(error);
        if (code === "NoSuchKey") return { not: "gone" };
        if (code === "PreconditionFailed" || code === "InvalidRange") return { not: "changed" };
        // In an archive, or under a key that may not be used.
        if (code === "InvalidObjectState" || code === "AccessDenied") return { not: "given", why: `${code}: ${(error as Error).message}` };
        // A body that breaks off has passed the SDK's own tries.
        if (tries >= TRIES) throw error;
      }
    }
  }
}

const TRIES = 3;

const bare = (etag: string | undefined): string => (etag ?? "").replaceAll('"', "");

function headersOf(got: GetObjectCommandOutput): Record<string, string> {
  const own = Object.entries(got.Metadata ?? {}).map(([name, value]) => [`x-amz-meta-${name}`, value]);
  const kept = [
    ["Content-Type", got.ContentType],
    ["Cache-Control", got.CacheControl],
    ["Content-Disposition", got.ContentDisposition],
    ["Content-Encoding", got.ContentEncoding],
    ["Content-Language", got.ContentLanguage],
  ];
  return Object.fromEntries([...kept.filter(([, value]) => value !== undefined), ...own]);
}
