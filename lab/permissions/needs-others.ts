// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * What the operations of the smaller services need: Route 53, SNS, EventBridge, CloudWatch, STS.
 */
import { type At, type Context, EVERY, type Need, type Needs } from "./need.ts";
import { passing } from "./needs-fleets.ts";

const last = (path: string): string => path.split("/").at(-1) ?? path;
const everything =
  (action: string): Needs =>
  () => [{ action, resource: "*" }];

/** Lower case, no dot at the end, anything else than letters, digits, - _ and . as an octal code (Route 53: policy conditions). */
const normalized = (name: string): string =>
  name
    .toLowerCase()
    .replace(/\.$/, "")
    .replace(/\\(\d{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))
    .replace(/[^a-z0-9\-_.]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`);

const zone = (action: string, id: string, context: Context = {}): Need => ({
  action: `route53:${action}`,
  resource: `arn:aws:route53:::hostedzone/${last(id)}`,
  context,
});

export const route53: Record<string, Needs> = {
  ListResourceRecordSets: (input) => [zone("ListResourceRecordSets", input.HostedZoneId)],
  GetHostedZone: (input) => [zone("GetHostedZone", input.Id)],
  ChangeResourceRecordSets(input) {
    const changes: any[] = input.ChangeBatch?.Changes ?? [];
    const values = (of: (change: any) => string) => [...new Set(changes.map(of))];
    return [
      zone("ChangeResourceRecordSets", input.HostedZoneId, {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": values((change) => normalized(change.ResourceRecordSet.Name)),
        "route53:ChangeResourceRecordSetsRecordTypes": values((change) => change.ResourceRecordSet.Type),
        "route53:ChangeResourceRecordSetsActions": values((change) => change.Action),
      }),
    ];
  },
  GetChange: (input) => [{ action: "route53:GetChange", resource: `arn:aws:route53:::change/${last(input.Id)}` }],
  ListHostedZones: everything("route53:ListHostedZones"),
  ListHostedZonesByName: everything("route53:ListHostedZonesByName"),
  CreateHostedZone: everything("route53:CreateHostedZone"),
  DeleteHostedZone: (input) => [zone("DeleteHostedZone", input.Id)],
  CreateHealthCheck: everything("route53:CreateHealthCheck"),
  GetHealthCheckCount: everything("route53:GetHealthCheckCount"),
  ListHealthChecks: everything("route53:ListHealthChecks"),
  ...Object.fromEntries(
    ["GetHealthCheck", "GetHealthCheckStatus", "GetHealthCheckLastFailureReason", "UpdateHealthCheck", "DeleteHealthCheck"].map(
      (action): [string, Needs] => [
        action,
        (input) => [{ action: `route53:${action}`, resource: `arn:aws:route53:::healthcheck/${input.HealthCheckId}` }],
      ],
    ),
  ),
  ...Object.fromEntries(
    ["ChangeTagsForResource", "ListTagsForResource", "ListTagsForResources"].map((action): [string, Needs] => [
      action,
      (input) =>
        (input.ResourceIds ?? [input.ResourceId]).map((id: string) => ({
          action: `route53:${action}`,
          resource: `arn:aws:route53:::${input.ResourceType}/${last(id)}`,
        })),
    ]),
  ),
};

const topic = (action: string): Needs => {
  return (input, at) => [
    {
      action: `sns:${action}`,
      resource: input.TopicArn ?? input.TargetArn ?? `arn:aws:sns:${at.region}:${at.account}:${input.Name ?? ""}`,
      context: {
        ...(input.Protocol ? { "sns:Protocol": input.Protocol } : {}),
        ...(input.Endpoint ? { "sns:Endpoint": input.Endpoint } : {}),
      },
    },
  ];
};

export const sns: Record<string, Needs> = {
  ...Object.fromEntries(
    ["Publish", "Subscribe", "ListSubscriptionsByTopic", "GetTopicAttributes", "SetTopicAttributes", "CreateTopic", "DeleteTopic"].map(
      (action) => [action, topic(action)],
    ),
  ),
  PublishBatch: topic("Publish"),
  ConfirmSubscription: topic("ConfirmSubscription"),
  ...Object.fromEntries(
    ["TagResource", "UntagResource", "ListTagsForResource"].map((action): [string, Needs] => [
      action,
      (input) => [{ action: `sns:${action}`, resource: input.ResourceArn }],
    ]),
  ),
  ...Object.fromEntries(
    ["Unsubscribe", "GetSubscriptionAttributes", "SetSubscriptionAttributes"].map((action): [string, Needs] => [
      action,
      // On the topic: a subscription's ARN is its topic's and an id more.
      (input) => [{ action: `sns:${action}`, resource: String(input.SubscriptionArn).split(":").slice(0, 6).join(":") }],
    ]),
  ),
  ListTopics: everything("sns:ListTopics"),
  ListSubscriptions: everything("sns:ListSubscriptions"),
};

export const busArn = (at: Pick<At, "region" | "account">, given: string | undefined): string =>
  given?.startsWith("arn:") ? given : `arn:aws:events:${at.region}:${at.account}:event-bus/${given ?? "default"}`;

const onRule =
  (action: string): Needs =>
  (input, at) => {
    const bus = last(busArn(at, input.EventBusName));
    const rule = `${bus === "default" ? "" : `${bus}/`}${input.Name ?? input.Rule}`;
    return [{ action: `events:${action}`, resource: `arn:aws:events:${at.region}:${at.account}:rule/${rule}` }];
  };

export const events: Record<string, Needs> = {
  /** Each entry by itself: they may go to different buses. */
  PutEvents: (input, at) =>
    (input.Entries ?? []).map((entry: any) => ({
      action: "events:PutEvents",
      resource: busArn(at, entry.EventBusName),
      context: {
        ...(entry.Source ? { "events:source": entry.Source } : {}),
        ...(entry.DetailType ? { "events:detail-type": entry.DetailType } : {}),
      },
    })),
  ...Object.fromEntries(
    ["PutRule", "DeleteRule", "DescribeRule", "EnableRule", "DisableRule", "ListTargetsByRule", "RemoveTargets"].map((action) => [
      action,
      onRule(action),
    ]),
  ),
  PutTargets: (input, at) => [
    ...onRule("PutTargets")(input, at),
    ...(input.Targets ?? []).flatMap(({ RoleArn }: any) => passing(RoleArn, "events.amazonaws.com")),
  ],
  ...Object.fromEntries(
    ["CreateEventBus", "DeleteEventBus", "DescribeEventBus"].map((action): [string, Needs] => [
      action,
      (input, at) => [{ action: `events:${action}`, resource: busArn(at, input.Name) }],
    ]),
  ),
  ...Object.fromEntries(
    ["ListEventBuses", "ListRules", "ListRuleNamesByTarget", "TestEventPattern"].map((action) => [action, everything(`events:${action}`)]),
  ),
};

const alarms =
  (action: string): Needs =>
  (input, at) => {
    const names: string[] = input.AlarmNames ?? (input.AlarmName ? [input.AlarmName] : []);
    const arn = (name: string) => `arn:aws:cloudwatch:${at.region}:${at.account}:alarm:${name}`;
    return (names.length > 0 ? names : [EVERY]).map(arn).map((resource) => ({ action: `cloudwatch:${action}`, resource }));
  };

export const monitoring: Record<string, Needs> = {
  PutMetricData: (input) => [{ action: "cloudwatch:PutMetricData", resource: "*", context: { "cloudwatch:namespace": input.Namespace } }],
  GetMetricData: everything("cloudwatch:GetMetricData"),
  GetMetricStatistics: everything("cloudwatch:GetMetricStatistics"),
  ListMetrics: everything("cloudwatch:ListMetrics"),
  DescribeAlarms: alarms("DescribeAlarms"),
  PutMetricAlarm: alarms("PutMetricAlarm"),
  SetAlarmState: alarms("SetAlarmState"),
  DeleteAlarms: alarms("DeleteAlarms"),
  EnableAlarmActions: alarms("EnableAlarmActions"),
  DisableAlarmActions: alarms("DisableAlarmActions"),
  DescribeAlarmHistory: alarms("DescribeAlarmHistory"),
};

export const sts: Record<string, Needs> = {
  /** No policy can take this away. */
  GetCallerIdentity: () => [],
  AssumeRole: (input) => [
    {
      action: "sts:AssumeRole",
      resource: input.RoleArn,
      context: { "sts:RoleSessionName": input.RoleSessionName, ...(input.ExternalId ? { "sts:ExternalId": input.ExternalId } : {}) },
    },
  ],
};
