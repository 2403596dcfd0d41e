/** Finds the backups that are due and starts one `backup` each; keeps note of what each primary has around it, starts planned drills. */
import middy from "@middy/core";
import { readWake, type Wake } from "../events/wake.ts";
import { keepBaseline } from "../runbooks/baseline.ts";
import { startDueDrill } from "../runbooks/drills-due.ts";
import { readSettings } from "../runbooks/settings.ts";
import { type SnapshotResult, startDueBackup } from "../runbooks/snapshot.ts";
import { databasesOf, reads } from "./handler.ts";

export const handler = middy<Wake, SnapshotResult[]>()
  .use(reads(readWake))
  .handler(async (wake: Wake) => {
    const databases = databasesOf(wake);
    const noted = Promise.all(databases.map((database) => keepBaseline(readSettings(), database, Date.now())));
    const started = await Promise.all(databases.map((database) => startDueBackup(readSettings(), database, Date.now())));
    await noted;
    await Promise.all(databases.map((database) => startDueDrill(readSettings(), database, Date.now())));
    return started.filter((entry) => entry !== null);
  });
