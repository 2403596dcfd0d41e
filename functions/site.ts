/** Durable: evacuates a site to the recovery region or brings it back, started by `order` under the name of its claim. */

import type { DurableContext } from "@aws/durable-execution-sdk-js";
import middy from "@middy/core";
import { executionModeDurableContext } from "@middy/core/executionModeDurableContext";
import { readSiteOrder, type SiteOrder } from "../events/site.ts";
import { readSettings } from "../runbooks/settings.ts";
import { moveSite, type SiteResult } from "../runbooks/site.ts";
import { reads } from "./handler.ts";

export const handler = middy<SiteOrder, SiteResult>({ executionMode: executionModeDurableContext } as never)
  .use(reads(readSiteOrder))
  .handler((async (order: SiteOrder, context: DurableContext) => await moveSite(order, context, readSettings())) as never);
