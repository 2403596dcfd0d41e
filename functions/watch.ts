/** Looks at every database (or the one named), and starts a move when a rule says so. Woken by the probe, an alarm, RDS, its minute, a person. */
import middy from "@middy/core";
import { readWake, type Wake } from "../events/wake.ts";
import { readSettings } from "../runbooks/settings.ts";
import { type WatchResult, watchLap } from "../runbooks/watch.ts";
import { databasesOf, reads } from "./handler.ts";

export const handler = middy<Wake, WatchResult[]>()
  .use(reads(readWake))
  .handler(async (wake: Wake) => await Promise.all(databasesOf(wake).map((database) => watchLap(readSettings(), database))));
