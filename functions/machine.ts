/** Durable: one set of snapshots of a machine's volumes, its copies in the other region, and the note of both. Started by `snapshot` under the name of its slot. */

import type { DurableContext } from "@aws/durable-execution-sdk-js";
import middy from "@middy/core";
import { executionModeDurableContext } from "@middy/core/executionModeDurableContext";
import { type MachineOrder, readMachineOrder } from "../events/orders.ts";
import type { BackupResult } from "../runbooks/backup.ts";
import { backupMachine } from "../runbooks/machine.ts";
import { readSettings } from "../runbooks/settings.ts";
import { reads } from "./handler.ts";

export const handler = middy<MachineOrder, BackupResult>({ executionMode: executionModeDurableContext } as never)
  .use(reads(readMachineOrder))
  .handler((async (order: MachineOrder, context: DurableContext) => await backupMachine(order, context, readSettings())) as never);
