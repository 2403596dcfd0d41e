/** Durable: restores the newest copy for a while and carries a dump of it to another provider. Started by `snapshot`. */

import type { DurableContext } from "@aws/durable-execution-sdk-js";
import middy from "@middy/core";
import { executionModeDurableContext } from "@middy/core/executionModeDurableContext";
import { type OffsiteOrder, readOffsiteOrder } from "../events/orders.ts";
import { type OffsiteResult, offsite } from "../runbooks/offsite.ts";
import { readSettings } from "../runbooks/settings.ts";
import { reads } from "./handler.ts";

export const handler = middy<OffsiteOrder, OffsiteResult>({ executionMode: executionModeDurableContext } as never)
  .use(reads(readOffsiteOrder))
  .handler((async (order: OffsiteOrder, context: DurableContext) => await offsite(order, context, readSettings())) as never);
