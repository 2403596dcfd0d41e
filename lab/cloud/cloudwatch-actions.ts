// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * What an alarm's change sets off: messages to topics, direct calls of functions, and the event on the default bus,
 * each in its own shape. Auto Scaling, EC2 and Systems Manager actions are not modelled.
 */
import { ServiceError } from "../wire/errors.ts";
import { attempt } from "./attempts.ts";
import type { Alarm, StateRecord } from "./cloudwatch-alarms.ts";
import { uuid } from "./ids.ts";
import type { World } from "./world.ts";

export interface Transition {
  readonly region: string;
  readonly alarm: Alarm;
  readonly before: StateRecord;
  readonly after: StateRecord;
}

/** The names of regions as an alarm's message writes them. */
const REGION_NAMES: Record<string, string> = {
  "us-east-1": "US East (N. Virginia)",
  "us-east-2": "US East (Ohio)",
  "us-west-1": "US West (N. California)",
  "us-west-2": "US West (Oregon)",
  "ca-central-1": "Canada (Central)",
  "eu-central-1": "EU (Frankfurt)",
  "eu-west-1": "EU (Ireland)",
  "eu-west-2": "EU (London)",
  "eu-west-3": "EU (Paris)",
  "eu-north-1": "EU (Stockholm)",
  "eu-south-1": "EU (Milan)",
  "ap-northeast-1": "Asia Pacific (Tokyo)",
  "ap-southeast-1": "Asia Pacific (Singapore)",
  "ap-southeast-2": "Asia Pacific (Sydney)",
  "sa-east-1": "South America (Sao Paulo)",
};

export async function act(
  world: World,
  transition: Transition,
  retryDelaysMs: readonly number[],
  note: (summary: string) => void,
): Promise<void> {
  const { alarm, after, region } = transition;
  const actions = alarm.actionsEnabled ? alarm.actions[after.value] : [];
  const bus = world.services.has("events")
    ? world.call("events", "LabDeliver", { event: busEvent(world, transition) }, { region })
    : undefined;
  await Promise.all([bus, ...actions.map((arn) => runAction(world, transition, arn, retryDelaysMs, note))]);
}

async function runAction(
  world: World,
  transition: Transition,
  arn: string,
  retryDelaysMs: readonly number[],
  note: (summary: string) => void,
): Promise<void> {
  const { alarm, region } = transition;
  const error = await attempt(
    world,
    retryDelaysMs,
    () => send(world, transition, arn),
    ({ message }, again, tries) => {
      const what = `alarm ${alarm.name} could not run its action ${arn} (${message}): ${again ? "it tries again" : "it gives up"}`;
      world.tell({ kind: "event", region, service: "monitoring", what, detail: { alarm: alarm.name, action: arn, attempt: tries } });
    },
  );
  note(error ? `Failed to execute action ${arn}. Received error: "${error.message}"` : `Successfully executed action ${arn}`);
}

async function send(world: World, transition: Transition, arn: string): Promise<void> {
  const { alarm, after } = transition;
  const [, , service, region = ""] = arn.split(":");
  if (service === "sns") {
    const Subject = `${after.value}: "${alarm.name}" in ${REGION_NAMES[transition.region] ?? transition.region}`.slice(0, 99);
    const LabSource = { service: "cloudwatch.amazonaws.com", arn: alarm.arn };
    const Message = JSON.stringify(topicMessage(world, transition));
    await world.call("sns", "Publish", { TopicArn: arn, Subject, Message, LabSource }, { region, principal: "cloudwatch.amazonaws.com" });
  } else if (service === "lambda") {
    const principal = "lambda.alarms.cloudwatch.amazonaws.com";
    const Payload = Buffer.from(JSON.stringify(functionEvent(world, transition)));
    const LabSource = { service: principal, arn: alarm.arn };
    await world.call("lambda", "Invoke", { FunctionName: arn, InvocationType: "Event", Payload, LabSource }, { region, principal });
  } else throw new ServiceError("UnknownOperationException", `the lab's alarms reach topics and functions, not ${arn}`);
}

/** CloudWatch writes times with an offset that has no colon. */
export function stamp(at: number): string {
  return new Date(at).toISOString().replace("Z", "+0000");
}

function stateShape(record: StateRecord): any {
  return {
    value: record.value,
    reason: record.reason,
    ...(record.reasonData ? { reasonData: record.reasonData } : {}),
    timestamp: stamp(record.at),
  };
}

function configuration(alarm: Alarm): any {
  const dimensions = Object.fromEntries(alarm.metric.Dimensions.map(({ Name, Value }) => [Name, Value]));
  const metric = { namespace: alarm.metric.Namespace, name: alarm.metric.MetricName, dimensions };
  const metricStat = { metric, period: alarm.periodS, stat: alarm.statistic, ...(alarm.unit ? { unit: alarm.unit } : {}) };
  return { ...(alarm.description ? { description: alarm.description } : {}), metrics: [{ id: alarm.id, metricStat, returnData: true }] };
}

function busEvent(world: World, { region, alarm, before, after }: Transition): any {
  const detail = {
    alarmName: alarm.name,
    configuration: configuration(alarm),
    previousState: stateShape(before),
    state: stateShape(after),
  };
  const id = uuid(world);
  const time = new Date(after.at).toISOString().replace(/\.\d+Z$/, "Z");
  return {
    version: "0",
    id,
    "detail-type": "CloudWatch Alarm State Change",
    source: "aws.cloudwatch",
    account: world.account,
    time,
    region,
    resources: [alarm.arn],
    detail,
  };
}

function functionEvent(world: World, { region, alarm, before, after }: Transition): any {
  return {
    source: "aws.cloudwatch",
    alarmArn: alarm.arn,
    accountId: world.account,
    time: stamp(after.at),
    region,
    alarmData: { alarmName: alarm.name, state: stateShape(after), previousState: stateShape(before), configuration: configuration(alarm) },
  };
}

function topicMessage(world: World, { region, alarm, before, after }: Transition): any {
  return {
    AlarmName: alarm.name,
    AlarmDescription: alarm.description ?? null,
    AWSAccountId: world.account,
    AlarmConfigurationUpdatedTimestamp: stamp(alarm.updatedAt),
    NewStateValue: after.value,
    NewStateReason: after.reason,
    StateChangeTime: stamp(after.at),
    Region: REGION_NAMES[region] ?? region,
    AlarmArn: alarm.arn,
    OldStateValue: before.value,
    OKActions: alarm.actions.OK,
    AlarmActions: alarm.actions.ALARM,
    InsufficientDataActions: alarm.actions.INSUFFICIENT_DATA,
    Trigger: {
      MetricName: alarm.metric.MetricName,
      Namespace: alarm.metric.Namespace,
      StatisticType: alarm.statistic.startsWith("p") ? "ExtendedStatistic" : "Statistic",
      [alarm.statistic.startsWith("p") ? "ExtendedStatistic" : "Statistic"]: alarm.statistic.startsWith("p")
        ? alarm.statistic
        : alarm.statistic.toUpperCase(),
      Unit: alarm.unit ?? null,
      Dimensions: alarm.metric.Dimensions.map(({ Name, Value }) => ({ value: Value, name: Name })),
      Period: alarm.periodS,
      EvaluationPeriods: alarm.rule.evaluationPeriods,
      DatapointsToAlarm: alarm.rule.datapointsToAlarm,
      ComparisonOperator: alarm.rule.comparison,
      Threshold: alarm.rule.threshold,
      TreatMissingData: alarm.rule.treatMissingData,
      EvaluateLowSampleCountPercentile: "",
    },
  };
}
