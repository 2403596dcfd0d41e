/** Which way the names of a database move: as its plan says. */

import type { DatabaseRecord, InstanceFacts } from "../core/facts.ts";
import type { Way } from "./repoint.ts";
import { latchWay } from "./repoint-latch.ts";
import { recordWay } from "./repoint-record.ts";
import { sideTrouble } from "./restored-side.ts";
import type { Protected, Settings } from "./settings.ts";

export const wayOf = (settings: Settings, database: Protected): Way =>
  database.record.repoint === "latch" ? latchWay(settings, database) : recordWay(settings, database);

/** Why the names could not be moved to an instance that is no standby of the record, but restored; null when nothing speaks against it. `target` null: it is still to be made. */
export async function restoredTrouble(
  settings: Settings,
  database: Protected,
  record: DatabaseRecord,
  target: InstanceFacts | null,
): Promise<string | null> {
  if (database.record.repoint === "latch") return await sideTrouble(settings, database, record, target);
  return target && (await recordWay(settings, database).trouble(target));
}
