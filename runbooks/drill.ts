/**
 * A drill, told top to bottom: the newest copy becomes an instance of its own that nobody but Understudy reaches, is looked through, and
 * is deleted again. It never speaks to what production runs on, and its role could not (S32, infra/roles.ts).
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { appendDocument, putDocument, readDocument } from "../aws/documents.ts";
import { drillCommand } from "../core/commands.ts";
import { drillTrouble, type Manifest, manifestKey } from "../core/drill.ts";
import { ageWords, pointWords, type RecoveryPoint } from "../core/restore.ts";
import { answers, available, created, type Holds, holds, holdsWords, PATIENCE } from "./restored.ts";
import { type Protected, protectedDatabase, type Settings } from "./settings.ts";
import { tell } from "./tell.ts";
import { gone, newestCopy, temporaryLike } from "./temporary.ts";
import { eventually, patiently, reasonOf } from "./until.ts";

export interface DrillInput {
  readonly database: string;
  /** Of the instance it makes, and of the drill. */
  readonly name: string;
  /** null: the plan's schedule. */
  readonly by: string | null;
}

export interface DrillResult {
  readonly outcome: "passed" | "failed";
  readonly sentence: string;
  readonly report: string | null;
}

export async function drill(input: DrillInput, ctx: DurableContext, settings: Settings): Promise<DrillResult> {
  const database = protectedDatabase(settings.plan, input.database);
  const { name } = input;
  const startedAtMs: number = await ctx.step("begin", async () => Date.now(), patiently);
  let point: RecoveryPoint | null = null;
  let held: Holds | null = null;
  let readyAtMs: number | null = null;
  let trouble: readonly string[] = [];
  try {
    const from: RecoveryPoint = await ctx.step("find the newest copy", () => newestCopy(settings, database), patiently);
    point = from;
    const like = temporaryLike(settings, database, from.region, name, "drill");
    await eventually(ctx, "it is being restored", PATIENCE.create, () => created(name, from, like));
    await eventually(ctx, "it is available", PATIENCE.available, () => available(from.region, name));
    const answered = await eventually(ctx, "it answers", PATIENCE.answer, () => answers(settings, database, from.region, name));
    readyAtMs = answered.atMs;
    const found: Holds = await ctx.step("see what it holds", () => holds(settings, database, from.region, name), patiently);
    held = found;
    trouble = await ctx.step("hold it against the last good drill", () => judge(settings, database, found, from), patiently);
  } catch (error) {
    trouble = [reasonOf(error)];
  }
  const region = settings.region;
  const leftOver: string | null = await eventually(ctx, "it is gone again", PATIENCE.gone, () => gone(region, name)).then(
    () => null,
    (error: unknown) => reasonOf(error),
  );
  const passed = trouble.length === 0;
  const told = { ...input, point, startedAtMs, readyAtMs, held, trouble, leftOver, passed };
  const report = await ctx.step("keep the report", () => keep(settings, database, name, told), patiently);
  const tables = held?.tables;
  if (passed && tables) {
    const restored = point?.kind === "snapshot" ? { snapshot: point.snapshot } : {};
    const manifest: Manifest = {
      drill: name,
      ...restored,
      atMs: startedAtMs,
      answeredInMs: readyAtMs === null ? null : readyAtMs - startedAtMs,
      tables,
    };
    await ctx.step("keep what it held, for the next", () => putDocument(settings.state, manifestKey(database.name), manifest), patiently);
  }
  const took = readyAtMs === null ? "it never answered" : `it answered after ${ageWords(readyAtMs - startedAtMs)}`;
  const sentence = passed
    ? `The newest backup of ${database.name} can be restored: ${took}, and holds ${held ? holdsWords(held) : "nothing"}.`
    : `The drill of ${database.name} failed: ${trouble.join(" ")}`;
  const details: [string, string][] = [
    ["Restored from", point ? `${pointWords(point)} (${ageWords(startedAtMs - point.atMs)} old)` : "nothing"],
    ["Newest heartbeat", held?.newestMs ? new Date(held.newestMs).toISOString() : "none"],
    ["Time it took", took],
    ["Holds", held ? holdsWords(held) : "not seen"],
    ["Instance", leftOver === null ? `${name}: deleted again` : `${name} COULD NOT BE DELETED: ${leftOver}`],
    ["Asked for by", input.by ?? "the plan's schedule"],
    ["Report", report],
  ];
  const left = leftOver === null ? "" : ` Delete ${name} by hand: it costs money until then.`;
  await ctx.step(
    "tell of the drill",
    () =>
      tell(settings, {
        kind: passed ? "Drill Passed" : "Drill Failed",
        id: name,
        database: database.name,
        atMs: Date.now(),
        sentence,
        details,
        next: `${passed ? (left === "" ? "Nothing." : "") : "Until a drill passes, do not count on this backup. When the reason is gone:"}${left}`.trim(),
        ...(passed ? {} : { commands: [drillCommand(database.name)] }),
      }),
    patiently,
  );
  return { outcome: passed ? "passed" : "failed", sentence, report };
}

async function judge(settings: Settings, database: Protected, found: Holds, point: RecoveryPoint): Promise<string[]> {
  const before = await readDocument<Manifest>(settings.state, manifestKey(database.name));
  return drillTrouble(found, point.atMs, before?.value ?? null);
}

async function keep(settings: Settings, database: Protected, name: string, told: Record<string, unknown>): Promise<string> {
  const key = `drills/${database.name}/${name}.json`;
  await appendDocument(settings.state, key, told);
  return key;
}
