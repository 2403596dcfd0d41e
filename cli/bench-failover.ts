/**
 * `npm run bench:failover`: how long clients cannot write when the primary's processes are killed, for both engines, at the example
 * plan's setting and at the tightest a plan can have, cut into stages; and beside it a naive job server, in the same run.
 * Measures and prints; a missed bar is printed and is no error, because a busy machine misses it. docs/benchmarks.md tells how.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readPlanFile } from "../infra/plan-file.ts";
import { engineNamed } from "../lab/engines/engines.ts";
import { Chance } from "../lab/simulation/chance.ts";
import { closeBenches } from "./bench-failover-lab.ts";
import { measureNaive } from "./bench-failover-naive.ts";
import { comparison, type Group, groupLines, runLine } from "./bench-failover-page.ts";
import { measureUnderstudy } from "./bench-failover-run.ts";
import type { Run } from "./bench-failover-stages.ts";
import { endWell } from "./endings.ts";
import { planWithEngine } from "./engine.ts";
import { packageProduct } from "./package.ts";
import { tightPlan } from "./tight-plan.ts";

const HELP = `npm run bench:failover -- [options]

  --runs N          runs of each engine at each setting (10)
  --engine NAME     postgres or mariadb alone
  --setting NAME    default or tightest alone, without the job server; or job-server alone
  --seed N          for the moments of the kills
  --json FILE       every run, for machines`;

const ROOT = join(import.meta.dirname, "..");
const ENGINES = ["postgres", "mariadb"] as const;
const SETTINGS = ["default", "tightest", "job-server"] as const;
const BARS = { default: 10, tightest: 4 } as const;
const PINGS_SECONDS = [10, 60] as const;
/** Of each ping: side by side, because nearly all of it is waiting for the ping. */
const NAIVE_RUNS = 5;
/** Nothing begins after the first; whatever has not ended by the second is stopped. */
const BUDGET_MS = 16 * 60_000;
const LIMIT_MS = 20 * 60_000;
/** What the job server's runs take on one engine, kept free of the budget. */
const NAIVE_MS = 2 * 60_000;
/** A run that fails is told and made again with another seed; more of them end the measurement. */
const FAILURES = 3;

await endWell(async (atEnd) => {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "10" },
      engine: { type: "string" },
      setting: { type: "string" },
      seed: { type: "string" },
      json: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1 || runs > 100) throw new Error(`--runs is "${values.runs}", expected a number from 1 to 100.`);
  const engines = chosen("--engine", values.engine, ENGINES);
  const settings = chosen("--setting", values.setting, SETTINGS);
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1e6) : Number(values.seed);
  if (!Number.isInteger(seed)) throw new Error(`--seed is "${values.seed}", expected a whole number.`);
  for (const engine of engines) await engineNamed(engine).version();
  const startedAtMs = Date.now();
  const limit = setTimeout(() => {
    console.error(`The measurement did not end within ${LIMIT_MS / 60_000} minutes and was stopped.`);
    void closeBenches().finally(() => process.exit(1));
  }, LIMIT_MS);
  atEnd(() => clearTimeout(limit));
  atEnd(closeBenches);

  console.log(`Outage: from kill -9 of the primary's processes to the client's first acknowledged order at the new one. Seed ${seed}.`);
  console.log(`${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}. A new lab for each run.\n`);
  const groups: Group[] = [];
  let toCome = engines.length * settings.filter((setting) => setting !== "job-server").length;
  let naiveToCome = settings.includes("job-server") ? engines.length : 0;
  for (const engine of engines) {
    const measured = { postgres: "PostgreSQL", mariadb: "MariaDB" }[engine];
    for (const setting of settings) {
      if (setting === "job-server") {
        naiveToCome--;
        for (const everySeconds of PINGS_SECONDS) {
          const group = { engine: measured, setting: `ping every ${everySeconds} s`, mover: "job server", barSeconds: null } as const;
          show({ ...group, runs: await naiveRuns(planFile(engine, "default"), everySeconds, seed) });
        }
        continue;
      }
      const file = planFile(engine, setting);
      const out = join("dist", `bench-${engine}-${setting}`);
      const packaged = await packageProduct(file, out);
      const plan = readPlanFile(file);
      const done: Run[] = [];
      const nowMs = Date.now();
      const endsAtMs = nowMs + (startedAtMs + BUDGET_MS - naiveToCome * NAIVE_MS - nowMs) / toCome--;
      for (let failures = 0; done.length < runs; ) {
        if (done.length > 0 && Date.now() > endsAtMs) {
          console.error(
            `  ${done.length} of ${runs} runs: the machine is too slow for more of them in ${BUDGET_MS / 60_000} minutes in all.`,
          );
          break;
        }
        try {
          const run = await measureUnderstudy(plan, packaged, seed + 1000 * failures + done.length);
          done.push(run);
          console.log(runLine(run));
        } catch (error) {
          console.error(`  a run failed: ${(error as Error).message}`);
          if (++failures === FAILURES) throw error;
        }
      }
      show({ engine: measured, setting, mover: "Understudy", runs: done, barSeconds: BARS[setting] });
    }
  }
  console.log(comparison(groups).join("\n"));
  if (values.json) writeFileSync(values.json, `${JSON.stringify({ seed, cores: cpus().length, load: loadavg(), groups }, null, 2)}\n`);

  function show(group: Group): void {
    groups.push(group);
    if (group.mover === "job server") for (const run of group.runs) console.log(runLine(run));
    console.log(`${groupLines(group).join("\n")}\n`);
  }
});

function chosen<Name extends string>(option: string, value: string | undefined, names: readonly Name[]): readonly Name[] {
  if (value === undefined) return names;
  const found = names.find((name) => name === value);
  if (!found) throw new Error(`${option} is "${value}", expected ${names.join(" or ")}.`);
  return [found];
}

function planFile(engine: string, setting: "default" | "tightest"): string {
  const file = planWithEngine(join(ROOT, "recovery-plan.yml"), engine);
  if (setting === "default") return file;
  mkdirSync(join(ROOT, "dist"), { recursive: true });
  const tight = join(ROOT, "dist", `plan-${engine}-tightest.yml`);
  writeFileSync(tight, tightPlan(readFileSync(file, "utf8")));
  return tight;
}

/** One kill in each fifth of the time between two pings, so that few runs show the whole range. */
async function naiveRuns(file: string, everySeconds: number, seed: number): Promise<Run[]> {
  const plan = readPlanFile(file);
  const chance = new Chance(seed, `ping ${everySeconds}`);
  const shares = Array.from({ length: NAIVE_RUNS }, (_, index) => (index + chance.next()) / NAIVE_RUNS);
  const ended = await Promise.allSettled(shares.map((share, index) => measureNaive(plan, everySeconds, share, seed + index)));
  return ended.map((each) => {
    if (each.status === "rejected") throw each.reason;
    return each.value;
  });
}
