/**
 * A dump for another provider, told top to bottom: the newest copy becomes an instance of its own that nobody but Understudy reaches and
 * that stands still, is carried away run by run, each as long as a Lambda lasts, and is deleted again. Trouble at the provider is waited
 * for; it has no hand in the backups inside AWS, which are other executions of other functions.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { appendDocument, putDocument } from "../aws/documents.ts";
import type { Totals } from "../core/offsite-dump.ts";
import { type OffsiteNote, offsiteNoteKey } from "../core/offsite-note.ts";
import type { BackupPlan } from "../core/plan/schema.ts";
import { Problem } from "../core/problem.ts";
import { ageWords, pointWords, type RecoveryPoint } from "../core/restore.ts";
import { dump } from "../offsite/dump.ts";
import { Kit } from "../offsite/kit.ts";
import { openSource } from "../offsite/open.ts";
import { enterProvider, HAND_OVER_MS, WAIT_MINUTES } from "./provider.ts";
import { answers, available, created, PATIENCE, targetAt } from "./restored.ts";
import { type Protected, protectedDatabase, type Settings } from "./settings.ts";
import { tell } from "./tell.ts";
import { gone, newestCopy, temporaryLike } from "./temporary.ts";
import { eventually, once, patiently, reasonOf } from "./until.ts";

export interface OffsiteInput {
  readonly database: string;
  /** Of the instance it makes, and of the execution. */
  readonly name: string;
}

export interface OffsiteResult {
  readonly outcome: "finished" | "failed";
  readonly sentence: string;
  readonly dump: string | null;
}

type OffsitePlan = NonNullable<BackupPlan["offsite"]>;

/** From the first run. What is not carried by then is given up, and the instance with it. */
const LONGEST_HOURS = 24;
const HOUR_MS = 3_600_000;

interface Finished {
  readonly id: string;
  readonly totals: Totals;
  readonly finishedAtMs: number;
}

interface Ran {
  readonly finished: Finished | null;
  /** Why it did not finish; null: its time was over, or it did. */
  readonly trouble: string | null;
}

export async function offsite(input: OffsiteInput, ctx: DurableContext, settings: Settings): Promise<OffsiteResult> {
  const database = protectedDatabase(settings.plan, input.database);
  const plan = database.backup?.offsite;
  if (!plan)
    throw new Problem("NoOffsitePlanned", `The plan has no offsite dumps of "${database.name}".`, {
      hint: 'Add "offsite" to its entry under "backups".',
    });
  const { name } = input;
  const startedAtMs: number = await ctx.step("begin", async () => Date.now(), patiently);
  let point: RecoveryPoint | null = null;
  let done: Finished | null = null;
  let trouble: string | null = null;
  try {
    const from: RecoveryPoint = await ctx.step("find the newest copy", () => newestCopy(settings, database), patiently);
    point = from;
    await ctx.step("look at the provider", () => lookAtProvider(settings, database, plan), patiently);
    const like = temporaryLike(settings, database, from.region, name, "offsite");
    await eventually(ctx, "it is being restored", PATIENCE.create, () => created(name, from, like));
    await eventually(ctx, "it is available", PATIENCE.available, () => available(from.region, name));
    await eventually(ctx, "it answers", PATIENCE.answer, () => answers(settings, database, from.region, name));
    const deadlineMs: number = await ctx.step("the first run begins", async () => Date.now() + LONGEST_HOURS * HOUR_MS, patiently);
    for (let run = 1; done === null; run++) {
      const carried: Ran = await ctx.step(
        `it is carried, run ${run}`,
        () => carry(settings, database, plan, name, deadlineMs, ctx.lambdaContext?.getRemainingTimeInMillis?.()),
        once,
      );
      done = carried.finished;
      // A wait ends the invocation, so that the next run has a whole one.
      if (done === null) await ctx.wait({ seconds: carried.trouble === null ? 1 : WAIT_MINUTES * 60 });
    }
    const finished = done;
    await ctx.step("note it", () => note(settings, database, plan, from, finished), patiently);
  } catch (error) {
    trouble = reasonOf(error);
  }
  const leftOver: string | null = await eventually(ctx, "it is gone again", PATIENCE.gone, () => gone(settings.region, name)).then(
    () => null,
    (error: unknown) => reasonOf(error),
  );
  const finished = trouble === null ? done?.totals : undefined;
  const sentence = finished
    ? `${database.name} is offsite: ${totalWords(finished)} of ${point ? pointWords(point) : "its newest copy"} lie sealed in ${plan.bucket} at ${plan.endpoint}.`
    : `No dump of ${database.name} went offsite: ${trouble}`;
  const left = leftOver === null ? "" : ` Delete ${name} by hand: it costs money until then.`;
  const next = finished
    ? "Nothing."
    : "The backups in AWS are untouched. See the reason; the next dump begins by itself at its time and goes on with what is finished where it can.";
  await ctx.step(
    "tell of the dump",
    () =>
      tell(settings, {
        kind: finished ? "Offsite Dump Finished" : "Offsite Dump Failed",
        id: name,
        database: database.name,
        atMs: Date.now(),
        sentence,
        details: [
          ["Dump", done?.id ?? "none"],
          ["Taken from", point ? `${pointWords(point)} (${ageWords(startedAtMs - point.atMs)} old)` : "nothing"],
          ["Lies at", [plan.endpoint, plan.bucket, ...(plan.prefix ? [plan.prefix] : []), database.name].join("/")],
          ["Instance", leftOver === null ? `${name}: deleted again` : `${name} COULD NOT BE DELETED: ${leftOver}`],
        ],
        next: `${finished && left !== "" ? "" : next}${left}`.trim(),
      }),
    patiently,
  );
  return { outcome: finished ? "finished" : "failed", sentence, dump: done?.id ?? null };
}

const totalWords = ({ tables, rows, storedBytes, parts }: Totals): string =>
  `${tables} tables with ${rows} rows, ${Math.ceil(storedBytes / 1024 / 1024)} MiB in ${parts} parts,`;

/** Before anything is made that costs money. A provider that does not answer now may do so when it is needed. */
async function lookAtProvider(settings: Settings, database: Protected, plan: OffsitePlan): Promise<void> {
  const { store } = await enterProvider(settings, plan);
  try {
    await store.folders(database.name);
  } catch (error) {
    if (!(error instanceof Problem && error.retry)) throw error;
  } finally {
    store.close();
  }
}

/** One run. What waiting cannot cure is thrown; everything else is said, and the next run goes on behind what is finished. */
async function carry(
  settings: Settings,
  database: Protected,
  plan: OffsitePlan,
  instance: string,
  deadlineMs: number,
  remainingMs = 900_000,
): Promise<Ran> {
  const nowMs = Date.now();
  const { store, masterKey } = await enterProvider(settings, plan);
  try {
    const target = await targetAt(settings, database, settings.region, instance);
    const { id, manifest } = await dump({
      openSource: () => openSource(database.plan.engine, target),
      load: (source) => source.load(),
      store,
      masterKey,
      database: database.name,
      kit: Kit.beside(),
      accepted: plan.accepted ?? [],
      onceIsEnough: true,
      // One execution of this name runs at a time, and it begins one dump a second at most.
      token: instance.slice(-4),
      now: Date.now,
      sleep,
      untilMs: Math.min(nowMs + Math.max(0, remainingMs - HAND_OVER_MS), deadlineMs),
      deadlineMs,
      tell: (sentence) => console.log(JSON.stringify({ what: "offsite dump", database: database.name, sentence })),
    });
    return { finished: manifest && { id, totals: manifest.totals, finishedAtMs: manifest.finishedAtMs }, trouble: null };
  } catch (error) {
    if ((error instanceof Problem && !error.retry) || Date.now() >= deadlineMs) throw error;
    const trouble = (error as Error).message;
    console.error(JSON.stringify({ what: "offsite dump met trouble", database: database.name, trouble }));
    return { finished: null, trouble };
  } finally {
    store.close();
  }
}

async function note(
  settings: Settings,
  { name }: Protected,
  { endpoint, bucket, prefix = "" }: OffsitePlan,
  point: RecoveryPoint,
  { id, totals, finishedAtMs }: Finished,
): Promise<void> {
  const made: OffsiteNote = { id, from: pointWords(point), takenAtMs: point.atMs, finishedAtMs, endpoint, bucket, prefix, totals };
  await appendDocument(settings.state, `offsite/${name}/${id}.json`, made);
  await putDocument(settings.state, offsiteNoteKey(name), made);
}
