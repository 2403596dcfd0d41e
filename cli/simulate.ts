/**
 * `npm run simulate`: the product and the lab in virtual time, one run a seed. Prints what broke a rule, its shortest story and how to
 * repeat it; exits non-zero if anything did.
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { latchedDatabases, latches } from "../infra/latch.ts";
import { readPlanFile } from "../infra/plan-file.ts";
import { Code } from "../lab/simulation/environments.ts";
import { simulate } from "../lab/simulation/run.ts";
import { ONLY, sceneOf } from "../lab/simulation/scene.ts";
import { endWell } from "./endings.ts";
import { bySeed, hashOf, numberOf, overSeeds } from "./simulate-seeds.ts";
import type { Report, Work } from "./simulate-worker.ts";
import { simulationCode } from "./simulation-code.ts";

const HELP = `npm run simulate -- [options]

  --seed N       the first seed (1)
  --runs M       how many seeds, one run each (100)
  --days D       how long things may go wrong in each run, in days (ten minutes)
  --skew S       the most a function's clock is off, in seconds (0.2)
  --workers W    how many runs at once (one a core)
  --plan FILE    the plan to run (recovery-plan.yml); each seed has standbys, ways and people of its own
  --kind K       every seed's scene of one kind: replicas, multi-az, cluster, global, every-rung (as the seed has it)
  --fixed        the plan as it stands, whatever the seed
  --without A,B  leave out what the seed would do: "disaster 2", "throttled"
  --story        tell everything that happened in the first seed's run`;

const USUAL_DAYS = 10 / 1440;

await endWell(async (atEnd) => {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      runs: { type: "string", default: "100" },
      days: { type: "string", default: String(USUAL_DAYS) },
      skew: { type: "string", default: "0.2" },
      workers: { type: "string", default: String(availableParallelism()) },
      plan: { type: "string", default: "recovery-plan.yml" },
      without: { type: "string", default: "" },
      kind: { type: "string", default: "" },
      fixed: { type: "boolean", default: false },
      story: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const first = numberOf("seed", values.seed, 0, 2 ** 31);
  const runs = values.story ? 1 : numberOf("runs", values.runs, 1, 10_000_000);
  const safetyMs = Math.round(numberOf("days", values.days, 0.001, 365, false) * 86_400_000);
  const skewMs = Math.round(numberOf("skew", values.skew, 0, 3600, false) * 1000);
  const workers = Math.min(runs, numberOf("workers", values.workers, 1, 256));
  const plan = readPlanFile(values.plan);
  const only = ONLY.find((kind) => kind === values.kind);
  if (values.kind !== "" && only === undefined) throw new Error(`--kind is "${values.kind}", expected one of: ${ONLY.join(", ")}.`);
  const without = values.without.split(",").filter(Boolean);
  const sources = await simulationCode();
  const startedAtMs = Date.now();

  if (values.story) {
    const code = new Map(Object.entries(sources).map(([name, source]) => [name, new Code(name, source)]));
    const scene = values.fixed ? { plan, safetyMs, multiAz: false, words: "the plan as it stands" } : sceneOf(plan, first, safetyMs, only);
    const latchResources = latchedDatabases(scene.plan).length > 0 ? latches(scene.plan) : undefined;
    const result = await simulate({ seed: first, ...scene, latchResources, code, skewMs, without: new Set(without) });
    console.log(`seed ${first}: ${scene.words}\n`);
    for (const { atMs, kind, words } of result.events)
      console.log(`${(atMs / 1000).toFixed(3).padStart(10)} s  ${kind.padEnd(8)} ${words}`);
    console.log(`\nseed ${first}: ${result.outcome}, generation ${result.generation}, hash ${result.hash}`);
    if (result.violations.length > 0) process.exitCode = 1;
    return;
  }

  const work: Omit<Work, "seeds"> = { plan, fixed: values.fixed, only, sources, safetyMs, skewMs, without };
  const reports = await overSeeds<Report>(
    new URL("./simulate-worker.ts", import.meta.url),
    { first, runs, workers },
    work,
    atEnd,
    (each) => {
      if (each.violations.length > 0) tellBroken(each, values);
    },
  );
  summary(reports, (Date.now() - startedAtMs) / 1000);
  if (reports.some((each) => each.violations.length > 0)) process.exitCode = 1;
});

function tellBroken(each: Report, values: { days: string; skew: string; plan: string; fixed: boolean; kind: string }): void {
  console.log(`\nseed ${each.seed} broke ${[...new Set(each.violations.map(({ rule }) => rule))].join(", ")}:`);
  for (const { rule, words } of each.violations.slice(0, 5)) console.log(`  ${rule}: ${words}`);
  for (const line of each.story) console.log(line);
  const usual = `${values.plan === "recovery-plan.yml" ? "" : ` --plan ${values.plan}`}${values.fixed ? " --fixed" : ""}${values.kind === "" ? "" : ` --kind ${values.kind}`}`;
  const left = each.without.length > 0 ? ` --without "${each.without.join(",")}"` : "";
  const days = Number(values.days) === USUAL_DAYS ? "" : ` --days ${values.days}`;
  console.log(`  again: npm run simulate -- --seed ${each.seed} --story${days} --skew ${values.skew}${usual}${left}`);
}

/** Which two kinds of faults befell one run together, over all runs. */
function pairsOf(reports: readonly Report[]): Set<string> {
  const pairs = new Set<string>();
  for (const { faults } of reports) {
    const sorted = [...faults].sort();
    sorted.forEach((one, at) => {
      for (const other of sorted.slice(at + 1)) pairs.add(`${one} + ${other}`);
    });
  }
  return pairs;
}

function summary(reports: readonly Report[], seconds: number): void {
  const sorted = bySeed(reports);
  const sum = (of: (each: Report) => number) => sorted.reduce((total, each) => total + of(each), 0);
  const count = (of: (each: Report) => boolean) => sorted.filter(of).length;
  const broken = count((each) => each.violations.length > 0);
  const first = sorted[0]?.seed;
  console.log(
    `\n${reports.length} runs in ${seconds.toFixed(1)} s (${(reports.length / seconds).toFixed(1)} a second), seeds ${first} to ${sorted.at(-1)?.seed}; ${Math.round(sum((each) => each.virtualMs) / 3_600_000)} hours went by.`,
  );
  console.log(
    `${count((each) => each.generation > 1)} moved to the standby; ${count((each) => each.outcome === "told")} ended in a refusal that was told; of ${sum((each) => each.acknowledged)} acknowledged rows ${sum((each) => each.lost.priced)} were given up within the lag limit, and ${sum((each) => each.lost.unseen)} that clients wrote to a primary the probe had lost.`,
  );
  const moves = sum((each) => each.generation - 1);
  console.log(
    `${moves} moves; processes killed at ${new Set(sorted.flatMap((each) => each.kills)).size} distinct places (runbook, step, before or after); ${pairsOf(sorted).size} distinct pairs of faults.`,
  );
  console.log(broken === 0 ? "No rule was broken." : `${broken} runs broke a rule.`);
  console.log(`hash ${hashOf(sorted)}`);
}
