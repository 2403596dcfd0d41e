/** Looks at every database (or the one named), and starts a move when a rule says so. Woken by the probe, an alarm, RDS, its minute, a person. */
import middy from "@middy/core";
import { readWake, type Wake } from "../events/wake.ts";
import { protectedDatabase, protectedDatabases, readSettings } from "../runbooks/settings.ts";
import { type WatchResult, watchLap } from "../runbooks/watch.ts";
import { reads } from "./handler.ts";

export const handler = middy<Wake, WatchResult[]>()
  .use(reads(readWake))
  .handler(async (wake: Wake) => {
    const settings = readSettings();
    const named =
      "database" in wake && wake.database ? [protectedDatabase(settings.plan, wake.database)] : protectedDatabases(settings.plan);
    return await Promise.all(named.map((database) => watchLap(settings, database)));
  });
