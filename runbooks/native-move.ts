/**
 * A failover to RDS's own standby that a person ordered, told top to bottom: RDS is asked, the writer is seen to be elsewhere, a write
 * through the clients' name arrives. The primary on record stays the same, and so does the generation.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { storeNowMs } from "../aws/store-clock.ts";
import { noting } from "./evidence.ts";
import { keepFailure, type MoveResult } from "./failover.ts";
import type { Told } from "./failover-steps.ts";
import { outageOf, outageWords, writesByName } from "./native.ts";
import { NativeMove } from "./native-steps.ts";
import { endClaim, executionName } from "./record.ts";
import { protectedDatabase, type Settings } from "./settings.ts";
import type { MoveInput } from "./start.ts";
import { tell } from "./tell.ts";
import { patiently, reasonOf, until } from "./until.ts";

/** In looks of about a second. RDS states 60 to 120 s as typical, and longer with much to recover. */
const PATIENCE = { settled: 1800, moved: 60, name: 300 };

export async function nativeMove(input: MoveInput, plain: DurableContext, settings: Settings): Promise<MoveResult> {
  const database = protectedDatabase(settings.plan, input.database);
  const execution = executionName(input.database, input.generation, input.attempt);
  const { ctx, steps } = noting(plain, execution);
  const move = new NativeMove(settings, database, execution, input.generation);

  const confirmed = await ctx.step("confirm", () => move.confirm(), patiently);
  if (confirmed.refusal !== null) {
    await ctx.step("release the claim", () => endClaim(settings, database, execution, "refused", storeNowMs()), patiently);
    await ctx.step("tell of the refusal", () => tell(settings, move.refusedNews(confirmed)), patiently);
    return { outcome: "refused", sentence: confirmed.refusal, evidence: null };
  }
  const { primary } = confirmed;
  move.regions = confirmed.facts.record.regions;
  await ctx.step("tell of the start", () => tell(settings, move.startedNews(confirmed)), patiently);
  try {
    const before = await ctx.step("note where the writer is", () => move.noteWriter(primary), patiently);
    const asked = await ctx.step("ask RDS to fail it over", () => move.ask(primary, before), patiently);
    const settled = await until(ctx, "RDS has done what it was asked", PATIENCE.settled, () => move.settled(primary));
    const moved = await until(ctx, "its writer is elsewhere", PATIENCE.moved, () => move.moved(primary, before));
    const proof = await until(ctx, "a write through the name arrives", PATIENCE.name, async () =>
      writesByName(settings, database, execution, await move.described(primary)),
    );
    const outage = await ctx.step("read how long it took", () => outageOf(settings, database, primary, storeNowMs()), patiently);
    await ctx.step("note where the writer is now", () => move.noteMoved(primary), patiently);
    const sentence = `RDS moved ${primary} to its own standby: ${moved.seen}; ${database.record.name} took a write. Outage: ${outageWords(outage)}.`;
    const told: Told = {
      outcome: "succeeded",
      sentence,
      confirmed,
      drained: null,
      proofs: { "RDS has done it": settled, "its writer is elsewhere": moved, "the clients' name": proof },
      moments: [
        ["RDS's own work", settled.atMs, "to RDS's word that it is available"],
        ["moved", moved.atMs, "to the look that saw the writer elsewhere"],
        ["verified", proof.atMs, "to the write through the name"],
      ],
      steps,
    };
    const more = { before, asked, settled, moved, proof, outage };
    const evidence = await ctx.step("keep the evidence", () => move.keepEvidence(told, more), patiently);
    await ctx.step("release the claim", () => endClaim(settings, database, execution, "succeeded", storeNowMs()), patiently);
    await ctx.step("tell of the success", () => tell(settings, move.doneNews(sentence, confirmed, evidence, proof.atMs)), patiently);
    return { outcome: "succeeded", sentence, evidence };
  } catch (error) {
    const sentence = `The move of ${database.name} to RDS's own standby failed: ${reasonOf(error)}`;
    await ctx.step("tell of the failure", () => tell(settings, move.nativeFailedNews(sentence, primary)), patiently);
    await ctx.step("release the failed claim", () => endClaim(settings, database, execution, "failed", storeNowMs()), patiently);
    return { outcome: "failed", sentence, evidence: await keepFailure(ctx, move, { sentence, confirmed, steps }) };
  }
}
