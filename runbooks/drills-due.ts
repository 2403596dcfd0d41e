/** Starts the drills the plan asks for: one a database and slot of days, by name, so that starting it again starts nothing. */
import { startExecution } from "../aws/functions.ts";
import { drillName } from "../core/restore.ts";
import type { DrillInput } from "./drill.ts";
import { newestPoint } from "./last-resort.ts";
import type { Protected, Settings } from "./settings.ts";

const DAY_MS = 86_400_000;

/** null: none is planned, or there is no backup yet. Stops nothing beside it: what could not be started is tried again by the next lap. */
export async function startDueDrill(settings: Settings, database: Protected, nowMs: number): Promise<string | null> {
  const days = settings.plan.drills?.everyDays;
  if (days === undefined) return null;
  try {
    if (!(await newestPoint(settings, database.name))) return null;
    const name = drillName(database.name, Math.floor(nowMs / (days * DAY_MS)) * days * DAY_MS);
    const input: DrillInput = { database: database.name, name, by: null };
    await startExecution(settings.region, settings.functions.drill, name, input);
    return name;
  } catch (error) {
    console.error(JSON.stringify({ what: "drill not started", database: database.name, error: String(error) }));
    return null;
  }
}
