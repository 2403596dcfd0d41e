/** Durable: one snapshot, its copy in the recovery region, and the note of both. Started by `snapshot` under the name of its slot. */

import type { DurableContext } from "@aws/durable-execution-sdk-js";
import middy from "@middy/core";
import { executionModeDurableContext } from "@middy/core/executionModeDurableContext";
import { type BackupOrder, readBackupOrder } from "../events/orders.ts";
import { type BackupResult, backup } from "../runbooks/backup.ts";
import { readSettings } from "../runbooks/settings.ts";
import { reads } from "./handler.ts";

export const handler = middy<BackupOrder, BackupResult>({ executionMode: executionModeDurableContext } as never)
  .use(reads(readBackupOrder))
  .handler((async (order: BackupOrder, context: DurableContext) => await backup(order, context, readSettings())) as never);
