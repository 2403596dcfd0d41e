/** Durable: moves a database from its primary to its standby, started under the name of its claim; rebuilds the standby afterwards. */

import type { DurableContext } from "@aws/durable-execution-sdk-js";
import middy from "@middy/core";
import { executionModeDurableContext } from "@middy/core/executionModeDurableContext";
import { type MoveOrder, readMoveOrder } from "../events/orders.ts";
import { move } from "../runbooks/move.ts";
import { readSettings } from "../runbooks/settings.ts";
import { reads } from "./handler.ts";

export const handler = middy<MoveOrder, Awaited<ReturnType<typeof move>>>({ executionMode: executionModeDurableContext } as never)
  .use(reads(readMoveOrder))
  .handler((async (order: MoveOrder, context: DurableContext) => await move(order, context, readSettings())) as never);
