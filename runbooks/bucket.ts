/**
 * A bucket's objects for another provider, told top to bottom: carried run by run, each as long as a Lambda lasts, until the list is
 * whole or the day is over; the next execution goes on with what is not. Trouble at the provider is waited for; it has no hand in
 * anything inside AWS.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { BucketObjects } from "../aws/bucket-objects.ts";
import { putDocument } from "../aws/documents.ts";
import { isNoAnswer, isThrottled } from "../aws/errors.ts";
import { NOTHING, type Totals } from "../core/bucket-list.ts";
import { type BucketNote, bucketNoteKey } from "../core/bucket-note.ts";
import type { BucketPlan } from "../core/plan/schema.ts";
import { Problem } from "../core/problem.ts";
import { carryBucket } from "../offsite/bucket.ts";
import { Kit } from "../offsite/kit.ts";
import { enterProvider, HAND_OVER_MS, WAIT_MINUTES } from "./provider.ts";
import { bucketPlan, type Settings } from "./settings.ts";
import { tell } from "./tell.ts";
import { once, patiently, reasonOf } from "./until.ts";

export interface BucketInput {
  /** The plan's name for it. */
  readonly bucket: string;
  /** Of the execution. */
  readonly name: string;
}

export interface BucketResult {
  /** "unfinished": the next execution goes on. */
  readonly outcome: "finished" | "unfinished" | "failed";
  readonly sentence: string;
  readonly list: string | null;
}

/** Less than a day: the next one goes on behind it, and never beside it. */
const LONGEST_MS = 23 * 3_600_000;

interface Ran {
  readonly id: string | null;
  readonly totals: Totals;
  /** null: it is not whole yet. */
  readonly note: BucketNote | null;
  /** Why not; null: its time was over. */
  readonly trouble: string | null;
}

export async function bucket(input: BucketInput, ctx: DurableContext, settings: Settings): Promise<BucketResult> {
  const plan = bucketPlan(settings.plan, input.bucket);
  const deadlineMs: number = await ctx.step("begin", async () => Date.now() + LONGEST_MS, patiently);
  let ran: Ran = { id: null, totals: NOTHING, note: null, trouble: null };
  let trouble: string | null = null;
  try {
    for (let run = 1; ran.note === null; run++) {
      const before: Ran = ran;
      const now: Ran = await ctx.step(
        `it is carried, run ${run}`,
        () => carry(settings, plan, input.name, deadlineMs, ctx.lambdaContext?.getRemainingTimeInMillis?.()),
        once,
      );
      ran = now.id === null ? { ...before, trouble: now.trouble } : now;
      const late: boolean = await ctx.step(`the day is over, run ${run}`, async () => Date.now() >= deadlineMs, patiently);
      if (ran.note !== null || late) break;
      // A wait ends the invocation, so that the next run has a whole one.
      await ctx.wait({ seconds: ran.trouble === null ? 1 : WAIT_MINUTES * 60 });
    }
    const { note } = ran;
    if (note) await ctx.step("note it", () => putDocument(settings.state, bucketNoteKey(plan.name), note), patiently);
  } catch (error) {
    trouble = reasonOf(error);
  }
  const outcome = trouble !== null ? "failed" : ran.note ? "finished" : "unfinished";
  const sentence = sentenceOf(plan, outcome, ran, trouble ?? ran.trouble);
  await ctx.step("tell of the bucket", () => tell(settings, newsOf(input, plan, outcome, ran, sentence)), patiently);
  return { outcome, sentence, list: ran.id };
}

/** One run. What waiting cannot cure is thrown; everything else is said, and the next run goes on behind what is finished. */
async function carry(settings: Settings, plan: BucketPlan, execution: string, deadlineMs: number, remainingMs = 900_000): Promise<Ran> {
  const untilMs = Math.min(Date.now() + Math.max(0, remainingMs - HAND_OVER_MS), deadlineMs);
  const { name, bucket: from, region, offsite } = plan;
  const { store, masterKey } = await enterProvider(settings, offsite);
  try {
    const { id, totals, manifest } = await carryBucket({
      objects: new BucketObjects({ bucket: from, region }),
      store,
      masterKey,
      name,
      bucket: from,
      region,
      kit: Kit.beside(),
      token: execution.slice(-4),
      now: Date.now,
      untilMs,
      tell: (sentence) => console.log(JSON.stringify({ what: "bucket", bucket: name, sentence })),
    });
    if (manifest && totals.objects === 0 && totals.notCarried > 0) throw nothingGiven(plan, manifest.notCarried);
    const { endpoint, bucket: to, prefix = "" } = offsite;
    const note = manifest && {
      id,
      begunAtMs: manifest.begunAtMs,
      finishedAtMs: manifest.finishedAtMs,
      endpoint,
      bucket: to,
      prefix,
      totals,
      notCarried: manifest.notCarried,
    };
    return { id, totals, note, trouble: null };
  } catch (error) {
    const passes = error instanceof Problem ? error.retry : isNoAnswer(error) || isThrottled(error);
    if (!passes) throw error;
    const trouble = (error as Error).message;
    console.error(JSON.stringify({ what: "bucket met trouble", bucket: name, trouble }));
    return { id: null, totals: NOTHING, note: null, trouble };
  } finally {
    store.close();
  }
}

const nothingGiven = ({ bucket: name, kmsKeyId }: BucketPlan, [first]: BucketNote["notCarried"]): Problem =>
  new Problem("NothingGiven", `S3 gave none of the objects of ${name} (${first?.key}: ${first?.why})`, {
    hint: kmsKeyId
      ? "Let the role of the function bucket use the key, in the key's policy."
      : "If they are encrypted under a key of your own, name it (kmsKeyId) in the plan; look at the bucket's policy.",
  });

const MIB = 1024 * 1024;
const sizeWords = ({ objects, bytes }: Totals): string => `${objects} objects, ${Math.ceil(bytes / MIB)} MiB`;

function sentenceOf({ name, offsite }: BucketPlan, outcome: BucketResult["outcome"], { totals }: Ran, trouble: string | null): string {
  const place = `${offsite.bucket} at ${offsite.endpoint}`;
  const why = trouble === null ? "" : `: ${trouble}`;
  if (outcome === "failed") return `The objects of ${name} did not go offsite${why}`;
  if (outcome === "unfinished") return `The objects of ${name} are not all offsite yet: ${sizeWords(totals)} lie in ${place}${why || "."}`;
  const left = totals.notCarried === 0 ? "" : ` ${totals.notCarried} COULD NOT BE CARRIED.`;
  return `${name} is offsite: ${sizeWords(totals)}, lie sealed in ${place}.${left}`;
}

function newsOf({ name: id }: BucketInput, { name, offsite }: BucketPlan, outcome: BucketResult["outcome"], ran: Ran, sentence: string) {
  const { totals, note } = ran;
  const { endpoint, bucket: to, prefix } = offsite;
  const next = {
    finished: totals.notCarried === 0 ? "Nothing." : "See the reasons; what is in an archive has to be restored in S3 first.",
    unfinished: "Nothing: the next one goes on behind them by itself.",
    failed: "Nothing inside AWS is touched. See the reason; the next one begins by itself at its time and goes on with what is finished.",
  };
  return {
    kind: outcome === "finished" && totals.notCarried === 0 ? ("Bucket Carried" as const) : ("Bucket Not Carried" as const),
    id,
    database: name,
    atMs: Date.now(),
    sentence,
    details: [
      ["List", ran.id ?? "none"],
      ["New", `${totals.sent} pieces, ${Math.ceil(totals.sentBytes / MIB)} MiB`],
      ["Lies at", [endpoint, to, ...(prefix ? [prefix] : []), "_buckets", name].join("/")],
      ...(note?.notCarried ?? []).slice(0, 5).map(({ key, why }): [string, string] => ["Not carried", `${key}: ${why}`]),
    ] as [string, string][],
    next: next[outcome],
  };
}
