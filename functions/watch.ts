/** Looks at every database (or the one named), and starts a move when a rule says so. Woken by the probe, an alarm, RDS, its minute, a person. */
import middy from "@middy/core";
import { readWake, type Wake } from "../events/wake.ts";
import { tendLatch } from "../runbooks/latch.ts";
import { type Protected, readSettings } from "../runbooks/settings.ts";
import { type WatchResult, watchLap } from "../runbooks/watch.ts";
import { databasesOf, reads } from "./handler.ts";

export const handler = middy<Wake, WatchResult[]>()
  .use(reads(readWake))
  .handler(async (wake: Wake) => {
    const databases = databasesOf(wake);
    const tended = Promise.all(databases.map(tend));
    const results = await Promise.all(databases.map((database) => watchLap(readSettings(), database)));
    await tended;
    return results;
  });

/** A latch that cannot be tended holds by itself: no reason to fail the lap. */
async function tend(database: Protected): Promise<void> {
  await tendLatch(readSettings(), database).catch((error: unknown) =>
    console.error(JSON.stringify({ what: "latch not tended", database: database.name, error: String(error) })),
  );
}
