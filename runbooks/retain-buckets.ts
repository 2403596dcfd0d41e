/** The hourly look at the buckets that go to another provider: whether the newest list is as old as it may be. Told when it begins, and when it is over. */
import { changeDocument, readDocument } from "../aws/documents.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { type BackupFinding, offsiteBehind } from "../core/backup-findings.ts";
import { type BucketNote, bucketNoteKey } from "../core/bucket-note.ts";
import { type Change, changedIncidents, type Incident } from "../core/incidents.ts";
import type { BucketPlan } from "../core/plan/schema.ts";
import { tellChange } from "./backup-news.ts";
import type { Retained } from "./retain.ts";
import type { Settings } from "./settings.ts";
import { sideBySide } from "./side-by-side.ts";

interface KeptBucket {
  /** Since when it is looked at. */
  readonly sinceMs: number;
  readonly incidents: readonly Incident[];
}

export const retainBuckets = (settings: Settings): Promise<Retained[]> =>
  sideBySide(settings.plan.buckets ?? [], "buckets", (bucket) => retainBucket(settings, bucket));

async function retainBucket(settings: Settings, { name, offsite }: BucketPlan): Promise<Retained> {
  const nowMs = storeNowMs();
  const note = await readDocument<BucketNote>(settings.state, bucketNoteKey(name));
  let findings: BackupFinding[] = [];
  let begun: Change<BackupFinding>["begun"] = [];
  let over: readonly Incident[] = [];
  await changeDocument<KeptBucket>(settings.state, `catalogue/buckets/${name}.json`, (before) => {
    const sinceMs = before?.sinceMs ?? nowMs;
    findings = offsiteBehind(name, "lists", offsite, { sinceMs, newestMs: note?.value.finishedAtMs ?? null }, nowMs);
    const change = changedIncidents(before?.incidents ?? [], findings, nowMs);
    ({ begun, over } = change);
    return { sinceMs, incidents: change.open };
  });
  await tellChange(settings, name, { begun, over }, nowMs);
  return { database: name, points: 0, deleted: {}, findings: findings.map(({ sentence }) => sentence) };
}
