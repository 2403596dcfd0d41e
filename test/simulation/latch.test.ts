/** The latch in virtual time, with AWS's own minutes: moves with us-east-1 dark, silence afterwards, and guards that are taken away. */
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { simulationCode } from "../../cli/simulation-code.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { latches } from "../../infra/latch.ts";
import { readPlanFile } from "../../infra/plan-file.ts";
import { Code } from "../../lab/simulation/environments.ts";
import { byHand, type RunResult, type Stage, simulate } from "../../lab/simulation/run.ts";

const MINUTES = 60_000;
let plan: Plan;
let sources: Record<string, string>;

beforeAll(async () => {
  const read = byHand(readPlanFile(join(import.meta.dirname, "../../recovery-plan.yml")));
  plan = { ...read, records: read.records.map((record) => ({ ...record, repoint: "latch" as const })) };
  sources = await simulationCode();
});

const SAYS = "database.name, latch.bits, asOfMs)";

interface Staged {
  /** What the watcher says each minute, in place of what the latch last said. */
  readonly says?: string;
  readonly insufficient?: string;
  readonly seed?: number;
  readonly script?: (stage: Stage) => void;
}

async function run({ says = SAYS, insufficient = "LastKnownStatus", seed = 7, script }: Staged): Promise<RunResult> {
  expect(sources.watch).toContain(SAYS);
  const edited = { ...sources, watch: (sources.watch as string).replace(SAYS, says) };
  const latchResources = JSON.parse(JSON.stringify(latches(plan)).replaceAll("LastKnownStatus", insufficient));
  return await simulate({
    seed,
    plan,
    latchResources,
    code: new Map(Object.entries(edited).map(([name, source]) => [name, new Code(name, source)])),
    safetyMs: 15 * MINUTES,
    skewMs: script ? 0 : 200,
    ...(script ? { script: (stage: Stage) => stage.clock.after(2 * MINUTES, () => script(stage)) } : {}),
  });
}

/** The primary dies for a quarter of an hour and comes back while the run goes on. */
const killed = ({ rds, primary }: Stage) => rds.kill(primary, 10 * MINUTES);
const broken = (result: RunResult) => [...new Set(result.violations.map((violation) => violation.rule))];
const moved = { outcome: "served", generation: 2, violations: [] };

test("us-east-1 is dark and stays so: the name goes along by the latch, and stays when the old primary is back (S20, S29)", async () => {
  const result = await run({
    script: (stage) => {
      stage.dark.add("us-east-1");
      killed(stage);
    },
  });
  expect(result).toMatchObject(moved);
});

test("nothing is said any more after the move: the name stays where it is (S20, S22)", async () => {
  // The watcher speaks in the first minutes alone, and the last one who spoke was the move.
  expect(await run({ says: "database.name, [], asOfMs)", script: killed })).toMatchObject(moved);
});

test("without LastKnownStatus silence would bring the old primary back, and the checkers see it (S22)", async () => {
  const result = await run({ says: "database.name, [], asOfMs)", insufficient: "Healthy", script: killed });
  expect(broken(result)).toContain("S20");
});

test("a watcher that repeated anything but the latch's last word would bring the old primary back, and the checkers see it (S20)", async () => {
  expect(broken(await run({ says: "database.name, [0], asOfMs)", script: killed }))).toContain("S20");
});

test("whatever befalls: a dozen seeds hold every rule", async () => {
  for (let seed = 1; seed <= 12; seed++) expect(broken(await run({ seed })), `seed ${seed}`).toEqual([]);
});
