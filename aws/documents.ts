/**
 * JSON documents in S3, with conditional writes. A write whose reply was lost is told apart from one that somebody else won:
 * on 412 the document is read back and compared (the SDK retries by itself and may meet its own first write).
 */

import { isDeepStrictEqual } from "node:util";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";
import { isCode } from "./errors.ts";
import { hearsTheClock } from "./store-clock.ts";

const s3 = perRegion((region) => {
  const client = new S3Client({ region, ...CLIENT_SETTINGS });
  client.middlewareStack.add(hearsTheClock, { name: "hearsTheClock", step: "deserialize", priority: "low" });
  return client;
});

export interface Place {
  readonly region: string;
  readonly bucket: string;
}

export interface Stored<Value> {
  readonly value: Value;
  readonly etag: string;
}

/** null when there is no such document. A refusal (403) is thrown: unknown is not absent. */
export async function readDocument<Value>(place: Place, key: string): Promise<Stored<Value> | null> {
  try {
    const answer = await s3(place.region).send(new GetObjectCommand({ Bucket: place.bucket, Key: key }));
    return { value: JSON.parse((await answer.Body?.transformToString()) ?? "null") as Value, etag: answer.ETag ?? "" };
  } catch (error) {
    if (isCode(error, "NoSuchKey")) return null;
    throw error;
  }
}

/** The keys that begin so, in their order; a thousand at most. */
export async function listKeys(place: Place, prefix: string): Promise<string[]> {
  const { Contents } = await s3(place.region).send(new ListObjectsV2Command({ Bucket: place.bucket, Prefix: prefix }));
  return (Contents ?? []).flatMap(({ Key }) => Key ?? []);
}

/** The same however many there are, a page of a thousand at a time. */
export async function* keyPages(place: Place, prefix: string): AsyncGenerator<string[]> {
  let ContinuationToken: string | undefined;
  do {
    const page = await s3(place.region).send(new ListObjectsV2Command({ Bucket: place.bucket, Prefix: prefix, ContinuationToken }));
    yield (page.Contents ?? []).flatMap(({ Key }) => Key ?? []);
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken);
}

export async function putDocument(place: Place, key: string, value: unknown): Promise<void> {
  await put(place, key, value, {});
}

/** Writes only if there is none yet. false: somebody else's document is there. */
export async function createDocument(place: Place, key: string, value: unknown): Promise<boolean> {
  return await conditional(place, key, value, { IfNoneMatch: "*" });
}

/**
 * Writes what is never written over, and needs no permission to read it. false: there is one of that name already, ours or another's:
 * whoever asks again after a lost reply meets their own.
 */
export async function appendDocument(place: Place, key: string, value: unknown): Promise<boolean> {
  return await append(place, key, JSON_TYPE, asJson(value));
}

/** The same for a text of any type. */
export const appendText = (place: Place, key: string, type: string, text: string): Promise<boolean> => append(place, key, type, text);

async function append(place: Place, key: string, type: string, text: string): Promise<boolean> {
  try {
    await write(place, key, type, text, { IfNoneMatch: "*" });
    return true;
  } catch (error) {
    if (!isCode(error, "PreconditionFailed", "ConditionalRequestConflict")) throw error;
    return false;
  }
}

/** Writes only over the version read. false: it has changed since. */
export async function replaceDocument(place: Place, key: string, value: unknown, etag: string): Promise<boolean> {
  return await conditional(place, key, value, { IfMatch: etag });
}

/**
 * Changes a document over whatever it is by then (null: there is none): read, change, write on condition, and again when somebody else was
 * faster. `change` may be called more than once; null leaves it alone. `seen`: as it was read a moment ago; without an ETag there was none.
 * Returns it as it is afterwards.
 */
export async function changeDocument<Value>(
  place: Place,
  key: string,
  change: (now: Value | null) => Value | null,
  seen?: Stored<Value>,
): Promise<Value | null> {
  for (let first = seen; ; first = undefined) {
    const stored = first ?? (await readDocument<Value>(place, key));
    const next = change(stored?.value ?? null);
    if (next === null) return stored?.value ?? null;
    if (await (stored?.etag ? replaceDocument(place, key, next, stored.etag) : createDocument(place, key, next))) return next;
  }
}

async function conditional(
  place: Place,
  key: string,
  value: unknown,
  condition: { IfNoneMatch?: string; IfMatch?: string },
): Promise<boolean> {
  try {
    await put(place, key, value, condition);
    return true;
  } catch (error) {
    // 409: another conditional write was under way at the same moment; 404 on If-Match: the document is gone.
    if (!isCode(error, "PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")) throw error;
    const there = await readDocument(place, key);
    return there !== null && isDeepStrictEqual(there.value, JSON.parse(JSON.stringify(value)));
  }
}

const JSON_TYPE = "application/json";
const asJson = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

interface Condition {
  readonly IfNoneMatch?: string;
  readonly IfMatch?: string;
}

const put = (place: Place, key: string, value: unknown, condition: Condition): Promise<void> =>
  write(place, key, JSON_TYPE, asJson(value), condition);

async function write(place: Place, key: string, ContentType: string, Body: string, condition: Condition): Promise<void> {
  await s3(place.region).send(new PutObjectCommand({ Bucket: place.bucket, Key: key, Body, ContentType, ...condition }));
}
