/** Starts what the plan asks for every so many days: one a database or bucket and slot of days, by name, so that starting it again starts nothing. */
import { startExecution } from "../aws/functions.ts";
import type { BucketPlan } from "../core/plan/schema.ts";
import { bucketName, drillName, offsiteName } from "../core/restore.ts";
import type { BucketInput } from "./bucket.ts";
import type { DrillInput } from "./drill.ts";
import { newestPoint } from "./last-resort.ts";
import type { OffsiteInput } from "./offsite.ts";
import type { Protected, Settings } from "./settings.ts";

const DAY_MS = 86_400_000;

/** The drill's name; null: none is planned, or there is no backup yet. */
export function startDueDrill(settings: Settings, database: Protected, nowMs: number): Promise<string | null> {
  const inputOf = (slotMs: number): DrillInput => ({ database: database.name, name: drillName(database.name, slotMs), by: null });
  return startDue(settings, database, nowMs, "drill", settings.plan.drills?.everyDays, inputOf);
}

/** The name of the dump's execution; null: none is planned, or there is no backup yet. */
export function startDueOffsite(settings: Settings, database: Protected, nowMs: number): Promise<string | null> {
  const inputOf = (slotMs: number): OffsiteInput => ({ database: database.name, name: offsiteName(database.name, slotMs) });
  return startDue(settings, database, nowMs, "offsite", database.backup?.offsite?.everyDays, inputOf);
}

/** The name of its execution; null: it could not be started. */
export async function startDueBucket(settings: Settings, { name: bucket, offsite }: BucketPlan, nowMs: number): Promise<string | null> {
  const input: BucketInput = { bucket, name: bucketName(bucket, slotOf(nowMs, offsite.everyDays)) };
  return await start(settings, bucket, "bucket", input);
}

const slotOf = (nowMs: number, days: number): number => Math.floor(nowMs / (days * DAY_MS)) * days * DAY_MS;

async function startDue(
  settings: Settings,
  database: Protected,
  nowMs: number,
  what: "drill" | "offsite",
  days: number | undefined,
  inputOf: (slotMs: number) => { readonly name: string },
): Promise<string | null> {
  if (days === undefined) return null;
  try {
    if (!(await newestPoint(settings, database.name))) return null;
  } catch (error) {
    return notStarted(what, database.name, error);
  }
  return await start(settings, database.name, what, inputOf(slotOf(nowMs, days)));
}

/** Stops nothing beside it: what could not be started is tried again by the next lap. */
async function start(
  settings: Settings,
  of: string,
  what: "drill" | "offsite" | "bucket",
  input: { readonly name: string },
): Promise<string | null> {
  try {
    await startExecution(settings.region, settings.functions[what], input.name, input);
    return input.name;
  } catch (error) {
    return notStarted(what, of, error);
  }
}

function notStarted(what: string, of: string, error: unknown): null {
  console.error(JSON.stringify({ what: `${what} not started`, of, error: String(error) }));
  return null;
}
