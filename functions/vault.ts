/** Durable: one backup's copy in the vault, another account. Started by `backup` under the name of its slot. */

import type { DurableContext } from "@aws/durable-execution-sdk-js";
import middy from "@middy/core";
import { executionModeDurableContext } from "@middy/core/executionModeDurableContext";
import { readVaultOrder, type VaultOrder } from "../events/orders.ts";
import { readSettings } from "../runbooks/settings.ts";
import { type VaultResult, vault } from "../runbooks/vault.ts";
import { reads } from "./handler.ts";

export const handler = middy<VaultOrder, VaultResult>({ executionMode: executionModeDurableContext } as never)
  .use(reads(readVaultOrder))
  .handler((async (order: VaultOrder, context: DurableContext) => await vault(order, context, readSettings())) as never);
