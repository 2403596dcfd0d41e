/**
 * A planned move, told top to bottom: the primary is closed and equal to the standby before that is promoted, so nothing is lost. Up to
 * the promotion every failure opens the primary again and leaves the name alone; after it there is only forward. A failback is the same,
 * with the former primary asked first what it alone holds (gate.ts).
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { storeNowMs } from "../aws/store-clock.ts";
import { startAfterwards } from "./afterwards.ts";
import { noting } from "./evidence.ts";
import { forward, keepFailure, type MoveResult } from "./failover.ts";
import type { Confirmed } from "./failover-steps.ts";
import { askRetired } from "./gate.ts";
import { startRebuild } from "./rebuild.ts";
import { endClaim, executionName } from "./record.ts";
import { protectedDatabase, type Settings } from "./settings.ts";
import type { MoveInput } from "./start.ts";
import { PlannedMove } from "./switchover-steps.ts";
import { tell } from "./tell.ts";
import { patiently, reasonOf, until } from "./until.ts";

/** Looks of about a second. The clients wait from "sessions" on: what cannot be had quickly is not waited for. */
const PATIENCE = { close: 300, sessions: 15, equal: 15, begin: 30, promote: 1800, fence: 60, repoint: 300, reopen: 900 };

type Stage = "close" | "sessions" | "equal" | "promote" | "repoint" | "record";

export async function switchover(input: MoveInput, plain: DurableContext, settings: Settings): Promise<MoveResult> {
  const database = protectedDatabase(settings.plan, input.database);
  const execution = executionName(input.database, input.generation, input.attempt);
  const { ctx, steps } = noting(plain, execution);
  const move = new PlannedMove(settings, database, execution, input.generation, input.kind === "failback" ? "failback" : "switchover");

  if (move.kind === "failback") await askRetired(ctx, settings, database, execution, input.generation);
  const confirmed = await ctx.step("confirm", () => move.confirm(), patiently);
  if (confirmed.refusal !== null) {
    await ctx.step("release the claim", () => endClaim(settings, database, execution, "refused", storeNowMs()), patiently);
    await ctx.step("tell of the refusal", () => tell(settings, move.refusedNews(confirmed)), patiently);
    return { outcome: "refused", sentence: confirmed.refusal, evidence: null };
  }
  const { primary, standby } = confirmed;
  move.regions = confirmed.facts.record.regions;
  await ctx.step("tell of the start", () => tell(settings, move.startedNews(confirmed)), patiently);

  // An execution before this one had both sides equal, and died while it promoted: from there it goes on.
  const resumed = confirmed.facts.record.claim?.stage === "promoted";
  let stage: Stage = "close";
  let refused = false;
  try {
    const drained = resumed ? null : await drain(ctx, move, confirmed, (now) => (stage = now));
    await ctx.step("ask for the fence", () => move.askFence(primary), patiently);
    stage = "promote";
    const asked = await ctx.step("promote", () => move.promoteUnlessRefused(standby), patiently);
    refused = asked.refusal !== null;
    if (asked.refusal !== null) throw new Error(asked.refusal);
    const promoted = await until(ctx, "the new primary takes writes", PATIENCE.promote, () => move.takesWrites(standby));
    stage = "repoint";
    const { changed, repointed } = await forward(ctx, settings, move, confirmed, async () => ({
      changed: await ctx.step("change the record", () => move.changeName(standby), patiently),
      repointed: await until(ctx, "a write through the name arrives", PATIENCE.repoint, () => move.writesThroughName(standby)),
    }));
    // The clients have not waited for this: nobody but Understudy has reached the old primary since it was closed. What cannot be proven
    // now, the watch over former primaries proves later (fences.ts).
    const fenced = await until(ctx, "a write to the old primary is refused", PATIENCE.fence, (before) =>
      move.fenceHolds(confirmed, primary, before),
    ).catch(() => null);
    stage = "record";
    const past = { fenced: fenced !== null, branchedAt: drained?.equal.position ?? null, lossless: true };
    const after = await ctx.step("raise the generation", () => move.raiseGeneration(confirmed, past), patiently);
    const stood = drained ? `; writes stood still for ${seconds(repointed.atMs - drained.ended.atMs)} s` : "";
    const sentence = `${database.name} now runs on ${standby}: ${database.record.name} points to it and took a write. Nothing was lost${stood}. ${primary} is ${fenced ? "fenced" : "closed, its fence is not proven yet"}.`;
    const evidence = await ctx.step(
      "keep the evidence",
      () =>
        move.keepEvidence(
          {
            outcome: "succeeded",
            sentence,
            confirmed,
            drained: null,
            proofs: {
              "closed to its clients": drained?.closed,
              "no session is left": drained?.ended,
              "both are equal": drained?.equal,
              "it takes writes": promoted,
              "the clients' name": repointed,
              fence: fenced,
            },
            moments: [
              ["close", drained?.closed.atMs, "to its groups as RDS says"],
              ["sessions", drained?.ended.atMs, "to nobody being connected"],
              ["drain", drained?.equal.atMs, "to both standing at one place"],
              ["promote", promoted.atMs, "to the first write it took"],
              ["repoint", changed.atMs, "to the change of the name"],
              ["verified", repointed.atMs, "to the write through the name"],
            ],
            steps,
          },
          { ...drained, asked, promoted, fenced, repointed, after },
        ),
      patiently,
    );
    await ctx.step(
      "tell of the success",
      () => tell(settings, move.plannedNews(sentence, confirmed, evidence, repointed.atMs, after)),
      patiently,
    );
    await ctx.step("start the rebuild", () => startRebuild(settings, database, after), patiently);
    await ctx.step("start the look afterwards", () => startAfterwards(settings, database, after), patiently);
    return { outcome: "succeeded", sentence, evidence };
  } catch (error) {
    const back = stage === "promote" ? refused || !(await began(ctx, move, standby)) : !["repoint", "record"].includes(stage);
    const again = back
      ? await until(ctx, "the old primary takes writes again", PATIENCE.reopen, () => move.reopened(primary)).then(
          ({ seen }) => seen,
          (trouble) => `${primary} COULD NOT BE OPENED AGAIN: ${reasonOf(trouble)}`,
        )
      : null;
    const sentence = `The ${move.kind} of ${database.name} to ${standby} failed at the stage "${stage}": ${reasonOf(error)}`;
    await ctx.step("tell of the failure", () => tell(settings, move.calledOffNews(sentence, primary, standby, again)), patiently);
    // After the promotion the claim is kept: the watcher starts the move again where it ended (watch.ts).
    if (back) await ctx.step("release the failed claim", () => endClaim(settings, database, execution, "failed", storeNowMs()), patiently);
    return { outcome: "failed", sentence, evidence: await keepFailure(ctx, move, { sentence, confirmed, steps }) };
  }
}

/** Up to the moment in which both hold the same and nobody writes. Every part of it can be undone. */
async function drain(ctx: DurableContext, move: PlannedMove, { primary, standby }: Confirmed, at: (stage: Stage) => void) {
  await ctx.step("note the old network", () => move.noteNetwork(primary), patiently);
  const dnsBefore = await ctx.step("read the record", () => move.readName(), patiently);
  const closed = await until(ctx, "it is closed to its clients", PATIENCE.close, () => move.closed(primary));
  at("sessions");
  const ended = await until(ctx, "its sessions are ended", PATIENCE.sessions, () => move.nobodyElse(primary));
  at("equal");
  const equal = await until(ctx, "both stand at the same place", PATIENCE.equal, () => move.equal(primary, standby));
  return { dnsBefore, closed, ended, equal };
}

/** Asked for and not seen to end: it counts as begun when there is any sign of it, and as never asked for when thirty looks, about a minute, show none. */
const began = (ctx: DurableContext, move: PlannedMove, standby: string): Promise<boolean> =>
  until(ctx, "it is seen whether the promotion began", PATIENCE.begin, () => move.promotionBegan(standby)).then(
    () => true,
    () => false,
  );

const seconds = (ms: number): string => (ms / 1000).toFixed(1);
