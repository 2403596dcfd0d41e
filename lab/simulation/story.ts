/** The shortest story of a run that broke a rule: what is not needed for it to break is taken away, and what is left is told briefly. */
import { type RunOptions, type RunResult, simulate } from "./run.ts";

/** Leaves out one thing after another while the same rule is still broken. */
export async function shorten(options: RunOptions, found: RunResult): Promise<{ result: RunResult; without: readonly string[] }> {
  const rule = found.violations[0]?.rule;
  let result = found;
  const without = new Set(options.without ?? []);
  for (const name of found.befell) {
    const fewer = await simulate({ ...options, without: new Set([...without, name]) });
    if (!fewer.violations.some((each) => each.rule === rule)) continue;
    without.add(name);
    result = fewer;
  }
  return { result, without: [...without] };
}

const TOLD = ["fault", "instance", "effect", "decision", "record", "name", "mail", "person", "news", "verdict"];
const MOST_LINES = 60;

/** One line an event, repetitions folded, up to the moment the rule broke. */
export function storyLines(result: RunResult): string[] {
  const endsMs = result.violations[0]?.atMs ?? Number.POSITIVE_INFINITY;
  const lines: { text: string; like: string; more: number }[] = [];
  for (const event of result.events) {
    if (event.atMs > endsMs || !TOLD.includes(event.kind)) continue;
    const like = `${event.kind} ${event.words.replace(/[\d.]+/g, "#")}`;
    const before = lines.slice(-4).find((line) => line.like === like);
    if (before) before.more++;
    else lines.push({ text: `${(event.atMs / 1000).toFixed(3).padStart(10)} s  ${event.kind.padEnd(8)} ${event.words}`, like, more: 0 });
  }
  const shown = lines.map(({ text, more }) => (more > 0 ? `${text} (and ${more} more like it)` : text));
  return shown.length <= MOST_LINES
    ? shown
    : [...shown.slice(0, 10), `  … ${shown.length - MOST_LINES} lines …`, ...shown.slice(10 - MOST_LINES)];
}
