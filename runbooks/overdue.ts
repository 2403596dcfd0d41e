/**
 * The dead man's check: from the primary's region, where nothing of the backups runs, it asks RDS itself whether each database's backup
 * has begun in time. It reads no record of Understudy's and needs none of its functions; an alarm beside it tells people, and hears its
 * silence. In the recovery region another alarm hears that it looked (infra/overdue.ts).
 */
import { isNoAnswer } from "../aws/errors.ts";
import { putLooked } from "../aws/overdue.ts";
import { listSnapshots, type SnapshotFacts } from "../aws/rds.ts";
import { overdueMinutes } from "../core/overdue.ts";
import type { BackupPlan, Plan } from "../core/plan/schema.ts";
import { isBackupOf } from "./catalogue.ts";
import { metricLine } from "./metrics.ts";

export interface Overdue {
  readonly database: string;
  /** Since the time of the backup that is not there; 0: none is overdue. */
  readonly minutes: number;
}

export async function lookForOverdue(plan: Plan, nowMs: number): Promise<Overdue[]> {
  firstLookMs = Math.min(firstLookMs, nowMs);
  const places = [plan.regions.primary, plan.regions.recovery];
  const listings = await Promise.all(places.map(listed));
  // Where a region says nothing there may be backups: nothing is said then, and the alarm hears the silence.
  if (listings.includes(null)) return [];
  const all = listings.flatMap((each) => each ?? []).filter(({ tags }) => tags["understudy:plan"] === plan.name);
  const found = plan.backups.map((backup) => overdueOf(backup, all, nowMs));
  for (const { database, minutes } of found) console.log(metricLine({ plan }, database, "near", nowMs, { BackupOverdueMinutes: minutes }));
  // Whether it reaches the other region is no reason to say less here.
  await putLooked(plan.regions.recovery, plan.name, nowMs).catch((error: unknown) =>
    console.error(JSON.stringify({ what: "not heard in the other region", error: String(error) })),
  );
  return found;
}

async function listed(region: string): Promise<SnapshotFacts[] | null> {
  try {
    return await listSnapshots(region);
  } catch (error) {
    if (!isNoAnswer(error)) throw error;
    console.error(JSON.stringify({ what: "region does not answer", region, error: String(error) }));
    return null;
  }
}

/** Of this process: a plan that is deployed anew has no backup yet. */
let firstLookMs = Number.POSITIVE_INFINITY;

function overdueOf({ database, everyMinutes }: BackupPlan, all: readonly SnapshotFacts[], nowMs: number): Overdue {
  const begun = all.filter(isBackupOf(database)).filter(({ status }) => status !== "failed");
  // One that is being made has no time yet; a copy without one says nothing of when its data was taken.
  const times = begun.flatMap(({ takenAtMs, copyOf }) => takenAtMs ?? (copyOf === null ? nowMs : []));
  const newest = times.length === 0 ? null : Math.max(...times);
  return { database, minutes: overdueMinutes(newest, everyMinutes, nowMs, firstLookMs) };
}
