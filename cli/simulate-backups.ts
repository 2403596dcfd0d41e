/**
 * `npm run simulate:backups`: a month of backups in virtual time, one a seed, and what people were told of it. Prints what broke a rule;
 * exits non-zero if anything did.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { readPlanFile } from "../infra/plan-file.ts";
import { Code } from "../lab/simulation/environments.ts";
import { FUNCTIONS } from "../lab/simulation/month/deployment.ts";
import { MONTH_STARTS_MS, simulateMonth } from "../lab/simulation/month/run.ts";
import { monthPlan } from "../lab/simulation/month/scene.ts";
import { endWell } from "./endings.ts";
import type { MonthReport, MonthWork } from "./simulate-backups-worker.ts";
import { bySeed, hashOf, numberOf, overSeeds } from "./simulate-seeds.ts";
import { simulationCode } from "./simulation-code.ts";

const HELP = `npm run simulate:backups -- [options]

  --seed N       the first seed (1)
  --runs M       how many seeds, one month each (4)
  --days D       how long things may go wrong in each (30)
  --workers W    how many at once (one a core)
  --without A,B  leave out what the seed would do: "trouble 2", "throttled"
  --story        tell everything that happened in the first seed's month`;

/** "11-03 07:15:09": in UTC, `ms` after the month's beginning. */
const timeOf = (ms: number): string => new Date(MONTH_STARTS_MS + ms).toISOString().slice(5, 19).replace("T", " ");

await endWell(async (atEnd) => {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      runs: { type: "string", default: "4" },
      days: { type: "string", default: "30" },
      workers: { type: "string", default: String(availableParallelism()) },
      without: { type: "string", default: "" },
      story: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const first = numberOf("seed", values.seed, 0, 2 ** 31);
  const runs = numberOf("runs", values.runs, 1, 100_000);
  const days = numberOf("days", values.days, 1, 365);
  const workers = Math.min(runs, numberOf("workers", values.workers, 1, 256));
  const plan = monthPlan(readPlanFile("recovery-plan.yml"));
  const without = values.without.split(",").filter(Boolean);
  const sources = await simulationCode(FUNCTIONS);
  const startedAtMs = Date.now();

  if (values.story) {
    const code = new Map(Object.entries(sources).map(([name, source]) => [name, new Code(name, source)]));
    const result = await simulateMonth({ seed: first, plan, code, days, without: new Set(without) });
    for (const { atMs, kind, words } of result.events) console.log(`${timeOf(atMs)}  ${kind.padEnd(8)} ${words}`);
    for (const { rule, words, atMs } of result.violations) console.log(`${timeOf(atMs)}  BROKEN   ${rule}: ${words}`);
    if (result.violations.length > 0) process.exitCode = 1;
    return;
  }

  const work: Omit<MonthWork, "seeds"> = { plan, sources, days, without };
  const reports = await overSeeds<MonthReport>(
    new URL("./simulate-backups-worker.ts", import.meta.url),
    { first, runs, workers },
    work,
    atEnd,
    (each) => {
      if (each.violations.length === 0) return;
      console.log(`\nseed ${each.seed} broke ${[...new Set(each.violations.map(({ rule }) => rule))].join(", ")}:`);
      for (const { rule, words, atMs } of each.violations.slice(0, 8)) console.log(`  ${timeOf(atMs)}  ${rule}: ${words}`);
      const left = without.length > 0 ? ` --without "${without.join(",")}"` : "";
      console.log(`  again: npm run simulate:backups -- --seed ${each.seed} --days ${days} --story${left}`);
    },
    { maxOldGenerationSizeMb: 6144 },
  );
  summary(reports, days, (Date.now() - startedAtMs) / 1000);
  if (reports.some(({ violations }) => violations.length > 0)) process.exitCode = 1;
});

function summary(reports: readonly MonthReport[], days: number, seconds: number): void {
  const sorted = bySeed(reports);
  const sum = (of: (each: MonthReport) => number) => sorted.reduce((total, each) => total + of(each), 0);
  const kinds = new Set(sorted.flatMap(({ troubles }) => troubles));
  const broken = sorted.filter(({ violations }) => violations.length > 0).length;
  console.log(
    `\n${reports.length} runs of ${days} days in ${seconds.toFixed(1)} s, seeds ${sorted[0]?.seed} to ${sorted.at(-1)?.seed}: ${sum(({ counted }) => counted.backups)} backups, ${sum(({ counted }) => counted.copies)} copies, ${sum(({ counted }) => counted.deleted)} deleted by the plan, ${sum(({ counted }) => counted.mails)} mails, ${sum(({ calls }) => calls)} calls.`,
  );
  console.log(`${kinds.size} kinds of trouble; an alarm rang in vain for ${sum(({ counted }) => counted.falseAlarms)} minutes.`);
  console.log(broken === 0 ? "No rule was broken." : `${broken} runs broke a rule.`);
  console.log(`hash ${hashOf(sorted)}`);
}
