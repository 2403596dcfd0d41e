/** Starts what the plan asks for every so many days: one a database and slot of days, by name, so that starting it again starts nothing. */
import { startExecution } from "../aws/functions.ts";
import { drillName, offsiteName } from "../core/restore.ts";
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

/** Stops nothing beside it: what could not be started is tried again by the next lap. */
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
    const input = inputOf(Math.floor(nowMs / (days * DAY_MS)) * days * DAY_MS);
    await startExecution(settings.region, settings.functions[what], input.name, input);
    return input.name;
  } catch (error) {
    console.error(JSON.stringify({ what: `${what} not started`, database: database.name, error: String(error) }));
    return null;
  }
}
