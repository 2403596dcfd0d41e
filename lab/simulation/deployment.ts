/**
 * What the template would have deployed, put into a fresh world: functions, their alias, schedules, rules, the bucket, the secret,
 * the name. Kept short on purpose: the compiled template itself is deployed by the lab in real time.
 */
import type { Plan } from "../../core/plan/schema.ts";
import { stateOf } from "../cloud/lambda/functions.ts";
import type { World } from "../cloud/world.ts";
import { deployStack } from "../deploy/index.ts";
import { createHostedZone } from "../given.ts";
import { pointAtLatches } from "../latched.ts";

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
  backup: { timeout: 60, durable: 172_800 },
  notify: { timeout: 60 },
  order: { timeout: 130 },
};

/** The probe in the primary's network, where the plan names it. */
export const NEAR_PROBE = "probe-near";

export const BUCKET = "understudy-simulation-state";

export async function deploy(world: World, plan: Plan, endpoint: string, withBackups: boolean): Promise<void> {
  const region = plan.regions.recovery;
  world.state("home", () => ({ region }));
  const environment = {
    ACCOUNT_ID: world.account,
    STATE_BUCKET: BUCKET,
    TOPIC_ARN: `arn:aws:sns:${region}:${world.account}:understudy`,
    WATCH_FUNCTION: "watch",
    MOVE_FUNCTION: "move",
    BACKUP_FUNCTION: "backup",
    RESTORE_FUNCTION: "restore",
    DRILL_FUNCTION: "drill",
    SITE_FUNCTION: "site",
  };
  const make = (where: string, name: string, { timeout, durable }: Deployed, code = name, more: Record<string, string> = {}) => {
    const version = {
      version: "1",
      runtime: "nodejs24.x",
      handler: "index.handler",
      role: `arn:aws:iam::${world.account}:role/${name}`,
      description: "",
      timeoutSeconds: timeout,
      memorySizeMb: 256,
      environment: { ...environment, ...more },
      architectures: ["arm64"],
      codeSha256: "",
      codeSizeBytes: 0,
      codeFolder: code,
      ...(durable ? { durable: { ExecutionTimeout: durable, RetentionPeriodInDays: 90 } } : {}),
      shown: {},
      lastModified: "",
    };
    const anyone = { Sid: "any", Effect: "Allow" as const, Principal: "*" as const, Action: "lambda:InvokeFunction", Resource: "*" };
    stateOf(world).functions[`${where}/${name}`] = {
      name,
      region: where,
      versions: { $LATEST: { ...version, version: "$LATEST" }, "1": version },
      aliases: { durable: { version: "1", description: "" } },
      policies: { "": [anyone] },
      eventInvoke: {},
    };
  };
  for (const [name, deployed] of Object.entries(FUNCTIONS)) make(region, name, deployed);
  const arn = (name: string, where = region) => `arn:aws:lambda:${where}:${world.account}:function:${name}`;
  const rule = async (where: string, name: string, when: Record<string, string>, target: string) => {
    await world.call("events", "PutRule", { Name: name, ...when }, { region: where });
    await world.call("events", "PutTargets", { Rule: name, Targets: [{ Id: "target", Arn: target, RoleArn: "role" }] }, { region: where });
  };
  await rule(region, "probe-each-minute", { ScheduleExpression: "rate(1 minute)" }, arn("probe"));
  if (plan.network.primary) {
    const { primary } = plan.regions;
    make(primary, NEAR_PROBE, { timeout: 75 }, "probe", { PROBE_PLACE: "near" });
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
