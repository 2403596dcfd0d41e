/**
 * A move of an Aurora Global Database to another region, told top to bottom: RDS is asked in the region that is to write, its cluster is
 * seen to write, the clients' name is moved there and proven. A switchover loses nothing; a failover gives up what has not arrived.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { storeNowMs } from "../aws/store-clock.ts";
import { noting } from "./evidence.ts";
import { forward, keepFailure, type MoveResult } from "./failover.ts";
import type { Told } from "./failover-steps.ts";
import { GlobalMove } from "./native-global-steps.ts";
import { endClaim, executionName } from "./record.ts";
import { protectedDatabase, type Settings } from "./settings.ts";
import type { MoveInput } from "./start.ts";
import { tell } from "./tell.ts";
import { patiently, reasonOf, until } from "./until.ts";

/** In looks of about a second. */
const PATIENCE = { begun: 120, done: 1800, write: 300, name: 300 };

export async function globalMove(input: MoveInput, plain: DurableContext, settings: Settings): Promise<MoveResult> {
  const database = protectedDatabase(settings.plan, input.database);
  const execution = executionName(input.database, input.generation, input.attempt);
  const { ctx, steps } = noting(plain, execution);
  const move = new GlobalMove(settings, database, execution, input.generation, input.kind === "failover" ? "failover" : "switchover");

  const confirmed = await ctx.step("confirm", () => move.confirm(), patiently);
  if (confirmed.refusal !== null) {
    await ctx.step("release the claim", () => endClaim(settings, database, execution, "refused", storeNowMs()), patiently);
    await ctx.step("tell of the refusal", () => tell(settings, move.refusedNews(confirmed)), patiently);
    return { outcome: "refused", sentence: confirmed.refusal, evidence: null };
  }
  const { primary, standby: target } = confirmed;
  move.regions = confirmed.facts.record.regions;
  await ctx.step("tell of the start", () => tell(settings, move.startedNews(confirmed)), patiently);
  try {
    await ctx.step("note that RDS is asked", () => move.note({ stage: "promoted" }), patiently);
    const asked = await ctx.step(`ask RDS for the ${move.kind}`, () => move.ask(target), patiently);
    const begun = await until(ctx, "RDS has begun", PATIENCE.begun, () => move.begun(target));
    const done = await until(ctx, "the global database writes there", PATIENCE.done, () => move.done(target));
    const wrote = await until(ctx, "the new primary takes writes", PATIENCE.write, () => move.clusterWrites(target));
    const repointed = await forward(ctx, settings, move, confirmed, async () => {
      await ctx.step("change the record", () => move.changeName(target), patiently);
      return await until(ctx, "a write through the name arrives", PATIENCE.name, () => move.writesThroughName(target));
    });
    const after = await ctx.step("raise the generation", () => move.exchange(confirmed), patiently);
    const lost = move.kind === "switchover" ? "Nothing was lost" : `What ${target} had not received is given up`;
    const sentence = `${database.name} now writes in ${target}: ${database.record.name} points to it and took a write. ${lost}.`;
    const told: Told = {
      outcome: "succeeded",
      sentence,
      confirmed,
      drained: null,
      proofs: {
        "RDS has begun": begun,
        "the global database writes there": done,
        "it takes writes": wrote,
        "the clients' name": repointed,
      },
      moments: [
        ["RDS's own work", done.atMs, "to RDS's word that the cluster writes"],
        ["promote", wrote.atMs, "to the first write it took"],
        ["verified", repointed.atMs, "to the write through the name"],
      ],
      steps,
    };
    const more = { asked, begun, done, wrote, repointed, after };
    const evidence = await ctx.step("keep the evidence", () => move.keepEvidence(told, more), patiently);
    await ctx.step("tell of the success", () => tell(settings, move.movedNews(sentence, confirmed, evidence, repointed.atMs)), patiently);
    return { outcome: "succeeded", sentence, evidence };
  } catch (error) {
    const back = await ctx.step("see that nothing was moved", () => move.isUnmoved(target), patiently).catch(() => false);
    const sentence = `The ${move.kind} of the global database of ${database.name} to ${target} failed: ${reasonOf(error)}`;
    await ctx.step("tell of the failure", () => tell(settings, move.globalFailedNews(sentence, primary, target, back)), patiently);
    // Where RDS may have moved it, the claim is kept: the watcher starts the move again where it ended.
    if (back) await ctx.step("release the failed claim", () => endClaim(settings, database, execution, "failed", storeNowMs()), patiently);
    return { outcome: "failed", sentence, evidence: await keepFailure(ctx, move, { sentence, confirmed, steps }) };
  }
}
