/** Durable: restores the newest copy into an instance of its own, looks through it, deletes it. Started by `order` and `snapshot`. */

import type { DurableContext } from "@aws/durable-execution-sdk-js";
import middy from "@middy/core";
import { executionModeDurableContext } from "@middy/core/executionModeDurableContext";
import { type DrillOrder, readDrillOrder } from "../events/orders.ts";
import { type DrillResult, drill } from "../runbooks/drill.ts";
import { readSettings } from "../runbooks/settings.ts";
import { reads } from "./handler.ts";

export const handler = middy<DrillOrder, DrillResult>({ executionMode: executionModeDurableContext } as never)
  .use(reads(readDrillOrder))
  .handler((async (order: DrillOrder, context: DurableContext) => await drill(order, context, readSettings())) as never);
