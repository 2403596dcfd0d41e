/**
 * The dead man's check: from the primary's region, where nothing of the backups runs, it asks RDS and EBS themselves whether each database's
 * and each machine's backup has begun in time. It reads no record of Understudy's and needs none of its functions; an alarm beside it tells people, and hears its
 * silence. In the recovery region another alarm hears that it looked (infra/overdue.ts).
 */
import { isNoAnswer } from "../aws/errors.ts";
import { listMembers } from "../aws/machine-snapshots.ts";
import { putLooked } from "../aws/overdue.ts";
import { listSnapshots, type SnapshotFacts } from "../aws/rds.ts";
import { type Member, sourceOf } from "../core/machine-set.ts";
import { overdueMinutes } from "../core/overdue.ts";
import type { BackupPlan, MachinePlan, Plan } from "../core/plan/schema.ts";
import { startOfSlot } from "../core/slots.ts";
import { isBackupOf } from "./catalogue.ts";
import { metricLine } from "./metrics.ts";

export interface Overdue {
  /** Or the machine. */
  readonly database: string;
  /** Since the time of the backup that is not there; 0: none is overdue. */
  readonly minutes: number;
}

export async function lookForOverdue(plan: Plan, nowMs: number): Promise<Overdue[]> {
  firstLookMs = Math.min(firstLookMs, nowMs);
  const places = [plan.regions.primary, plan.regions.recovery];
  const machines = plan.machines ?? [];
  const [listings, members] = await Promise.all([
    Promise.all(places.map((region) => listed(region, () => listSnapshots(region)))),
    // Sets are taken where their machine runs.
    Promise.all(
      [...new Set(machines.map(({ region }) => region))].map((region) =>
        listed(region, () => listMembers(region, { "understudy:plan": plan.name })),
      ),
    ),
  ]);
  // Where a region says nothing there may be backups: nothing is said then, and the alarm hears the silence.
  if (listings.includes(null) || members.includes(null)) return [];
  const all = listings.flatMap((each) => each ?? []).filter(({ tags }) => tags["understudy:plan"] === plan.name);
  const sets = members.flatMap((each) => each ?? []);
  const found = [
    ...plan.backups.map((backup) => overdueOf(backup, all, nowMs)),
    ...machines.map((machine) => overdueSetOf(machine, sets, nowMs)),
  ];
  for (const { database, minutes } of found) console.log(metricLine({ plan }, database, "near", nowMs, { BackupOverdueMinutes: minutes }));
  // Whether it reaches the other region is no reason to say less here.
  await putLooked(plan.regions.recovery, plan.name, nowMs).catch((error: unknown) =>
    console.error(JSON.stringify({ what: "not heard in the other region", error: String(error) })),
  );
  return found;
}

async function listed<Of>(region: string, list: () => Promise<Of[]>): Promise<Of[] | null> {
  try {
    return await list();
  } catch (error) {
    if (!isNoAnswer(error)) throw error;
    console.error(JSON.stringify({ what: "region does not answer", region, error: String(error) }));
    return null;
  }
}

const begunIn = (slot: string | undefined, nowMs: number): number => Math.min(nowMs, startOfSlot(slot ?? "") ?? nowMs);

/** Of this process: a plan that is deployed anew has no backup yet. */
let firstLookMs = Number.POSITIVE_INFINITY;

function overdueOf({ database, everyMinutes }: BackupPlan, all: readonly SnapshotFacts[], nowMs: number): Overdue {
  const begun = all.filter(isBackupOf(database)).filter(({ status }) => status !== "failed");
  // One that is being made has no time yet, and may be so for hours: it began in its slot. A copy without one says nothing of when its
  // data was taken.
  const times = begun.flatMap(
    ({ takenAtMs, copyOf, tags }) => takenAtMs ?? (copyOf === null ? begunIn(tags["understudy:slot"], nowMs) : []),
  );
  const newest = times.length === 0 ? null : Math.max(...times);
  return { database, minutes: overdueMinutes(newest, everyMinutes, nowMs, firstLookMs) };
}

/** EBS says at once when a set was taken. */
function overdueSetOf({ name, everyMinutes }: MachinePlan, all: readonly Member[], nowMs: number): Overdue {
  const begun = all.filter(
    (member) => member.tags["understudy:machine"] === name && sourceOf(member) === null && member.status !== "error",
  );
  const newest = begun.length === 0 ? null : Math.max(...begun.map(({ startedAtMs }) => startedAtMs));
  return { database: name, minutes: overdueMinutes(newest, everyMinutes, nowMs, firstLookMs) };
}
