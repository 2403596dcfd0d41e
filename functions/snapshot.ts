/** Finds the backups that are due and starts one `backup` each. */
import middy from "@middy/core";
import { readWake, type Wake } from "../events/wake.ts";
import { protectedDatabase, protectedDatabases, readSettings } from "../runbooks/settings.ts";
import { type SnapshotResult, startDueBackup } from "../runbooks/snapshot.ts";
import { reads } from "./handler.ts";

export const handler = middy<Wake, SnapshotResult[]>()
  .use(reads(readWake))
  .handler(async (wake: Wake) => {
    const settings = readSettings();
    const named =
      "database" in wake && wake.database ? [protectedDatabase(settings.plan, wake.database)] : protectedDatabases(settings.plan);
    const started = await Promise.all(named.map((database) => startDueBackup(settings, database, Date.now())));
    return started.filter((entry) => entry !== null);
  });
