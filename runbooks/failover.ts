/**
 * Failover to the hot standby, told top to bottom. Everything that refuses stands before the fence; everything after the fence
 * is proven by what can be seen, not by an API's answer. A step may run twice: each looks first and does only what is missing.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { Move } from "./failover-steps.ts";
import { endClaim, executionName } from "./record.ts";
import { protectedDatabase, type Settings } from "./settings.ts";
import type { MoveInput } from "./start.ts";
import { tell } from "./tell.ts";
import { patiently, reasonOf, until } from "./until.ts";

/** How long each stage may take before the move gives up, in looks of about a second. RDS promotes in minutes. */
const PATIENCE = { fence: 300, drain: 120, promote: 1800, repoint: 300 };

export interface MoveResult {
  readonly outcome: "succeeded" | "refused" | "failed";
  readonly sentence: string;
  readonly evidence: string | null;
}

export async function failover(input: MoveInput, ctx: DurableContext, settings: Settings): Promise<MoveResult> {
  const database = protectedDatabase(settings.plan, input.database);
  const execution = executionName(input.database, input.generation, input.attempt);
  const move = new Move(settings, database, execution, input.generation);

  const confirmed = await ctx.step("confirm", () => move.confirm(), patiently);
  if (confirmed.refusal !== null) {
    await ctx.step("release the claim", () => endClaim(settings, database, execution, "refused", Date.now()), patiently);
    await ctx.step("tell of the refusal", () => tell(settings, move.refusedNews(confirmed)), patiently);
    return { outcome: "refused", sentence: confirmed.refusal, evidence: null };
  }
  const { primary, standby } = confirmed;
  move.regions = confirmed.facts.record.regions;
  await ctx.step("tell of the start", () => tell(settings, move.startedNews(confirmed)), patiently);

  let stage = "fence";
  try {
    const before = await ctx.step("note the old network", () => move.networkOf(primary), patiently);
    try {
      await until(ctx, "its network is taken away", PATIENCE.fence, () => move.networkTaken(primary));
      await until(ctx, "its sessions are cut", PATIENCE.fence, () => move.sessionsCut(primary));
      const fenced = await until(ctx, "a write to the old primary is refused", PATIENCE.fence, () => move.fenceHolds(primary));
      stage = "drain";
      const drained = await until(ctx, "the standby has applied what it received", PATIENCE.drain, () => move.drained(standby));
      stage = "promote";
      await ctx.step("promote", () => move.promote(standby), patiently);
      const promoted = await until(ctx, "the new primary takes writes", PATIENCE.promote, () => move.takesWrites(standby));
      stage = "repoint";
      const dnsBefore = await ctx.step("read the record", () => move.readName(), patiently);
      await ctx.step("change the record", () => move.changeName(standby), patiently);
      const repointed = await until(ctx, "a write through the name arrives", PATIENCE.repoint, () => move.writesThroughName(standby));
      stage = "record";
      const after = await ctx.step("raise the generation", () => move.raiseGeneration(primary, standby), patiently);
      const evidence = await ctx.step(
        "keep the evidence",
        () => move.keepEvidence({ confirmed, fenced, drained, promoted, dnsBefore, repointed, after }),
        patiently,
      );
      const sentence = `${database.name} now runs on ${standby}: ${database.record.name} points to it and took a write. ${primary} is fenced.`;
      await ctx.step(
        "tell of the success",
        () => tell(settings, move.succeededNews(sentence, confirmed, evidence, repointed.atMs)),
        patiently,
      );
      return { outcome: "succeeded", sentence, evidence };
    } catch (error) {
      // Before the promotion the old primary is still the only one there can be: it gets its network back.
      if (stage === "fence" || stage === "drain")
        await ctx.step("give its network back", () => move.giveNetworkBack(primary, before), patiently);
      throw error;
    }
  } catch (error) {
    const sentence = `The failover of ${database.name} to ${standby} failed at the stage "${stage}": ${reasonOf(error)}`;
    await ctx.step("release the failed claim", () => endClaim(settings, database, execution, "failed", Date.now()), patiently);
    await ctx.step("tell of the failure", () => tell(settings, move.failedNews(sentence, stage, primary, standby)), patiently);
    return { outcome: "failed", sentence, evidence: null };
  }
}
