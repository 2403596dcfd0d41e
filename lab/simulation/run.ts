// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * One run: a world from a seed, a safety phase in which everything may go wrong, a healing phase that must come to rest. The same
 * seed, plan and code give the same log, line by line. Knows the functions as bundles; what is in them is not its business.
 */
import type { Plan } from "../../core/plan/schema.ts";
import { policyOf } from "../../core/policy.ts";
import { createCloudWatch } from "../cloud/cloudwatch.ts";
import { createEventBridge } from "../cloud/eventbridge.ts";
import { createLambda } from "../cloud/lambda/index.ts";
import { createRoute53, servedRecords } from "../cloud/route53.ts";
import { createS3 } from "../cloud/s3.ts";
import { s3State } from "../cloud/s3-state.ts";
import { createSecretsManager } from "../cloud/secretsmanager.ts";
import { Chance } from "./chance.ts";
import { Checkers, type RecordSeen, type Violation } from "./checkers.ts";
import { VirtualClock } from "./clock.ts";
import { BUCKET, deploy, deployLatch, LATCH_PATIENCE_MS, NEAR_PROBE } from "./deployment.ts";
import { type Battlefield, type Climate, drawClimate, FAIR, unleash } from "./disaster.ts";
import { type Code, SimulatedEnvironments } from "./environments.ts";
import { Kills, type PlannedKill, plannedKill } from "./kills.ts";
import { EventLog, type SimulationEvent } from "./log.ts";
import { mailbox } from "./mailbox.ts";
import { Network } from "./network.ts";
import { personBehind, settle, type Town } from "./people.ts";
import { type Instance, SimulatedRds } from "./rds.ts";
import { answersByName, makeCluster, makeGlobal, makeMultiAz } from "./rds-native.ts";
import { rdsService } from "./rds-service.ts";
import type { Call } from "./sdk.ts";
import type { Server } from "./server.ts";
import { POLITE_PATIENCE_MS, ShopClient, STUBBORN } from "./shop.ts";
import { RandomWeather } from "./weather.ts";
import { VirtualWorld } from "./world.ts";

export interface RunOptions {
  readonly seed: number;
  readonly plan: Plan;
  /** The functions' bundles by name. */
  readonly code: ReadonlyMap<string, Code>;
  /** How long things may go wrong. */
  readonly safetyMs: number;
  /** Of the plan's first database, where it is an instance: whether it is a Multi-AZ one. */
  readonly multiAz?: boolean | undefined;
  /** How long what is stopped stays so, before AWS starts it. */
  readonly stoppedForMs?: number | undefined;
  /** The most a function's clock is off. */
  readonly skewMs: number;
  /** What of the stack a plan with a latch needs in Route 53 and CloudWatch, as the packager makes it. */
  readonly latchResources?: object | undefined;
  /** What the seed would do and is left out: "disaster 2", "throttled". */
  readonly without?: ReadonlySet<string>;
  /** A run of one's own: no weather but the clocks', and whatever this does. */
  readonly script?: (field: Stage) => void;
  /** Where a process dies; without it as the seed has it, and nowhere in a run of one's own. */
  readonly kill?: PlannedKill;
}

/** What a script may touch. */
export interface Stage {
  readonly clock: VirtualClock;
  readonly network: Network;
  readonly rds: SimulatedRds;
  readonly primary: Instance;
  readonly standby: Instance;
  readonly world: VirtualWorld;
  readonly log: EventLog;
  /** Whose APIs do not answer: regions, or "recovery". */
  readonly dark: Set<string>;
  /** Whom people order from. */
  readonly town: Town;
  /** Somebody changes the clients' record by hand. */
  pointName(to: Instance): void;
}

export interface RunResult {
  readonly seed: number;
  readonly hash: string;
  /** Names of what befell it; each can be left out. */
  readonly befell: readonly string[];
  /** The kinds of what befell it, in words. */
  readonly faults: readonly string[];
  /** Where processes died: runbook, step, before or after. */
  readonly kills: readonly string[];
  readonly violations: readonly Violation[];
  readonly events: readonly SimulationEvent[];
  /** How it ended for the clients. */
  readonly outcome: "served" | "told" | "unsettled";
  readonly generation: number;
  readonly acknowledged: number;
  /** Acknowledged rows that are gone: priced by the lag limit, and written after the last heartbeat that was acknowledged. */
  readonly lost: { readonly priced: number; readonly unseen: number };
  readonly virtualMs: number;
  readonly timers: number;
}

const START_MS = Date.UTC(2026, 10, 21, 9, 0, 0);
const HEALING_LIMIT_MS = 3 * 3_600_000;
const CALM_MS = 150_000;

export async function simulate(options: RunOptions): Promise<RunResult> {
  const { seed, plan, without = new Set<string>() } = options;
  const clock = new VirtualClock(START_MS);
  const log = new EventLog(() => clock.nowMs - START_MS);
  const story = new Chance(seed, "story");
  const weather = new Chance(seed, "weather");
  const network = new Network();
  const dnsInsyncMs = story.whole(2, 40) * 1000;
  const world = new VirtualWorld(clock, log, { seed, state: {}, dnsInsyncMs });
  const [[databaseName, database]] = Object.entries(plan.databases) as [[string, Plan["databases"][string]]];

  const closing = {
    fences: Object.values(database.fenceSecurityGroups),
    drains: Object.values(database.drainSecurityGroups ?? {}),
    parameterGroups: database.fenceParameterGroups,
  };
  const rds = new SimulatedRds(world, clock, network, log, new Chance(seed, "rds"), closing);
  const primary = rds.add(database.primary.instance, database.primary.region, database.port, ["sg-shop"]);
  const standbys = database.standbys.map(({ instance, region }) => rds.add(instance, region, database.port, ["sg-shop"], primary));
  const [standby] = standbys;
  const { cluster, globalCluster } = database.primary;
  if (options.multiAz) makeMultiAz(rds, primary);
  if (cluster !== undefined) for (const each of [primary, ...standbys]) makeCluster(rds, each, 2);
  if (globalCluster !== undefined) makeGlobal(rds, globalCluster, primary, standbys);
  rds.stoppedForMs = options.stoppedForMs ?? rds.stoppedForMs;

  const record = (): RecordSeen | undefined => {
    const [newest] = s3State(world).buckets[BUCKET]?.objects[`databases/${databaseName}/record.json`] ?? [];
    return newest ? JSON.parse(Buffer.from(newest.bodyBase64, "base64").toString("utf8")) : undefined;
  };
  const lookUp = (name: string): string | undefined => resolve(world, rds, name);
  const shopName = plan.records.find((each) => each.database === databaseName) as Plan["records"][number];
  const named = () => rds.byHost(resolve(world, rds, shopName.name, true) ?? "");

  const climate: Climate = options.script ? { ...FAIR, skewMs: options.skewMs } : drawClimate(story, options.skewMs, without);
  const skewLimit = climate.skewMs;
  const recordEffects = (call: Call) => {
    tellEffect(log, call, record);
    if (call.operation === "PutObject" && /\/vote(-near)?\.json$/.test(call.input.Key)) checkers.voted(call.function);
  };
  const kinds = new Map<string, string>();
  const kindOf = (execution: string): string => kinds.get(execution) ?? (execution.split("-")[0] as string);
  const kills = new Kills(options.kill ?? (options.script || without.has("kill") ? undefined : plannedKill(seed)), kindOf);
  const sky = new RandomWeather(climate, weather, clock, log, plan.regions.recovery, kills, recordEffects);
  const darkAtMs = (region: string): number => sky.darkAtMs.get(region) ?? 0;
  const { maxLagSeconds, nativeGraceSeconds } = policyOf(plan, database);
  const limits = { maxLagMs: maxLagSeconds * 1000, nativeGraceMs: nativeGraceSeconds * 1000 };
  const checkers = new Checkers({ log, rds, ...limits, record, named, darkAtMs });
  log.listen(({ kind, data }) => {
    const { claim } = kind === "record" ? data.record : { claim: null };
    if (claim) kinds.set(claim.execution, globalCluster === undefined ? claim.kind : `global ${claim.kind}`);
  });
  const chance = new Chance(seed, "functions");
  const cloud = { world, clock, weather: sky, chance };
  const sea = {
    clock,
    network,
    serverAt: (host: string) => rds.serverAt(lookUp(host) ?? ""),
    beaten: (server: Server, by: string) => checkers.beaten(server.id, by, clock.nowMs),
  };
  const environments = new SimulatedEnvironments({
    cloud,
    sea,
    log,
    chance,
    code: options.code,
    planJson: JSON.stringify(plan),
    lookUp,
    cnameOf: (name) => cnameOf(world, name),
    whoSigned: (accessKey) => (sky.dark.has("recovery") ? undefined : personBehind(accessKey, world.account)),
    skewMs: () => (skewLimit > 0 ? story.whole(-skewLimit, skewLimit) : 0),
    line: (name, line) => {
      if (line.what === "decision") log.tell("decision", `${name}: ${line.sentence}`, { ...line, by: name }, line.rule === 101);
      else if (line.what) log.tell("news", `${name}: ${line.what}${line.error ? `: ${line.error}` : ""}`, {});
    },
  });

  const events = createEventBridge(world);
  const lambda = createLambda(world, {
    endpoint: () => "",
    dns: () => "",
    environments,
    asyncRetryDelaysMs: [60_000, 120_000],
  });
  for (const service of [createS3(world), createSecretsManager(world), createRoute53(world), events, lambda, rdsService(rds), mailbox(log)])
    world.register(service);
  // Alarms wake nobody here: what matters is the metrics, which the health checks read at their own pace.
  world.register({ ...createCloudWatch(world), start: () => {} });
  await world.start();
  await deploy(world, plan, primary.host, !options.script && story.happens(0.05));
  await clock.runUntil(clock.nowMs + dnsInsyncMs + 1000);
  if (options.latchResources) {
    const pointed = deployLatch(world, plan, options.latchResources);
    let ended = false;
    const over = () => {
      ended = true;
    };
    pointed.then(over, over);
    await clock.runUntil(clock.nowMs + LATCH_PATIENCE_MS + 60_000, () => ended);
    if (!ended) throw new Error("the deployment of the latch does not end");
    await pointed;
    await clock.runUntil(clock.nowMs + dnsInsyncMs + 1000);
  }
  sky.overWakes(lambda, "Invoke", wakeOf);
  sky.overWakes(events, "LabDeliver", (input) => (input.event.source === "aws.rds" ? "lossy" : undefined));

  const lookUpShop = () => lookUp(shopName.name);
  const clients = [
    new ShopClient("shop", sea, log, lookUpShop, { keepMs: shopName.ttlSeconds * 1000, patienceMs: POLITE_PATIENCE_MS }),
    new ShopClient("stubborn", sea, log, lookUpShop, STUBBORN),
  ];
  for (const client of clients) void client.start(2000);

  const startMs = clock.nowMs;
  // A minute of peace, so that the pair is known before anything befalls it.
  const functions = ["probe", "watch", "move", "order"];
  const near = plan.network.primary ? [NEAR_PROBE] : [];
  const standing = (id: string | undefined): Instance | undefined => {
    const found = rds.instances.get(id ?? "");
    return found?.made ? found : undefined;
  };
  const field: Battlefield = {
    clock,
    network,
    rds,
    log,
    get primary() {
      return standing(record()?.primary) ?? primary;
    },
    get standby() {
      return this.standbys[0] ?? standby ?? primary;
    },
    get standbys() {
      return (record()?.standbys ?? []).flatMap((id) => standing(id) ?? []);
    },
    functions,
    near,
    dark: sky.dark,
  };
  const safetyEndsMs = startMs + 90_000 + options.safetyMs;
  const heal = options.script ? () => {} : unleash(field, seed, without, startMs + 90_000, safetyEndsMs);
  const pointName = (to: Instance) => {
    const set = { Name: shopName.name, Type: "CNAME", TTL: shopName.ttlSeconds, ResourceRecords: [{ Value: to.host }] };
    const ChangeBatch = { Changes: [{ Action: "UPSERT", ResourceRecordSet: set }] };
    void world.call("route53", "ChangeResourceRecordSets", { HostedZoneId: shopName.zone, ChangeBatch }, { region: "us-east-1" });
  };
  const acts = new Set<string>();
  const kind = globalCluster !== undefined ? "global" : cluster !== undefined ? "cluster" : options.multiAz ? "multi-az" : "replicas";
  const town: Town = { world, clock, log, database: databaseName, region: plan.regions.recovery, kind, record };
  if (!options.script) {
    settle(town, seed, without, startMs + 90_000, safetyEndsMs, (name) => acts.add(name));
  }
  options.script?.({ clock, network, rds, primary, standby: standby ?? primary, world, log, dark: sky.dark, town, pointName });
  await clock.runUntil(safetyEndsMs);
  log.tell("fault", "the healing phase begins");
  heal();
  sky.heal();

  let calmSinceMs = clock.nowMs;
  let lookedAtMs = clock.nowMs;
  const atRest = (): boolean => {
    if (clock.nowMs - lookedAtMs < 5000) return false;
    lookedAtMs = clock.nowMs;
    if (!checkers.settled(clock.nowMs - START_MS)) calmSinceMs = clock.nowMs;
    return clock.nowMs - calmSinceMs >= CALM_MS;
  };
  await clock.runUntil(safetyEndsMs + HEALING_LIMIT_MS, atRest);
  checkers.finish(clock.nowMs - START_MS);
  const outcome = checkers.settled(clock.nowMs - START_MS) ?? "unsettled";
  const weathers = Object.entries(climate).flatMap(([name, rate]) => (rate > 0 ? [name] : []));
  world.closed = true;
  await environments.close();
  return {
    seed,
    hash: log.digest(),
    befell: [
      ...weathers,
      ...log.events.flatMap((event) => (event.kind === "fault" ? (/\((disaster \d+)\)$/.exec(event.words)?.slice(1) ?? []) : [])),
      ...acts,
      ...(kills.struck ? ["kill"] : []),
    ].filter((name, at, all) => all.indexOf(name) === at),
    faults: [
      ...new Set([
        ...weathers,
        ...log.events.flatMap(({ data }) => data.disaster ?? []),
        ...(kills.struck ? ["a kill at a chosen step"] : []),
      ]),
    ],
    kills: [...kills.tried],
    violations: checkers.violations,
    events: log.events,
    outcome,
    generation: record()?.generation ?? 0,
    acknowledged: clients.reduce((sum, client) => sum + client.acknowledged.length, 0),
    lost: checkers.lost,
    virtualMs: clock.nowMs - startMs,
    timers: clock.fired,
  };
}

/** Nothing is built anew: for stories that end with the move. */
export const byHand = (plan: Plan): Plan => ({
  ...plan,
  databases: Object.fromEntries(
    Object.entries(plan.databases).map(([name, database]) => [
      name,
      { ...database, failover: { ...database.failover, rebuild: "by-hand" as const } },
    ]),
  ),
});

const EFFECTS: Record<string, (input: any) => string> = {
  ModifyDBInstance: ({ DBInstanceIdentifier: id, VpcSecurityGroupIds: groups, ...others }) =>
    `${id} gets ${groups ? `the groups ${groups}` : Object.keys(others).filter((name) => others[name] !== undefined)}`,
  CreateDBInstanceReadReplica: (input) => `${input.DBInstanceIdentifier} is asked for, a replica of ${input.SourceDBInstanceIdentifier}`,
  RebootDBInstance: (input) => `${input.DBInstanceIdentifier} is rebooted`,
  StopDBInstance: (input) => `${input.DBInstanceIdentifier} is stopped`,
  FailoverDBCluster: (input) => `the cluster ${input.DBClusterIdentifier} is asked to fail over`,
  SwitchoverGlobalCluster: (input) => `${input.GlobalClusterIdentifier} is switched over to ${input.TargetDbClusterIdentifier}`,
  FailoverGlobalCluster: (input) =>
    `${input.GlobalClusterIdentifier} is failed over to ${input.TargetDbClusterIdentifier}${input.AllowDataLoss ? ", loss allowed" : ""}`,
  PromoteReadReplica: (input) => `${input.DBInstanceIdentifier} is promoted`,
  ChangeResourceRecordSets: (input) =>
    `the record is pointed to ${input.ChangeBatch.Changes.at(-1).ResourceRecordSet.ResourceRecords[0].Value}`,
};

function tellEffect(log: EventLog, call: Call, record: () => RecordSeen | undefined): void {
  const words = EFFECTS[call.operation];
  // The sides of a latch are kept in quiet times, by the watcher.
  const keepsSides = call.operation === "ChangeResourceRecordSets" && /-side-\d+\./.test(JSON.stringify(call.input));
  if (words && !keepsSides) {
    const { operation, execution, input } = call;
    log.tell("effect", `${call.function}${execution ? ` (${execution})` : ""}: ${words(input)}`, { operation, execution, input });
  }
  if (call.operation === "PutObject" && String(call.input.Key).endsWith("/record.json")) {
    const now = record() as RecordSeen;
    const words = `generation ${now.generation}, primary ${now.primary}, claim ${now.claim?.execution ?? "none"}${now.lastMove ? `, last move ${now.lastMove.execution} ${now.lastMove.outcome}` : ""}`;
    log.tell("record", words, { record: now });
  }
}

/** A schedule is reliable, and a durable start is an answered call. */
function wakeOf(input: any): "lossy" | "sure" | undefined {
  if (input.InvocationType !== "Event" || input.DurableExecutionName || Buffer.from(input.Payload ?? "").includes('"Scheduled Event"'))
    return undefined;
  return String(input.FunctionName).endsWith("watch") ? "lossy" : "sure";
}

const MAX_CHAIN = 8;

/** What the name servers answer now: an instance's own name, or the CNAMEs of the zone that lead to one. `asleep`: where they lead, answered or not. */
function resolve(world: VirtualWorld, rds: SimulatedRds, name: string, asleep = false): string | undefined {
  if (/^10\./.test(name)) return name;
  let at: string | undefined = name;
  for (let hop = 0; at !== undefined && hop < MAX_CHAIN; hop++) {
    const own = rds.byHost(at);
    if (own) return asleep || answersByName(rds, own) ? own.address : undefined;
    at = cnameOf(world, at);
  }
  return undefined;
}

function cnameOf(world: VirtualWorld, name: string): string | undefined {
  const zone = servedRecords(world)(`${name}.`);
  const sets = zone?.records.filter((each) => each.Name.replace(/\.$/, "") === name && each.Type === "CNAME") ?? [];
  return zone?.answersOf(sets)[0]?.ResourceRecords[0]?.Value.replace(/\.$/, "");
}
