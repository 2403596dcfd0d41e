/**
 * A restore, told top to bottom: the newest good copy becomes an instance beside the original, which nobody but Understudy reaches; it is
 * looked through, and people are told how old it is. It becomes the primary only where people agreed to that, and by a move of its own.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { restoreCommand } from "../core/commands.ts";
import type { Order } from "../core/facts.ts";
import type { News } from "../core/news.ts";
import { ageWords, type Chosen, pointWords, type RecoveryPoint } from "../core/restore.ts";
import { isVaultPlace } from "../core/vault.ts";
import { type Judged, Restore, type RestoreInput } from "./restore-steps.ts";
import { answers, available, created, type Holds, holds, holdsWords, PATIENCE } from "./restored.ts";
import { protectedDatabase, type Settings } from "./settings.ts";
import { tell } from "./tell.ts";
import { eventually, patiently, reasonOf } from "./until.ts";
import { fetched } from "./vault-fetch.ts";

export interface RestoreResult {
  /** claimed: a move makes it the primary. refused: nothing was made, or it stands beside and stays there. */
  readonly outcome: "restored" | "claimed" | "refused" | "failed";
  readonly instance: string;
  readonly sentence: string;
}

/** In minutes: a second zone takes as long as its storage is large. */
const SETTLE_MINUTES = 90;

export async function restore(input: RestoreInput, ctx: DurableContext, settings: Settings): Promise<RestoreResult> {
  const database = protectedDatabase(settings.plan, input.database);
  const work = new Restore(settings, database, input);
  const { name } = input;
  const end = async (outcome: RestoreResult["outcome"], news: Omit<News, "id" | "database" | "atMs">): Promise<RestoreResult> => {
    const id = `${work.execution}-${news.kind.toLowerCase().replace(" ", "-")}`;
    await ctx.step(
      outcome === "failed" || outcome === "refused" ? `tell that it is ${outcome}` : "tell of the restore",
      () => tell(settings, { ...news, id, database: database.name, atMs: Date.now() }),
      patiently,
    );
    return { outcome, instance: name, sentence: news.sentence };
  };
  const ordered: [string, string] = ["Ordered", `by ${input.by}: ${input.reason}`];
  const untouched = "Nothing was changed.";
  let stage = "choose";
  try {
    const order: Order | null = input.request === null ? null : await ctx.step("see that people agreed", () => work.agreed(), patiently);
    if (input.request !== null && order === null)
      return await end("refused", {
        kind: "Restore Failed",
        sentence: `Refused: the request ${input.request} is no longer open, or too few people have agreed.`,
        details: [ordered],
        next: `${untouched} Order it again.`,
        commands: [restoreCommand(database.name, { promote: true })],
      });

    let point: RecoveryPoint | null = null;
    let region = "";
    if (input.again) region = (await ctx.step("find what was restored", () => work.whereItIs(), patiently)).region;
    else {
      const chosen: Chosen = await ctx.step("choose the recovery point", () => work.choose(), patiently);
      if (chosen.point === null)
        return await end("refused", {
          kind: "Restore Failed",
          sentence: `Refused: ${chosen.reason}`,
          details: [ordered],
          next: `${untouched} ${chosen.hint}`,
        });
      point = chosen.point;
      region = isVaultPlace(point.region) ? settings.plan.regions.recovery : point.region;
    }
    const where = region;
    if (order) {
      const judged: Judged = await ctx.step("hold it against the rules", () => work.judge(order, where), patiently);
      if (judged.refused)
        return await end("refused", {
          kind: "Restore Failed",
          sentence: judged.sentence,
          details: [ordered],
          next: judged.overridable.length > 0 ? `${untouched} To pass over it this once:` : untouched,
          commands:
            judged.overridable.length > 0
              ? [restoreCommand(database.name, { promote: true, overrides: [...order.overrides, ...judged.overridable] })]
              : [],
        });
    }
    if (point !== null) {
      const chosen = point;
      const from: RecoveryPoint = { ...chosen, region: where };
      const like = await ctx.step("see what it is to be like", () => work.like(from), patiently);
      await ctx.step("tell of the start", () => tell(settings, startedNews(work, chosen)), patiently);
      if (chosen.kind === "snapshot" && isVaultPlace(chosen.region)) {
        stage = "fetch";
        await fetched(ctx, settings, database, chosen.snapshot);
      }
      stage = "create";
      await eventually(ctx, "it is being restored", PATIENCE.create, () => created(name, from, like));
    }
    stage = "available";
    await eventually(ctx, "it is available", PATIENCE.available, () => available(where, name));
    stage = "answer";
    await eventually(ctx, "it answers", PATIENCE.answer, () => answers(settings, database, where, name));
    const held: Holds = await ctx.step("see what it holds", () => holds(settings, database, where, name), patiently);
    const lastWriteMs: number | null = await ctx.step("see what was written last", () => work.lastWriteMs(), patiently);
    stage = "protect";
    const guarded: { done: string[]; left: string[] } = await ctx.step(
      "give it what guarded the original",
      () => work.protect(where),
      patiently,
    );
    const ready = await eventually(ctx, "it is ready", SETTLE_MINUTES, () => work.settled(where)).catch((error: unknown) => {
      guarded.left.push(reasonOf(error));
      return null;
    });
    stage = "claim";
    const claimed: (Judged & { move: string | null }) | null = order
      ? await ctx.step("claim the database for it", () => work.claim(order, where), patiently)
      : null;
    const evidence = await ctx.step(
      "keep the evidence",
      () => work.keepEvidence({ point, region: where, held, lastWriteMs, guarded, ready, claimed }),
      patiently,
    );
    const details: [string, string][] = [
      ["Instance", `${name} in ${where}; only Understudy's functions reach it`],
      ...(point ? [["Restored from", pointWords(point)] as [string, string]] : []),
      ["Recovery point", recoveryWords(held, lastWriteMs)],
      ["Holds", `${holdsWords(held)}; ${held.heartbeats.length} hearts`],
      ...guarded.done.map((what): [string, string] => ["Restored", what]),
      ...guarded.left.map((what): [string, string] => ["Left to you", what]),
      ordered,
      ["Evidence", evidence],
    ];
    const promote = restoreCommand(database.name, { promote: true, instance: name, overrides: claimed?.overridable });
    const done = `${database.name} is restored beside the original: ${name} in ${where} ${newestWords(held)}.`;
    if (claimed?.move)
      return await end("claimed", {
        kind: "Restore Completed",
        sentence: `${done} ${claimed.sentence}`,
        details: [["Move", claimed.move], ...details],
        next: "Nothing yet: the move's own mails say how it ends.",
      });
    if (claimed)
      return await end("refused", {
        kind: "Restore Completed",
        sentence: `${done} It does not become the primary. ${claimed.sentence}`,
        details,
        next: "It stays as it is, and costs money until you delete it. Should the reason above be gone, or be passed over:",
        commands: [promote],
      });
    return await end("restored", {
      kind: "Restore Completed",
      sentence: `${done} No name leads to it.`,
      details,
      next: "Look at it, give it the security groups of whoever is to read it, and delete it when it is of no use any more. To make it the primary, with the approvals that takes:",
      commands: [promote],
    });
  } catch (error) {
    return await end("failed", {
      kind: "Restore Failed",
      sentence: `The restore of ${database.name} as ${name} failed at the stage "${stage}": ${reasonOf(error)}`,
      details: [ordered, ["Execution", work.execution]],
      next: `The primary on record was not touched. If ${name} is there, it stays as it is and costs money until you delete it. Order again when the reason is gone:`,
      commands: [restoreCommand(database.name, { promote: input.request !== null })],
    });
  }
}

/** How old the newest heart in it is, by what was known when it was looked at. */
function recoveryWords({ newestMs }: Holds, lastWriteMs: number | null): string {
  if (newestMs === null) return "unknown: no heart of the probe beats in it";
  const newest = new Date(newestMs).toISOString();
  if (lastWriteMs === null) return `${newest}; what was written later is not in it`;
  return `${newest}; the probe's last write to the original was ${ageWords(lastWriteMs - newestMs)} later, and so much is not in it`;
}

const newestWords = ({ newestMs, heartbeats }: Holds): string =>
  newestMs === null
    ? "answers, and holds no heartbeat that would tell how old it is"
    : `answers and holds ${heartbeats.length} hearts, the newest of ${new Date(newestMs).toISOString()} (${ageWords(Date.now() - newestMs)} old)`;

const startedNews = ({ database, execution, input }: Restore, point: RecoveryPoint): News => ({
  kind: "Restore Started",
  id: `${execution}-started`,
  database: database.name,
  atMs: Date.now(),
  sentence: `${database.name} is being restored as ${input.name}, beside the original, from ${pointWords(point)} (${ageWords(Date.now() - point.atMs)} old).`,
  details: [
    ["Ordered", `by ${input.by}: ${input.reason}`],
    ["To be", input.request === null ? "an instance beside the original" : "the primary, once it is verified"],
  ],
  next: "Nothing yet: another mail says how it ends. AWS bills the new instance like any other.",
});
