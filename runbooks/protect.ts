/**
 * Restores what a promotion loses, at the end of a move: backups, the second zone, protection against deletion, the parameter group,
 * tags, alarms. The move has succeeded by then and stays so: what fails here is told. Reboots nothing, makes nothing weaker.
 */
import type { DurableContext } from "@aws/durable-execution-sdk-js";
import { putDocument } from "../aws/documents.ts";
import { type Baseline, type Mend, settingOf } from "../core/protections.ts";
import { protectionsNews, type Restored } from "../core/protections-news.ts";
import { type Found, type Missing, type MoveDone, Protector } from "./protect-steps.ts";
import type { Protected, Settings } from "./settings.ts";
import { tell } from "./tell.ts";
import { eventually, patiently, reasonOf } from "./until.ts";

/** In minutes. RDS is free again after the first backup; a second zone takes as long as its storage is large. */
const PATIENCE = { available: 60, ask: 15, seen: 90 };

export async function restoreProtections(ctx: DurableContext, settings: Settings, database: Protected, move: MoveDone): Promise<void> {
  const protector = new Protector(settings, database, move);
  const done: string[] = [];
  const left: string[] = [];
  let baseline: Baseline | null = null;
  try {
    baseline = await ctx.step("find what the old primary had", () => protector.findBaseline(), patiently);
    if (baseline === null) left.push(`Nothing is known of what ${move.oldPrimary} had: compare the two by hand.`);
    else await restore(ctx, protector, baseline, done, left);
  } catch (error) {
    left.push(`Restoring ended early: ${reasonOf(error)}`);
  }
  const from = baseline && { instance: baseline.instance, atMs: baseline.atMs };
  const restored: Restored = { database: database.name, execution: move.execution, instance: move.newPrimary, from, done, left };
  try {
    const key = `evidence/${database.name}/${move.execution}-protections.json`;
    const evidence = await ctx.step("keep what was restored", () => keep(settings, key, restored), patiently).catch(() => null);
    if (left.length === 0) await ctx.step("take the new primary as the measure", () => protector.handOn(), patiently).catch(() => null);
    await ctx.step("tell what was restored", () => tell(settings, protectionsNews(restored, evidence, Date.now())), patiently);
  } catch (error) {
    console.error(JSON.stringify({ what: "protections not told", ...restored, error: String(error) }));
  }
}

async function keep(settings: Settings, key: string, restored: Restored): Promise<string> {
  await putDocument(settings.state, key, restored);
  return key;
}

/** Fills `done` and `left` as it goes: what ends it early takes nothing of them back. */
async function restore(ctx: DurableContext, protector: Protector, baseline: Baseline, done: string[], left: string[]): Promise<void> {
  await eventually(ctx, "the new primary is available", PATIENCE.available, () => protector.available());
  const found: Found = await ctx.step("compare it with what the old primary had", () => protector.compare(baseline), patiently);
  left.push(...found.person);

  const settings = await ask(ctx, protector, baseline, found.mend, left);
  const untagged: string | null = await ctx.step("add its tags", () => protector.addTags(baseline), patiently);
  const unmade: Record<string, string> = await ctx.step("make its alarms", () => protector.makeAlarms(baseline), patiently);
  if (untagged !== null) left.push(`The tags ${found.tags.join(", ")} could not be added: ${untagged}`);
  left.push(...Object.entries(unmade).map(([name, reason]) => `The alarm ${name} could not be made: ${reason}`));

  const asked: Missing = {
    settings: settings.map(settingOf),
    tags: untagged === null ? found.tags : [],
    alarms: found.alarms.filter((name) => !Object.hasOwn(unmade, name)),
  };
  const unseen = await eventually(ctx, "what was restored is seen", PATIENCE.seen, () => protector.isRestored(baseline, asked)).then(
    () => null,
    (error: unknown) => reasonOf(error),
  );
  const missing: Missing = unseen === null ? NOTHING : await ctx.step("see what is missing", () => protector.missing(baseline), patiently);
  const tell = (sentence: string, isMissing: boolean) =>
    isMissing ? left.push(`Asked for and not seen yet: ${sentence}`) : done.push(sentence);
  for (const mend of settings) tell(mend.sentence, missing.settings.includes(settingOf(mend)));
  for (const name of asked.tags) tell(`tag ${name}`, missing.tags.includes(name));
  for (const name of asked.alarms) tell(`alarm ${name}`, missing.alarms.includes(name));
  if (unseen !== null && left.length === 0) left.push(unseen);
}

const NOTHING: Missing = { settings: [], tags: [], alarms: [] };

/** All in one change; where RDS refuses the whole, one by one, so that what it refuses keeps nothing else away. Returns what it took. */
async function ask(ctx: DurableContext, protector: Protector, baseline: Baseline, mend: readonly Mend[], left: string[]): Promise<Mend[]> {
  if (mend.length === 0) return [];
  try {
    await eventually(ctx, "RDS takes the settings", PATIENCE.ask, () => protector.ask(baseline, mend.map(settingOf)));
    return [...mend];
  } catch {
    const taken: Mend[] = [];
    for (const each of mend) {
      try {
        await eventually(ctx, `RDS takes ${settingOf(each)}`, PATIENCE.ask, () => protector.ask(baseline, [settingOf(each)]));
        taken.push(each);
      } catch (error) {
        left.push(`Not restored: ${each.sentence}. RDS: ${reasonOf(error)}`);
      }
    }
    return taken;
  }
}
