/** Which way the names of a database move: as its plan says. */

import type { Way } from "./repoint.ts";
import { latchWay } from "./repoint-latch.ts";
import { recordWay } from "./repoint-record.ts";
import type { Protected, Settings } from "./settings.ts";

export const wayOf = (settings: Settings, database: Protected): Way =>
  database.record.repoint === "latch" ? latchWay(settings, database) : recordWay(settings, database);
