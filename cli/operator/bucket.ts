/** `understudy bucket NAME`: what of a bucket is at the other provider, and how it is brought back. Reads the state bucket, makes nothing. */
import { readDocument } from "../../aws/documents.ts";
import { type BucketNote, bucketNoteKey } from "../../core/bucket-note.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { bucketPlan } from "../../runbooks/settings.ts";
import { placeOf } from "./state.ts";

export interface FoundBucket {
  readonly name: string;
  readonly bucket: string;
  readonly newest: BucketNote | null;
}

export async function findBucket(plan: Plan, named: string): Promise<FoundBucket> {
  const { name, bucket } = bucketPlan(plan, named);
  const note = await readDocument<BucketNote>(await placeOf(plan), bucketNoteKey(name));
  return { name, bucket, newest: note?.value ?? null };
}

export function bucketPage({ name, bucket, newest }: FoundBucket): string {
  if (newest === null) return `${name} (${bucket}): no list has been finished yet.`;
  const { id, begunAtMs, finishedAtMs, endpoint, bucket: to, prefix, totals, notCarried } = newest;
  const folder = [to, ...(prefix === "" ? [] : [prefix]), "_buckets", name].join("/");
  const at = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16)}Z`;
  return [
    `${name} (${bucket}): ${totals.objects} objects, ${Math.ceil(totals.bytes / 1024 / 1024)} MiB`,
    `  list       ${id}`,
    `  as of      ${at(begunAtMs)}, finished ${at(finishedAtMs)}`,
    `  lies at    ${endpoint}`,
    `             ${folder}`,
    `  sent       ${totals.sent} pieces that were not there, ${Math.ceil(totals.sentBytes / 1024 / 1024)} MiB`,
    ...(totals.notCarried === 0 ? [] : [`  NOT THERE  ${totals.notCarried}`, ...notCarried.map(({ key, why }) => `    ${key}: ${why}`)]),
    "",
    "Fetch that folder with any tool that speaks S3, put the master key into a file:",
    `  sh restore.sh restore KEYFILE ${id} FOLDER`,
  ].join("\n");
}
