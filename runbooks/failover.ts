/**
 * Failover to the hot standby, told top to bottom. Everything that refuses stands before the fence; everything after the fence
 * is proven by what can be seen, not by an API's answer. A step may run twice: each looks first and does only what is missing.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { storeNowMs } from "../aws/store-clock.ts";
import { type Confirmed, Move } from "./failover-steps.ts";
import { restoreProtections } from "./protect.ts";
import { startRebuild } from "./rebuild.ts";
import { endClaim, executionName } from "./record.ts";
import { protectedDatabase, type Settings } from "./settings.ts";
import type { MoveInput } from "./start.ts";
import { tell } from "./tell.ts";
import { type Proof, patiently, reasonOf, until } from "./until.ts";

/** How long each stage may take before the move gives up, in looks of about a second. RDS promotes in minutes. */
const PATIENCE = { fence: 300, drain: 120, promote: 1800, repoint: 300 };
/** After the promotion there is no way back: what fails is tried again so often, with this pause in between. */
const FORWARD = { rounds: 60, pauseSeconds: 60 };

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
    await ctx.step("release the claim", () => endClaim(settings, database, execution, "refused", storeNowMs()), patiently);
    await ctx.step("tell of the refusal", () => tell(settings, move.refusedNews(confirmed)), patiently);
    return { outcome: "refused", sentence: confirmed.refusal, evidence: null };
  }
  const { primary, standby } = confirmed;
  move.regions = confirmed.facts.record.regions;
  await ctx.step("tell of the start", () => tell(settings, move.startedNews(confirmed)), patiently);

  let stage: Stage = "fence";
  try {
    const fenced = confirmed.unfenced === null ? await fence(ctx, move, primary) : notFenced(confirmed.unfenced, confirmed.atMs);
    stage = "drain";
    const drained = await until(ctx, "the standby has applied what it received", PATIENCE.drain, () => move.drained(standby));
    stage = "promote";
    await ctx.step("note that it is promoted", () => move.note({ stage: "promoted" }), patiently);
    await ctx.step("promote", () => move.promote(standby), patiently);
    stage = "write";
    const promoted = await until(ctx, "the new primary takes writes", PATIENCE.promote, () => move.takesWrites(standby));
    const end = await forward(ctx, settings, move, confirmed, async () => {
      const dnsBefore = await ctx.step("read the record", () => move.readName(), patiently);
      await ctx.step("change the record", () => move.changeName(standby), patiently);
      const repointed = await until(ctx, "a write through the name arrives", PATIENCE.repoint, () => move.writesThroughName(standby));
      return { dnsBefore, repointed };
    });
    stage = "record";
    const after = await ctx.step(
      "raise the generation",
      () => move.raiseGeneration(confirmed, { branchedAt: drained.position ?? null }),
      patiently,
    );
    const evidence = await ctx.step(
      "keep the evidence",
      () => move.keepEvidence({ confirmed, fenced, drained, promoted, ...end, after, infrastructureCode: move.drift(confirmed).hints }),
      patiently,
    );
    const state = confirmed.unfenced === null ? "is fenced" : "is not fenced yet: its region does not answer";
    const sentence = `${database.name} now runs on ${standby}: ${database.record.name} points to it and took a write. ${primary} ${state}.`;
    await ctx.step(
      "tell of the success",
      () => tell(settings, move.succeededNews(sentence, confirmed, evidence, end.repointed.atMs)),
      patiently,
    );
    await ctx.step("start the rebuild", () => startRebuild(settings, database, after), patiently);
    await restoreProtections(ctx, settings, database, {
      execution,
      generation: input.generation + 1,
      oldPrimary: primary,
      newPrimary: standby,
      regions: move.regions,
    });
    return { outcome: "succeeded", sentence, evidence };
  } catch (error) {
    const sentence = `The failover of ${database.name} to ${standby} failed at the stage "${stage}": ${reasonOf(error)}`;
    const refused = stage === "promote" && (await ctx.step("see that nothing was promoted", () => move.isStillReplica(standby), patiently));
    // After the promotion the claim is kept: the watcher starts the move again where it ended (watch.ts).
    const undone = stage === "fence" || stage === "drain" || refused;
    const news = move.failedNews(sentence, refused ? "drain" : stage, primary, standby);
    // Told first: whatever keeps the fence from being undone must not keep the reason from people.
    await ctx.step("tell of the failure", () => tell(settings, news), patiently);
    if (undone) {
      // Before the promotion the old primary is still the only one there can be: it gets its network back.
      await ctx.step("give its network back", () => move.giveNetworkBack(primary), patiently);
      await ctx.step("release the failed claim", () => endClaim(settings, database, execution, "failed", storeNowMs()), patiently);
    }
    return { outcome: "failed", sentence, evidence: null };
  }
}

export type Stage = "fence" | "drain" | "promote" | "write" | "record";

export async function fence(ctx: DurableContext, move: Move, primary: string): Promise<Proof> {
  await ctx.step("note the old network", () => move.noteNetwork(primary), patiently);
  await until(ctx, "its network is taken away", PATIENCE.fence, () => move.networkTaken(primary));
  await until(ctx, "its sessions are cut", PATIENCE.fence, () => move.sessionsCut(primary));
  return await until(ctx, "a write to the old primary is refused", PATIENCE.fence, () => move.fenceHolds(primary));
}

const notFenced = (why: string, atMs: number): Proof => ({ holds: false, seen: why, atMs });

/** Goes on until it is done: tells people once that it does, and leaves the claim to a successor in the end. */
export async function forward<Result>(
  ctx: DurableContext,
  settings: Settings,
  move: Move,
  confirmed: Confirmed,
  go: () => Promise<Result>,
): Promise<Result> {
  for (let round = 1; ; round++) {
    try {
      return await go();
    } catch (error) {
      if (round >= FORWARD.rounds) throw error;
      const reason = reasonOf(error);
      if (round === 1) await ctx.step("tell that it is stuck", () => tell(settings, move.stuckNews(confirmed, reason)), patiently);
      await ctx.wait("before it is tried again", { seconds: FORWARD.pauseSeconds });
    }
  }
}
