/**
 * `npm run bench:backups`: the hourly look at the backups of a large fleet. Twice for each size: in virtual time, which tells the minutes
 * at the function's own pace; and as the packaged function in a process of its own, over the wire, which tells its memory and the wall
 * time. Prints the calls made against the calls needed. Ends by itself.
 */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "../infra/bundle.ts";
import { readPlanFile } from "../infra/plan-file.ts";
import { createEc2 } from "../lab/cloud/ec2.ts";
import { createEventBridge } from "../lab/cloud/eventbridge.ts";
import { createLambda } from "../lab/cloud/lambda/index.ts";
import { createS3 } from "../lab/cloud/s3.ts";
import { World } from "../lab/cloud/world.ts";
import { throwawayFolder } from "../lab/folder.ts";
import { Chance } from "../lab/simulation/chance.ts";
import { VirtualClock } from "../lab/simulation/clock.ts";
import { FAIR } from "../lab/simulation/disaster.ts";
import { Code, SimulatedEnvironments } from "../lab/simulation/environments.ts";
import { environmentOf, functionArn, installFunction } from "../lab/simulation/installing.ts";
import { Kills } from "../lab/simulation/kills.ts";
import { EventLog } from "../lab/simulation/log.ts";
import { mailbox } from "../lab/simulation/mailbox.ts";
import { Network } from "../lab/simulation/network.ts";
import { RandomWeather } from "../lab/simulation/weather.ts";
import { VirtualWorld } from "../lab/simulation/world.ts";
import { startWire } from "../lab/wire/server.ts";
import { callsNeeded, type Fleet, fleetPlan, fleetRds } from "./bench-backups-estate.ts";
import { endWell } from "./endings.ts";
import { simulationCode } from "./simulation-code.ts";

const HELP = `npm run bench:backups -- [options]

  --databases A,B  sizes of the fleet (200,2000,20000)
  --points P       backups of each database, and as many copies (23)`;

const ROOT = join(import.meta.dirname, "..");
const BUCKET = "understudy-bench-state";
const MIB = 2 ** 20;
/** As Lambda starts Node in a function of 256 MB: what is left for the young and the old. */
const LAMBDA_FLAGS = ["--max-semi-space-size=12", "--max-old-space-size=230"];
const LIMIT = { ratio: 1.1, bytes: 256 * MIB, virtualMinutes: 15 };
const TIMEOUT_MS = 15 * 60_000;

await endWell(async (atEnd) => {
  const { values } = parseArgs({
    options: {
      databases: { type: "string", default: "200,2000,20000" },
      points: { type: "string", default: "23" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(HELP);
  const sizes = values.databases.split(",").map((text) => whole("databases", text, 1, 50_000));
  const points = whole("points", values.points, 1, 1000);
  const plan = readPlanFile("recovery-plan.yml");
  const { retain } = await simulationCode(["retain"]);
  const code = new Code("retain", retain as string);
  const folder = throwawayFolder();
  atEnd(() => folder.leave());
  console.log("databases  snapshots    calls   needed  ratio  virtual min  wall s  memory MiB");
  let missed = 0;
  for (const databases of sizes) {
    const fleet: Fleet = { plan: fleetPlan(plan, databases), databases, points, nowMs: Date.now(), account: "111122223333" };
    const virtual = await inVirtualTime(fleet, code);
    const real = await asPackaged(fleet, folder.path);
    const needed = callsNeeded(fleet);
    const calls = Math.max(virtual.calls, real.calls);
    const bad = calls > needed * LIMIT.ratio || real.peakBytes > LIMIT.bytes || virtual.minutes > LIMIT.virtualMinutes;
    if (bad) missed++;
    const cells = [
      String(databases).padStart(9),
      String(2 * databases * points).padStart(9),
      String(calls).padStart(7),
      String(needed).padStart(7),
      (calls / needed).toFixed(3).padStart(5),
      virtual.minutes.toFixed(1).padStart(11),
      (real.wallMs / 1000).toFixed(1).padStart(6),
      String(Math.round(real.peakBytes / MIB)).padStart(10),
    ];
    console.log(`${cells.join("  ")}${bad ? "   over the limit" : ""}`);
  }
  console.log(`limits: ratio ${LIMIT.ratio}, memory ${LIMIT.bytes / MIB} MiB, ${LIMIT.virtualMinutes} minutes (Lambda's).`);
  if (missed > 0) process.exitCode = 1;
});

/** Services whose every call is counted. */
function counting(world: World): () => number {
  let calls = 0;
  for (const { operations } of world.services.values())
    for (const [name, run] of Object.entries(operations))
      operations[name] = (input, caller) => {
        calls++;
        return run(input, caller);
      };
  return () => calls;
}

async function inVirtualTime(fleet: Fleet, code: Code): Promise<{ calls: number; minutes: number }> {
  const { plan, nowMs } = fleet;
  const region = plan.regions.recovery;
  const clock = new VirtualClock(nowMs);
  const log = new EventLog(() => clock.nowMs - nowMs);
  const world = new VirtualWorld(clock, log, { seed: 1, state: {}, dnsInsyncMs: 0 });
  const chance = new Chance(1);
  let calls = 0;
  const sky = new RandomWeather(FAIR, chance, clock, log, region, new Kills(undefined, () => ""), () => calls++);
  const environments = new SimulatedEnvironments({
    cloud: { world, clock, weather: sky, chance },
    sea: { clock, network: new Network(), serverAt: () => undefined, beaten: () => {} },
    log,
    chance,
    code: new Map([["retain", code]]),
    planJson: JSON.stringify(plan),
    lookUp: () => undefined,
    cnameOf: () => undefined,
    whoSigned: () => undefined,
    skewMs: () => 0,
    line: (_, line) => {
      if (line.what) throw new Error(`retain says: ${JSON.stringify(line)}`);
    },
  });
  const lambda = createLambda(world, { endpoint: () => "", dns: () => "", environments });
  for (const service of [
    createS3(world),
    createEc2(world),
    createEventBridge(world),
    lambda,
    mailbox(log, plan.notify.email),
    fleetRds(fleet),
  ])
    world.register(service);
  await world.start();
  await world.call("s3", "CreateBucket", { Bucket: BUCKET, CreateBucketConfiguration: { LocationConstraint: region } }, { region });
  await world.call("s3", "PutBucketVersioning", { Bucket: BUCKET, VersioningConfiguration: { Status: "Enabled" } }, { region });
  installFunction(world, { region, name: "retain", code: "retain", timeout: 3600, environment: environmentOf(world, BUCKET, region) });
  const startMs = clock.nowMs;
  let endMs: number | undefined;
  const event = { source: "aws.events", "detail-type": "Scheduled Event", account: world.account, time: new Date(nowMs).toISOString() };
  const Payload = Buffer.from(JSON.stringify({ ...event, region, resources: [], detail: {} }));
  const invoked = world.call("lambda", "Invoke", { FunctionName: functionArn(world, region, "retain"), Payload }, { region });
  void invoked.finally(() => {
    endMs = clock.nowMs;
  });
  await clock.runUntil(startMs + 3_600_000, () => endMs !== undefined);
  const answer = await invoked;
  if (answer.FunctionError) throw new Error(`retain failed: ${Buffer.from(answer.Payload).toString("utf8")}`);
  world.closed = true;
  return { calls, minutes: ((endMs as number) - startMs) / 60_000 };
}

async function asPackaged(fleet: Fleet, folder: string): Promise<{ calls: number; wallMs: number; peakBytes: number }> {
  const { plan } = fleet;
  const region = plan.regions.recovery;
  const out = join(folder, String(fleet.databases));
  mkdirSync(out, { recursive: true });
  await bundle(plan, relative(ROOT, out));
  const world = new World({ dir: "/nonexistent" });
  const log = new EventLog(() => 0);
  for (const service of [createS3(world), createEc2(world), createEventBridge(world), mailbox(log, plan.notify.email), fleetRds(fleet)])
    world.register(service);
  const wire = await startWire(world, { port: 0, principalFor: () => `arn:aws:iam::${world.account}:role/retain` });
  try {
    await world.start();
    await world.call("s3", "CreateBucket", { Bucket: BUCKET, CreateBucketConfiguration: { LocationConstraint: region } }, { region });
    await world.call("s3", "PutBucketVersioning", { Bucket: BUCKET, VersioningConfiguration: { Status: "Enabled" } }, { region });
    const made = counting(world);
    const startedMs = performance.now();
    const { databases, peakBytes } = await runRetain(join(out, "retain", "index.mjs"), {
      ...environmentOf(world, BUCKET, region),
      AWS_REGION: region,
      AWS_ENDPOINT_URL: wire.url,
      AWS_ACCESS_KEY_ID: "bench",
      AWS_SECRET_ACCESS_KEY: "bench",
    });
    if (databases !== fleet.databases) throw new Error(`retain looked at ${databases} databases of ${fleet.databases}`);
    return { calls: made(), wallMs: performance.now() - startedMs, peakBytes };
  } finally {
    await wire.close();
    await world.close();
  }
}

function runRetain(file: string, env: Record<string, string>): Promise<{ databases: number; peakBytes: number }> {
  const child = spawn(process.execPath, [...LAMBDA_FLAGS, join(import.meta.dirname, "bench-backups-worker.mjs")], {
    env: { PATH: process.env.PATH, ...env, RETAIN_BUNDLE: file },
    stdio: ["ignore", "pipe", "inherit"],
    timeout: TIMEOUT_MS,
  });
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      const last = said.trim().split("\n").at(-1) ?? "";
      if (code === 0) resolve(JSON.parse(last));
      else reject(new Error(`retain ended with ${code ?? signal}: ${said.slice(-500)}`));
    });
  });
}

function whole(name: string, text: string, from: number, to: number): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= from && value <= to) return value;
  throw new Error(`--${name} is "${text}", expected whole numbers from ${from} to ${to}.`);
}
