/** Finds the backups that are due and starts one `backup` each. */
import middy from "@middy/core";
import { readWake, type Wake } from "../events/wake.ts";
import { readSettings } from "../runbooks/settings.ts";
import { type SnapshotResult, startDueBackup } from "../runbooks/snapshot.ts";
import { databasesOf, reads } from "./handler.ts";

export const handler = middy<Wake, SnapshotResult[]>()
  .use(reads(readWake))
  .handler(async (wake: Wake) => {
    const started = await Promise.all(databasesOf(wake).map((database) => startDueBackup(readSettings(), database, Date.now())));
    return started.filter((entry) => entry !== null);
  });
