/** The ways of a durable `move`: the claim's kind says which runbook is told. A rebuild needs no claim. */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { type AfterwardsResult, afterwards } from "./afterwards.ts";
import { failover, type MoveResult } from "./failover.ts";
import { nativeSeen } from "./native.ts";
import { globalMove } from "./native-global.ts";
import { nativeMove } from "./native-move.ts";
import { type RebuildResult, rebuild } from "./rebuild.ts";
import { becomePrimary } from "./restore-move.ts";
import { protectedDatabase, type Settings } from "./settings.ts";
import type { MoveInput } from "./start.ts";
import { switchover } from "./switchover.ts";
import { lookAround } from "./warm.ts";

export async function move(
  input: MoveInput,
  ctx: DurableContext,
  settings: Settings,
): Promise<MoveResult | RebuildResult | AfterwardsResult | { readonly outcome: "warm" }> {
  if (input.kind === "warm") {
    await lookAround(settings, protectedDatabase(settings.plan, input.database), "move");
    return { outcome: "warm" };
  }
  if (input.kind === "afterwards") return await afterwards(input, ctx, settings);
  if (input.kind === "rebuild") return await rebuild(input, ctx, settings);
  if (input.kind === "restore") return await becomePrimary(input, ctx, settings);
  if (input.kind === "native") return await nativeSeen(input, ctx, settings);
  if (input.kind === "reboot-failover") return await nativeMove(input, ctx, settings);
  if (protectedDatabase(settings.plan, input.database).plan.primary.globalCluster !== undefined)
    return await globalMove(input, ctx, settings);
  return await (input.kind === "failover" ? failover : switchover)(input, ctx, settings);
}
