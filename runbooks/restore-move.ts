/**
 * A restored instance becomes the primary, told top to bottom: the old one is fenced where it can be reached, the new one is opened to
 * its clients, the name follows and is proven by a write. It is verified and claimed before (restore.ts).
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { setSecurityGroups } from "../aws/rds.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { diagnose } from "../core/diagnosis.ts";
import type { Drift } from "../core/drift.ts";
import type { Facts } from "../core/facts.ts";
import { policyOf } from "../core/policy.ts";
import { judgeRestore } from "../core/restore.ts";
import { startAfterwards } from "./afterwards.ts";
import { noting } from "./evidence.ts";
import { fence, forward, keepFailure, type MoveResult } from "./failover.ts";
import { type Confirmed, Move } from "./failover-steps.ts";
import { groupsOf } from "./fences.ts";
import { observe } from "./observe.ts";
import { restoreProtections } from "./protect.ts";
import { startRebuild } from "./rebuild.ts";
import { endClaim, executionName, readRecord } from "./record.ts";
import { restoredTrouble } from "./repoint-way.ts";
import { seating } from "./restored-side.ts";
import { protectedDatabase, type Settings } from "./settings.ts";
import type { MoveInput } from "./start.ts";
import { tell } from "./tell.ts";
import { notYet, type Proof, patiently, proven, reasonOf, until } from "./until.ts";

/** Looks of about a second. */
const PATIENCE = { side: 600, open: 600, write: 300, repoint: 300 };

export async function becomePrimary(input: MoveInput, plain: DurableContext, settings: Settings): Promise<MoveResult> {
  const database = protectedDatabase(settings.plan, input.database);
  const execution = executionName(input.database, input.generation, input.attempt);
  const { ctx, steps } = noting(plain, execution);
  const move = new RestoredMove(settings, database, execution, input.generation);

  const confirmed: Confirmed = await ctx.step("confirm", () => move.confirmAndNote(), patiently);
  if (confirmed.refusal !== null) {
    await ctx.step("release the claim", () => endClaim(settings, database, execution, "refused", storeNowMs()), patiently);
    await ctx.step("tell of the refusal", () => tell(settings, move.refusedNews(confirmed)), patiently);
    return { outcome: "refused", sentence: confirmed.refusal, evidence: null };
  }
  const { primary, standby } = confirmed;
  move.regions = confirmed.facts.record.regions;
  await ctx.step("tell of the start", () => tell(settings, move.startedNews(confirmed)), patiently);

  // One that goes on where another died never gives the old primary its network back.
  const goesOn = confirmed.facts.record.claim?.stage === "promoted";
  let stage: "fence" | "write" | "record" = goesOn ? "write" : "fence";
  try {
    if (database.record.repoint === "latch") await until(ctx, "a side of the latch leads to it", PATIENCE.side, () => move.seated(standby));
    // Again after a death, too: each look does only what is missing.
    const fenced =
      confirmed.unfenced === null ? await fence(ctx, move, confirmed) : { holds: false, seen: confirmed.unfenced, atMs: confirmed.atMs };
    await ctx.step("note that it is promoted", () => move.note({ stage: "promoted" }), patiently);
    stage = "write";
    const opened = await until(ctx, "it is open to its clients", PATIENCE.open, () => move.opened(standby));
    const promoted = await until(ctx, "the new primary takes writes", PATIENCE.write, () => move.takesWrites(standby));
    const end = await forward(ctx, settings, move, confirmed, async () => {
      const dnsBefore = await ctx.step("read the record", () => move.readName(), patiently);
      await ctx.step("change the record", () => move.changeName(standby), patiently);
      const repointed: Proof = await until(ctx, "a write through the name arrives", PATIENCE.repoint, () =>
        move.writesThroughName(standby),
      );
      return { dnsBefore, repointed };
    });
    stage = "record";
    const after = await ctx.step("raise the generation", () => move.raiseGeneration(confirmed, { branchedAt: null }), patiently);
    const state = confirmed.unfenced === null ? `${primary} is fenced` : `${primary} is not fenced: ${confirmed.unfenced}`;
    const sentence = `${database.name} now runs on ${standby}, out of a backup: ${database.record.name} points to it and took a write. ${state}.`;
    const evidence = await ctx.step(
      "keep the evidence",
      () =>
        move.keepEvidence(
          {
            outcome: "succeeded",
            sentence,
            confirmed,
            drained: null,
            proofs: { fence: fenced, "its clients' groups": opened, "it takes writes": promoted, "the clients' name": end.repointed },
            moments: [["verified", end.repointed.atMs, "to the write through the name"]],
            steps,
          },
          { fenced, opened, promoted, ...end, after, infrastructureCode: move.drift(confirmed).hints },
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
    const generation = input.generation + 1;
    await restoreProtections(ctx, settings, database, {
      execution,
      generation,
      oldPrimary: primary,
      newPrimary: standby,
      regions: move.regions,
    });
    return { outcome: "succeeded", sentence, evidence };
  } catch (error) {
    const sentence = `Making ${standby} the primary of ${database.name} failed at the stage "${stage}": ${reasonOf(error)}`;
    await ctx.step("tell of the failure", () => tell(settings, move.failedNews(sentence, stage, primary, standby)), patiently);
    // Once it is noted as promoted the claim is kept: the watcher starts the move again where it ended (watch.ts).
    if (stage === "fence") {
      await ctx.step("give its network back", () => move.giveNetworkBack(primary), patiently);
      await ctx.step("release the failed claim", () => endClaim(settings, database, execution, "failed", storeNowMs()), patiently);
    }
    return { outcome: "failed", sentence, evidence: await keepFailure(ctx, move, { sentence, confirmed, steps }) };
  }
}

/** Instances RDS says will not run again by themselves take no change and no client. */
const DEAD_FOR_GOOD = ["failed", "incompatible-restore", "inaccessible-encryption-credentials"];

class RestoredMove extends Move {
  private seat: ReturnType<typeof seating> | undefined;

  protected override get words(): "restore" {
    return "restore";
  }

  /** Looks again with its own eyes: the claim must be ours, and the table for restores must still let it. */
  override async confirm(): Promise<Confirmed> {
    const { facts } = await observe(this.settings, this.database);
    const { record, primary } = facts;
    const { claim } = record;
    const base = { atMs: facts.atMs, primary: record.primary, standby: claim?.target ?? "(none)", unfenced: whyUnfenced(facts), facts };
    const refuse = (rule: number, sentence: string): Confirmed => ({ ...base, refusal: sentence, rule, sentence });
    if (claim?.execution !== this.execution || claim.order === null)
      return refuse(201, `Refused: the claim ${this.execution} is not the one on record (${claim?.execution ?? "none"}). (rule 201)`);
    const { rule, sentence, target, order } = claim;
    if (claim.stage === "promoted")
      return { ...base, refusal: null, rule, sentence: `Goes on with the restore of ${record.database}. ${sentence}` };
    this.regions = record.regions;
    const instance = await this.instance(target);
    if (instance.status !== "available") return refuse(rule, `Refused: ${target} is ${instance.status}, not available. (rule ${rule})`);
    const policy = policyOf(this.settings.plan, this.database.plan);
    const unclaimed: Facts = { ...facts, primary, record: { ...record, claim: null } };
    const trouble = await restoredTrouble(this.settings, this.database, record, instance);
    const judged = judgeRestore({ facts: unclaimed, diagnosis: diagnose(unclaimed, policy), policy, order, trouble });
    return judged.refused ? refuse(judged.rule, judged.sentence) : { ...base, refusal: null, rule: judged.rule, sentence: judged.sentence };
  }

  /** Where the name moves by a latch, one of its sides must lead there before it can. */
  async seated(id: string): Promise<Proof> {
    const { value } = await readRecord(this.settings, this.database);
    this.seat ??= seating(this.settings, this.database, () => this.holdsClaim());
    return await this.seat(value, await this.instance(id));
  }

  /** Its clients' groups are in force. Which they are was found before the claim, and stands in the record. */
  async opened(id: string): Promise<Proof> {
    await this.holdsClaim();
    const groups = (await readRecord(this.settings, this.database)).value.networks?.[id] ?? [];
    const instance = await this.instance(id);
    const wanted = groups.map((group) => `${group}:active`).sort();
    if (wanted.length > 0 && [...instance.securityGroups].sort().join() === wanted.join()) return proven(`${id} has ${groups.join(", ")}`);
    if (groupsOf(instance).sort().join() !== [...groups].sort().join()) await setSecurityGroups(this.regionOf(id), id, groups);
    return notYet(`${id} does not have its clients' groups yet: ${instance.securityGroups.join(", ")}`);
  }

  override drift({ primary, standby }: Confirmed): Drift {
    const region = this.regionOf(standby);
    return {
      sentence: `Your infrastructure code still names ${primary}, and does not know ${standby}: hold its pipelines until it is changed.`,
      hints: [
        `${standby} in ${region} was made by a restore: import it (Terraform: terraform import aws_db_instance.NAME ${standby}; CloudFormation: an import of an AWS::RDS::DBInstance with DeletionPolicy: Retain).`,
        `${primary} is fenced, on purpose: code that gives it its security groups back opens it again.`,
        `Whatever else refers to ${primary} (outputs, dashboards, replicas, alarms) is to name ${standby}.`,
      ],
    };
  }
}

function whyUnfenced({ record, primary, primaryRegion }: Facts): string | null {
  if (primaryRegion === "dark") return `RDS in ${record.regions[record.primary]} does not answer`;
  if (primary === null) return "RDS does not know it any more";
  return DEAD_FOR_GOOD.includes(primary.status) ? `RDS reports it as ${primary.status}` : null;
}
