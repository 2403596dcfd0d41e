/** Durable: moves a database from its primary to its standby. Started by `watch` under the name of its claim. */

import type { DurableContext } from "@aws/durable-execution-sdk-js";
import middy from "@middy/core";
import { executionModeDurableContext } from "@middy/core/executionModeDurableContext";
import { type MoveOrder, readMoveOrder } from "../events/orders.ts";
import { failover, type MoveResult } from "../runbooks/failover.ts";
import { readSettings } from "../runbooks/settings.ts";
import { reads } from "./handler.ts";

export const handler = middy<MoveOrder, MoveResult>({ executionMode: executionModeDurableContext } as never)
  .use(reads(readMoveOrder))
  .handler((async (order: MoveOrder, context: DurableContext) => await failover(order, context, readSettings())) as never);
