/** Opens a database for a dump, whichever engine it is. */
import type { EngineOfDump } from "../core/offsite-dump.ts";
import type { Target } from "../databases/engines.ts";
import { openMariaDb } from "./mariadb-source.ts";
import { openPostgres } from "./postgres-source.ts";
import type { Source } from "./source.ts";

export const openSource = (engine: EngineOfDump, target: Target): Promise<Source> =>
  (engine === "postgres" ? openPostgres : openMariaDb)(target);
