/** The state of everything in one answer, for an operator: `aws lambda invoke --function-name … out.json`. */
import middy from "@middy/core";
import { readWake, type Wake } from "../events/wake.ts";
import { readSettings } from "../runbooks/settings.ts";
import { status } from "../runbooks/status.ts";
import { reads } from "./handler.ts";

export const handler = middy<Wake, Record<string, unknown>>()
  .use(reads(readWake))
  .handler(async () => await status(readSettings()));
