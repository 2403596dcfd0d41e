/** Looks at every primary through its minute, lap after lap, and wakes `watch` the moment its votes turn. */
import middy from "@middy/core";
import type { Context } from "aws-lambda";
import { readWake, type Wake } from "../events/wake.ts";
import { probeThroughMinute } from "../runbooks/probe.ts";
import { readSettings } from "../runbooks/settings.ts";
import { reads } from "./handler.ts";

export const handler = middy<Wake, { laps: number }>()
  .use(reads(readWake))
  .handler(async (_wake: Wake, context: Context) => await probeThroughMinute(readSettings(), () => context.getRemainingTimeInMillis()));
