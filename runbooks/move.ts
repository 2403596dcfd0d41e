/** The ways of a durable `move`: the claim's kind says which runbook is told. A rebuild needs no claim. */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { type AfterwardsResult, afterwards } from "./afterwards.ts";
import { failover, type MoveResult } from "./failover.ts";
import { type RebuildResult, rebuild } from "./rebuild.ts";
import type { Settings } from "./settings.ts";
import type { MoveInput } from "./start.ts";
import { switchover } from "./switchover.ts";

export async function move(
  input: MoveInput,
  ctx: DurableContext,
  settings: Settings,
): Promise<MoveResult | RebuildResult | AfterwardsResult> {
  if (input.kind === "afterwards") return await afterwards(input, ctx, settings);
  if (input.kind === "rebuild") return await rebuild(input, ctx, settings);
  return await (input.kind === "failover" ? failover : switchover)(input, ctx, settings);
}
