/** Finds the backups that are due and starts one `backup` or `machine` each; keeps note of what each primary has around it, starts planned drills, and what goes offsite. */
import middy from "@middy/core";
import { readWake, type Wake } from "../events/wake.ts";
import { keepBaseline } from "../runbooks/baseline.ts";
import { startDueBucket, startDueDrill, startDueOffsite } from "../runbooks/every-days.ts";
import { readSettings } from "../runbooks/settings.ts";
import { type SnapshotResult, startDueBackup, startDueMachine } from "../runbooks/snapshot.ts";
import { bucketsOf, databasesOf, machinesOf, reads } from "./handler.ts";

export const handler = middy<Wake, SnapshotResult[]>()
  .use(reads(readWake))
  .handler(async (wake: Wake) => {
    const databases = databasesOf(wake);
    const noted = Promise.all(databases.map((database) => keepBaseline(readSettings(), database, Date.now())));
    const machines = Promise.all(machinesOf(wake).map((machine) => startDueMachine(readSettings(), machine, Date.now())));
    const started = await Promise.all(databases.map((database) => startDueBackup(readSettings(), database, Date.now())));
    await noted;
    await Promise.all(databases.map((database) => startDueDrill(readSettings(), database, Date.now())));
    await Promise.all(databases.map((database) => startDueOffsite(readSettings(), database, Date.now())));
    await Promise.all(bucketsOf(wake).map((bucket) => startDueBucket(readSettings(), bucket, Date.now())));
    return [...started, ...(await machines)].filter((entry) => entry !== null);
  });
