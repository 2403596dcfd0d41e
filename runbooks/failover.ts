/**
 * Failover to the hot standby, told top to bottom. Everything that refuses stands before the fence; everything after the fence
 * is proven by what can be seen, not by an API's answer. A step may run twice: each looks first and does only what is missing.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { storeNowMs } from "../aws/store-clock.ts";
import { ASKED_FOR, hasRung, STEP_OF } from "../core/ladder.ts";
import { startAfterwards } from "./afterwards.ts";
import { noting } from "./evidence.ts";
import { type Confirmed, type Drained, Move, type Told } from "./failover-steps.ts";
import { restoreProtections } from "./protect.ts";
import { startRebuild } from "./rebuild.ts";
import { endClaim, executionName } from "./record.ts";
import { protectedDatabase, type Settings } from "./settings.ts";
import type { MoveInput } from "./start.ts";
import { tell } from "./tell.ts";
import { lookOnce, once, type Proof, patiently, reasonOf, until } from "./until.ts";

/** How long each stage may take before the move gives up, in looks of about a second. RDS promotes in minutes. */
const PATIENCE = { fence: 300, drain: 120, promote: 1800, repoint: 300 };
/** After the promotion there is no way back: what fails is tried again so often, with this pause in between. */
const FORWARD = { rounds: 60, pauseSeconds: 60 };

export interface MoveResult {
  readonly outcome: "succeeded" | "refused" | "failed";
  readonly sentence: string;
  readonly evidence: string | null;
}

export async function failover(input: MoveInput, plain: DurableContext, settings: Settings): Promise<MoveResult> {
  const database = protectedDatabase(settings.plan, input.database);
  const execution = executionName(input.database, input.generation, input.attempt);
  const { ctx, steps } = noting(plain, execution);
  const move = new Move(settings, database, execution, input.generation);

  const confirmed = await ctx.step("confirm", () => move.confirmAndNote(), patiently);
  if (confirmed.refusal !== null) {
    await ctx.step("release the claim", () => endClaim(settings, database, execution, "refused", storeNowMs()), patiently);
    await ctx.step("tell of the refusal", () => tell(settings, move.refusedNews(confirmed)), patiently);
    return { outcome: "refused", sentence: confirmed.refusal, evidence: null };
  }
  const { primary, standby } = confirmed;
  move.regions = confirmed.facts.record.regions;
  // Another execution noted the promotion and died: whether it began is seen before anything is undone.
  const goesOn = confirmed.facts.record.claim?.stage === "promoted";
  let stage: Stage = "fence";
  try {
    // RDS takes its time for the network; people are told meanwhile, and the bus may take its time too.
    if (confirmed.unfenced === null && !hasRung(database.plan.failover, "read-only"))
      await lookOnce(ctx, ASKED_FOR.network, () => move.networkTaken(confirmed, primary));
    await ctx.step("tell of the start", () => tell(settings, move.startedNews(confirmed)), patiently);
    const fenced = confirmed.unfenced === null ? await fence(ctx, move, confirmed) : notFenced(confirmed.unfenced, confirmed.atMs);
    stage = "drain";
    const drained = await until<Drained>(ctx, "the standby has applied what it received", PATIENCE.drain, () => move.drained(standby));
    stage = "promote";
    await ctx.step("promote", () => move.promote(standby), patiently);
    // For the evidence alone, while RDS promotes.
    const dnsBefore = await ctx.step("read the record", () => move.readName(), once).catch(() => null);
    stage = "write";
    const promoted = await until(ctx, "the new primary takes writes", PATIENCE.promote, () => move.takesWrites(standby));
    const end = await forward(ctx, settings, move, confirmed, async () => {
      const changed = await ctx.step("change the record", () => move.changeName(standby), patiently);
      const repointed = await until(ctx, "a write through the name arrives", PATIENCE.repoint, () => move.writesThroughName(standby));
      return { changed, repointed };
    });
    stage = "record";
    const after = await ctx.step(
      "raise the generation",
      () => move.raiseGeneration(confirmed, { branchedAt: drained.position ?? null }),
      patiently,
    );
    const state = confirmed.unfenced === null ? "is fenced" : "is not fenced yet: its region does not answer";
    const sentence = `${database.name} now runs on ${standby}: ${database.record.name} points to it and took a write. ${primary} ${state}.`;
    const { repointed } = end;
    const evidence = await ctx.step(
      "keep the evidence",
      () =>
        move.keepEvidence(
          {
            outcome: "succeeded",
            sentence,
            confirmed,
            drained: drained.newest ?? null,
            proofs: { fence: fenced, "the standby has applied all": drained, "it takes writes": promoted, "the clients' name": repointed },
            moments: [
              ["fence", fenced.atMs, "to the write that was refused"],
              ["drain", drained.atMs, "to the standby's word that it has applied all"],
              ["promote", promoted.atMs, "to the first write it took"],
              ["repoint", end.changed.atMs, "to the change of the name"],
              ["verified", repointed.atMs, "to the write through the name"],
            ],
            steps,
          },
          { fenced, drained, promoted, dnsBefore, ...end, after, infrastructureCode: move.drift(confirmed).hints },
        ),
      patiently,
    );
    await ctx.step(
      "tell of the success",
      () => tell(settings, move.succeededNews(sentence, confirmed, evidence, end.repointed.atMs)),
      patiently,
    );
    await ctx.step("start the rebuild", () => startRebuild(settings, database, after), patiently);
    await ctx.step("start the look afterwards", () => startAfterwards(settings, database, after), patiently);
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
    const early = stage === "fence" || stage === "drain";
    const unsure = stage === "promote" || (early && goesOn);
    const refused = unsure && (await ctx.step("see that nothing was promoted", () => move.isStillReplica(standby), patiently));
    // After the promotion the claim is kept: the watcher starts the move again where it ended (watch.ts).
    const undone = refused || (early && !goesOn);
    const news = move.failedNews(sentence, undone ? "drain" : early ? "promote" : stage, primary, standby);
    // Told first: whatever keeps the fence from being undone must not keep the reason from people.
    await ctx.step("tell of the failure", () => tell(settings, news), patiently);
    if (undone) {
      // Before the promotion the old primary is still the only one there can be: it gets its network back.
      await ctx.step("give its network back", () => move.giveNetworkBack(primary), patiently);
      await ctx.step("release the failed claim", () => endClaim(settings, database, execution, "failed", storeNowMs()), patiently);
    }
    return { outcome: "failed", sentence, evidence: await keepFailure(ctx, move, { sentence, confirmed, steps }) };
  }
}

export type Stage = "fence" | "drain" | "promote" | "write" | "record";

export async function fence(ctx: DurableContext, move: Move, confirmed: Confirmed): Promise<Proof> {
  const { primary } = confirmed;
  const first = hasRung(move.database.plan.failover, "read-only");
  if (first) await ctx.step(STEP_OF["read-only"], () => move.readOnly(confirmed, primary), patiently);
  await until(ctx, STEP_OF.network, PATIENCE.fence, () => move.networkTaken(confirmed, primary));
  await until(ctx, STEP_OF.sessions, PATIENCE.fence, () => move.sessionsCut(primary));
  const fenced = await until(ctx, "a write to the old primary is refused", PATIENCE.fence, (before) =>
    move.fenceHolds(confirmed, primary, before),
  );
  // Nobody gets in any more, and another instance may take its parameter group over.
  if (first) await ctx.step("its parameter group is given back", () => move.readOnlyEnded(confirmed, primary), patiently);
  return fenced;
}

/** A move that failed has its evidence too. That it cannot be kept must not keep anything from people: they have been told by now. */
export const keepFailure = (
  ctx: DurableContext,
  move: Move,
  told: Pick<Told, "sentence" | "confirmed" | "steps">,
): Promise<string | null> =>
  ctx
    .step(
      "keep the evidence of the failure",
      () => move.keepEvidence({ ...told, outcome: "failed", drained: null, proofs: {}, moments: [] }),
      patiently,
    )
    .catch(() => null);

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
