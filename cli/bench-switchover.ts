/**
 * `npm run bench:switchover`: how long writes stand still in a planned move, and where the time goes, over ten moves an engine, each to
 * the standby the last one left behind. A client writes all along; a row that is lost or doubled ends it. Judges no time.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { DatabaseRecord, Vote } from "../core/facts.ts";
import type { DatabasePlan, Plan } from "../core/plan/schema.ts";
import { readPlanFile } from "../infra/plan-file.ts";
import { userKeyFor } from "../lab/cloud/iam.ts";
import { engineNamed } from "../lab/engines/engines.ts";
import { type ShopDatabase, seedShop } from "../lab/estate.ts";
import { throwawayFolder } from "../lab/folder.ts";
import { startLab } from "../lab/lab.ts";
import { endpoint, readJson, stateBucket, waitFor } from "../lab/look.ts";
import { countLost } from "../lab/shop/orders.ts";
import { Traffic } from "../lab/shop/traffic.ts";
import { endWell } from "./endings.ts";
import { planWithEngine } from "./engine.ts";
import { Door } from "./operator/door.ts";
import { packageProduct } from "./package.ts";
import { tightPlan } from "./tight-plan.ts";

const HELP = `npm run bench:switchover -- [options]

  --engine NAME   postgres or mariadb; both when left out
  --runs NUMBER   moves an engine (10)
  --plan FILE     your own plan (recovery-plan.yml is the example)
  --tight         the shortest confirmation window, and records kept for one second`;

/** From one to the next: until the sessions end, the clients still write. The clients' name changes with "asked" and "repointed". */
const STAGES = ["ended", "equal", "asked", "promoted", "repointed"] as const;
const TICK_MS = 20;

interface Run {
  readonly outageMs: number;
  readonly split: Readonly<Record<string, number>>;
}

await endWell(async (atEnd) => {
  const { values } = parseArgs({
    options: {
      engine: { type: "string" },
      runs: { type: "string", default: "10" },
      plan: { type: "string", default: "recovery-plan.yml" },
      tight: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const runs = Number(values.runs);
  if (!Number.isSafeInteger(runs) || runs < 1) throw new Error(`--runs is "${values.runs}", expected a whole number above 0.`);
  for (const engine of values.engine ? [values.engine] : ["postgres", "mariadb"]) {
    const file = settled(planWithEngine(values.plan, engine), engine, values.tight);
    const there = await engineNamed(engine as DatabasePlan["engine"])
      .version()
      .catch((error: Error) => console.log(`${engine} is left out: ${error.message}`));
    if (!there) continue;
    print(engine, there, await measure(file, engine, runs, atEnd));
  }
});

/** The plan as a file of its own: packaging must not touch the one that is given. */
function settled(planFile: string, engine: string, tight: boolean): string {
  const text = readFileSync(planFile, "utf8");
  mkdirSync("dist", { recursive: true });
  const file = join("dist", `bench-switchover-${engine}.yml`);
  writeFileSync(file, tight ? tightPlan(text) : text);
  return file;
}

async function measure(planFile: string, engine: string, count: number, atEnd: (stop: () => unknown) => void): Promise<Run[]> {
  const plan = readPlanFile(planFile);
  const packaged = await packageProduct(planFile, `dist/bench-switchover-${engine}`);
  const lab = await startLab({ folder: throwawayFolder() });
  let closed: Promise<void> | undefined;
  const close = () => (closed ??= lab.close());
  atEnd(close);
  const shops = await lab.estate(plan);
  for (const each of shops) {
    const { primary, database } = plan.databases[each.name] as DatabasePlan;
    await seedShop(await endpoint(lab, primary.region, primary.instance), database, each);
  }
  await lab.deploy(plan, packaged);
  const access = shops[0] as ShopDatabase;
  const { name } = access;
  const database = plan.databases[name] as DatabasePlan;
  const named = plan.records.find((record) => record.database === name) as Plan["records"][number];
  const { username, password } = access;
  const settings = { dns: { host: "127.0.0.1", port: lab.dns.port }, name: named.name, port: database.port, database: database.database };
  const traffic = new Traffic({ ...settings, engine: access.engine, username, password, tickMs: TICK_MS });
  atEnd(() => traffic.stop());
  const region = plan.regions.recovery;
  const bucket = await stateBucket(lab, region, `understudy-${plan.name}-watch`);
  const read = <T>(key: string) => readJson<T>(lab, region, bucket, key);
  const record = () => read<DatabaseRecord>(`databases/${name}/record.json`);
  const door = new Door(plan, { credentials: userKeyFor(lab.world, "alice"), endpoint: lab.wire.url });

  const runs: Run[] = [];
  for (let run = 1; run <= count; run++) {
    const generation = run;
    await waitFor("a standby that follows", 180_000, async () => {
      const vote = await read<Vote>(`databases/${name}/vote.json`);
      return vote?.generation === generation && vote.linkSeen === "streaming" && (vote.lagSeconds ?? 99) < 1;
    });
    const orderedAtMs = Date.now();
    // Refused for a moment where RDS still works on one of the two.
    const { execution } = await waitFor("the order to be taken", 120_000, async () => {
      const answer = await door.order({ verb: "switchover", database: name, generation, reason: "to measure it" });
      return answer.accepted && answer.execution !== null ? { execution: answer.execution } : null;
    });
    const after = await waitFor("the move to end", 180_000, async () => {
      const now = await record();
      return now?.generation === generation + 1 && now;
    });
    const endedAtMs = after.lastMove?.endedAtMs ?? Date.now();
    await waitFor("the client to write on", 60_000, () => traffic.firstAfter(endedAtMs));
    const told = await waitFor("its evidence", 60_000, () => read<Record<string, { atMs?: number }>>(`evidence/${name}/${execution}.json`));
    const at = STAGES.map((stage) => told[stage]?.atMs ?? Number.NaN);
    const split = Object.fromEntries(STAGES.slice(1).map((stage, index) => [stage, (at[index + 1] as number) - (at[index] as number)]));
    const outageMs = longestGap(traffic, orderedAtMs);
    runs.push({ outageMs, split });
    console.log(`${engine}, run ${run}: ${outageMs} ms`);
    await nothingLost(after.primary);
  }
  await traffic.stop();
  await nothingLost((await record())?.primary as string);
  await close();
  return runs;

  async function nothingLost(primary: string): Promise<void> {
    const orders = traffic.acknowledged.map(({ order }) => order);
    const lost = await countLost(await endpoint(lab, database.primary.region, primary), database.database, access, orders);
    if (lost.length > 0) throw new Error(`${lost.length} acknowledged orders are not on ${primary}: ${lost.slice(0, 10).join(", ")}`);
    if (new Set(orders).size !== orders.length) throw new Error("an order was acknowledged twice");
  }
}

/** The longest time between two acknowledged orders. */
function longestGap(traffic: Traffic, sinceMs: number): number {
  const times = traffic.acknowledged.filter(({ atMs }) => atMs >= sinceMs).map(({ atMs }) => atMs);
  return Math.max(...times.slice(1).map((at, index) => at - (times[index] as number)));
}

function print(engine: string, version: string, runs: readonly Run[]): void {
  const line = (words: string, values: readonly number[]) => {
    const sorted = [...values].sort((a, b) => a - b);
    const [low, middle, high] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)].map((ms) => `${String(ms).padStart(6)} ms`);
    console.log(`  ${words.padEnd(52)}${middle}   (${low?.trim()} to ${high?.trim()})`);
  };
  console.log(`${engine} ${version}: ${runs.length} switchovers under write load, nothing lost or doubled; median and range`);
  line(
    "writes stood still for",
    runs.map(({ outageMs }) => outageMs),
  );
  const words = {
    equal: "both equal",
    asked: "promotion asked for",
    promoted: "the new primary takes writes",
    repointed: "the name leads to it",
  };
  for (const [stage, says] of Object.entries(words))
    line(
      `of which, until ${says}`,
      runs.map(({ split }) => split[stage] ?? Number.NaN),
    );
}
