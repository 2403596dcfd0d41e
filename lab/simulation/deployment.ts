/**
 * What the template would have deployed, put into a fresh world: functions, their alias, schedules, rules, the bucket, the secret,
 * the name. Kept short on purpose: the compiled template itself is deployed by the lab in real time.
 */
import type { Plan } from "../../core/plan/schema.ts";
import type { World } from "../cloud/world.ts";
import { deployStack } from "../deploy/index.ts";
import { createHostedZone } from "../given.ts";
import { pointAtLatches } from "../latched.ts";
import { environmentOf, functionArn, installFunction, installRule } from "./installing.ts";

/** Timeouts in seconds, and what is durable, as serverless.yml says. */
interface Deployed {
  readonly timeout: number;
  readonly durable?: number;
}
const FUNCTIONS: Record<string, Deployed> = {
  probe: { timeout: 75 },
  watch: { timeout: 60 },
  move: { timeout: 60, durable: 14_400 },
  snapshot: { timeout: 60 },
  backup: { timeout: 900, durable: 345_600 },
  notify: { timeout: 60 },
  order: { timeout: 130 },
};

/** The probe in the primary's network, where the plan names it. */
export const NEAR_PROBE = "probe-near";

export const BUCKET = "understudy-simulation-state";

export async function deploy(world: World, plan: Plan, endpoint: string, withBackups: boolean): Promise<void> {
  const region = plan.regions.recovery;
  world.state("home", () => ({ region }));
  const environment = environmentOf(world, BUCKET, region);
  for (const [name, { timeout, durable }] of Object.entries(FUNCTIONS))
    installFunction(world, { region, name, code: name, timeout, durable, environment });
  const arn = (name: string, where = region) => functionArn(world, where, name);
  const rule = (...of: [where: string, name: string, when: Record<string, string>, target: string]) => installRule(world, ...of);
  await rule(region, "probe-each-minute", { ScheduleExpression: "rate(1 minute)" }, arn("probe"));
  if (plan.network.primary) {
    const { primary } = plan.regions;
    const near = { ...environment, PROBE_PLACE: "near" };
    installFunction(world, { region: primary, name: NEAR_PROBE, code: "probe", timeout: 75, environment: near });
    await rule(primary, "probe-near-each-minute", { ScheduleExpression: "rate(1 minute)" }, arn(NEAR_PROBE, primary));
  }
  await rule(region, "watch-each-minute", { ScheduleExpression: "rate(1 minute)" }, arn("watch"));
  if (withBackups) await rule(region, "snapshot-each-five-minutes", { ScheduleExpression: "rate(5 minutes)" }, arn("snapshot"));
  const rds = { EventPattern: JSON.stringify({ source: ["aws.rds"] }) };
  await rule(region, "watch-on-rds-events", rds, arn("watch"));
  await rule(plan.regions.primary, "forward-rds-events", rds, `arn:aws:events:${region}:${world.account}:event-bus/default`);
  await rule(region, "notify-on-news", { EventPattern: JSON.stringify({ source: ["understudy"] }) }, arn("notify"));

  const location = { LocationConstraint: region };
  await world.call("s3", "CreateBucket", { Bucket: BUCKET, CreateBucketConfiguration: location }, { region });
  for (const database of Object.values(plan.databases)) {
    const SecretString = JSON.stringify({ username: "shopkeeper", password: "in-virtual-time" });
    await world.call("secretsmanager", "CreateSecret", { Name: database.secret, SecretString }, { region });
  }
  for (const record of plan.records) {
    await createHostedZone(world, record.zone, record.name.split(".").slice(1).join("."));
    const set = { Name: record.name, Type: "CNAME", TTL: record.ttlSeconds, ResourceRecords: [{ Value: endpoint }] };
    const ChangeBatch = { Changes: [{ Action: "UPSERT", ResourceRecordSet: set }] };
    await world.call("route53", "ChangeResourceRecordSets", { HostedZoneId: record.zone, ChangeBatch }, { region: "us-east-1" });
  }
}

/** In bad weather the watcher needs many of its minutes. */
export const LATCH_PATIENCE_MS = 60 * 60_000;

/** The latch is made, the watcher's minutes seat its sides, and then the name is pointed at it, as a user would. */
export async function deployLatch(world: World, plan: Plan, resources: object): Promise<void> {
  const template = { Resources: resources };
  await deployStack(world, { template, artifacts: () => new Uint8Array(), region: plan.regions.recovery, stackName: "latch" });
  await pointAtLatches(world, plan, LATCH_PATIENCE_MS);
}
