/**
 * A month of backups in virtual time: the lab's own RDS and KMS, the real bundles, and weather and troubles from a seed; then days in
 * which all is well, and the verdict. The same seed, plan and code give the same log.
 */
import type { Plan } from "../../../core/plan/schema.ts";
import { createCloudWatch } from "../../cloud/cloudwatch.ts";
import { createEc2 } from "../../cloud/ec2.ts";
import { createEventBridge } from "../../cloud/eventbridge.ts";
import { createKms } from "../../cloud/kms.ts";
import { createLambda } from "../../cloud/lambda/index.ts";
import { createRds } from "../../cloud/rds/index.ts";
import { createS3 } from "../../cloud/s3.ts";
import { Chance } from "../chance.ts";
import type { Violation } from "../checkers.ts";
import { VirtualClock } from "../clock.ts";
import { type Climate, FAIR } from "../disaster.ts";
import { type Code, SimulatedEnvironments } from "../environments.ts";
import { Kills } from "../kills.ts";
import { EventLog, type SimulationEvent } from "../log.ts";
import { mailbox } from "../mailbox.ts";
import { Network } from "../network.ts";
import type { Call } from "../sdk.ts";
import { RandomWeather } from "../weather.ts";
import { VirtualWorld } from "../world.ts";
import { deploy } from "./deployment.ts";
import { HollowFleet } from "./fleet.ts";
import { type Counted, Judge } from "./judge.ts";
import { readMails } from "./people.ts";
import { raise } from "./scene.ts";
import { type Month, unleash } from "./troubles.ts";

export const MONTH_STARTS_MS = Date.UTC(2026, 10, 1, 9, 0, 0);
const DAY_MS = 86_400_000;
/** All is well for so long before the verdict: the longest interval and a copy fit in. */
const CALM_DAYS = 3;

/** Of single calls and wakes, all month long. */
const CLIMATE: Climate = {
  ...FAIR,
  throttled: 0.2,
  failing: 0.02,
  lostReplies: 0.03,
  killed: 0.005,
  doubledWakes: 0.05,
  lateWakes: 0.05,
  slowMs: 500,
  skewMs: 200,
};

export interface MonthOptions {
  readonly seed: number;
  /** As scene.ts makes it. */
  readonly plan: Plan;
  readonly code: ReadonlyMap<string, Code>;
  /** How long things may go wrong. */
  readonly days: number;
  /** How long all is well before the verdict. */
  readonly calmDays?: number;
  /** What the seed would do and is left out: "trouble 2", "throttled". */
  readonly without?: ReadonlySet<string>;
  /** A month of one's own: no weather, and whatever this does. */
  readonly script?: (month: Month) => void;
}

export interface MonthResult {
  readonly seed: number;
  readonly hash: string;
  /** The kinds of what befell it, in words. */
  readonly troubles: readonly string[];
  readonly violations: readonly Violation[];
  readonly events: readonly SimulationEvent[];
  readonly counted: Counted;
  readonly calls: number;
  /** By function. */
  readonly callsBy: Readonly<Record<string, number>>;
}

export async function simulateMonth({
  seed,
  plan,
  code,
  days,
  calmDays = CALM_DAYS,
  without = new Set(),
  script,
}: MonthOptions): Promise<MonthResult> {
  const clock = new VirtualClock(MONTH_STARTS_MS);
  const log = new EventLog(() => clock.nowMs - MONTH_STARTS_MS);
  const world = new VirtualWorld(clock, log, { seed, state: {}, dnsInsyncMs: 0 });
  Object.assign(world.timings, { snapshotMs: 6 * 60_000, copyMs: 20 * 60_000, copyQueueMs: 5000 });
  const { recovery } = plan.regions;
  const callsBy: Record<string, number> = {};
  const done = (call: Call) => {
    callsBy[call.function] = (callsBy[call.function] ?? 0) + 1;
    judge.asked(call.service, `${call.function} ${call.execution ?? ""}`.trim(), call.region);
    if (call.operation === "PutMetricData" && call.region === recovery) judge.looked();
  };
  const climate = Object.fromEntries(
    Object.entries(script ? FAIR : CLIMATE).map(([name, rate]) => [name, without.has(name) ? 0 : rate]),
  ) as unknown as Climate;
  const sky = new RandomWeather(climate, new Chance(seed, "weather"), clock, log, recovery, new Kills(undefined, () => ""), done);
  const chance = new Chance(seed, "functions");
  const skews = new Chance(seed, "skew");
  const environments = new SimulatedEnvironments({
    cloud: { world, clock, weather: sky, chance },
    sea: { clock, network: new Network(), serverAt: () => undefined, beaten: () => {} },
    log,
    chance,
    code,
    planJson: JSON.stringify(plan),
    lookUp: () => undefined,
    cnameOf: () => undefined,
    whoSigned: () => undefined,
    skewMs: () => (climate.skewMs > 0 ? skews.whole(-climate.skewMs, climate.skewMs) : 0),
    line: (name, line) => {
      if (line._aws) judge.heard(line);
      else if (line.what) log.tell("news", `${name}: ${line.what}${line.error ? `: ${line.error}` : ""}`, {});
    },
  });
  const events = createEventBridge(world);
  const lambda = createLambda(world, { endpoint: () => "", dns: () => "", environments, asyncRetryDelaysMs: [60_000, 120_000] });
  const rds = createRds(world, { fleet: new HollowFleet(world, new Chance(seed, "rds")) });
  for (const service of [createS3(world), createEc2(world), createKms(world), events, lambda, mailbox(log, plan.notify.email)])
    world.register(service);
  // What they do by themselves, minute by minute, is nothing a backup looks at.
  for (const service of [rds, createCloudWatch(world)]) world.register({ ...service, start: () => {} });
  raise(world, plan);
  await world.start();
  await deploy(world, plan);
  sky.overWakes(lambda, "Invoke", (input) => (input.InvocationType === "Event" && !input.DurableExecutionName ? "sure" : undefined));
  const judge = new Judge(world, clock, log, plan, sky.dark);
  const month: Month = { world, clock, log, plan, dark: sky.dark, meddled: (how, snapshot) => judge.meddle(how, snapshot) };
  readMails(month, seed);
  const endsMs = clock.nowMs + days * DAY_MS;
  // A day of peace before anything befalls it.
  const calm = script ? () => {} : unleash(month, seed, without, clock.nowMs + Math.min(DAY_MS, (days * DAY_MS) / 4), endsMs);
  script?.(month);
  await clock.runUntil(endsMs);
  log.tell("fault", "from here on all is well");
  calm();
  sky.heal();
  await clock.runUntil(endsMs + calmDays * DAY_MS);
  judge.finish();
  world.closed = true;
  await environments.close();
  return {
    seed,
    hash: log.digest(),
    troubles: [...new Set(log.events.flatMap(({ data }) => data.trouble ?? []))],
    violations: judge.violations,
    events: log.events,
    counted: judge.counted,
    calls: Object.values(callsBy).reduce((sum, count) => sum + count, 0),
    callsBy,
  };
}
