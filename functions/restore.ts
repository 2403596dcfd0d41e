/** Durable: restores a backup beside the original; where people agreed, claims the database for it. Started by `order`. */

import type { DurableContext } from "@aws/durable-execution-sdk-js";
import middy from "@middy/core";
import { executionModeDurableContext } from "@middy/core/executionModeDurableContext";
import { type RestoreOrder, readRestoreOrder } from "../events/orders.ts";
import { type RestoreResult, restore } from "../runbooks/restore.ts";
import { readSettings } from "../runbooks/settings.ts";
import { reads } from "./handler.ts";

export const handler = middy<RestoreOrder, RestoreResult>({ executionMode: executionModeDurableContext } as never)
  .use(reads(readRestoreOrder))
  .handler((async (order: RestoreOrder, context: DurableContext) => await restore(order, context, readSettings())) as never);
