/** Looks at the backups of every database and machine once an hour: what is there, what is wrong, what the plan keeps no longer. */
import middy from "@middy/core";
import { readWake, type Wake } from "../events/wake.ts";
import { lookHourly } from "../runbooks/hourly.ts";
import type { Retained } from "../runbooks/retain.ts";
import { readSettings } from "../runbooks/settings.ts";
import { reads } from "./handler.ts";

export const handler = middy<Wake, Retained[]>()
  .use(reads(readWake))
  .handler(async () => await lookHourly(readSettings()));
