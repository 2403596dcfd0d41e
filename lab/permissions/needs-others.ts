// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * What the operations of the smaller services need: Route 53, SNS, EventBridge, Secrets Manager, CloudWatch, EC2, STS.
 */
import type { At, Context, Need, Needs } from "./need.ts";

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
  CreateHealthCheck: everything("route53:CreateHealthCheck"),
  ListHealthChecks: everything("route53:ListHealthChecks"),
  ...Object.fromEntries(
    ["GetHealthCheck", "GetHealthCheckStatus", "UpdateHealthCheck", "DeleteHealthCheck"].map((action): [string, Needs] => [
      action,
      (input) => [{ action: `route53:${action}`, resource: `arn:aws:route53:::healthcheck/${input.HealthCheckId}` }],
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
  ListTopics: everything("sns:ListTopics"),
  ListSubscriptions: everything("sns:ListSubscriptions"),
};

export const busArn = (at: Pick<At, "region" | "account">, given: string | undefined): string =>
  given?.startsWith("arn:") ? given : `arn:aws:events:${at.region}:${at.account}:event-bus/${given ?? "default"}`;

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
    ["DescribeRule", "EnableRule", "DisableRule", "ListTargetsByRule"].map((action): [string, Needs] => [
      action,
      (input, at) => {
        const bus = last(busArn(at, input.EventBusName));
        const rule = `${bus === "default" ? "" : `${bus}/`}${input.Name ?? input.Rule}`;
        return [{ action: `events:${action}`, resource: `arn:aws:events:${at.region}:${at.account}:rule/${rule}` }];
      },
    ]),
  ),
};

interface Secrets {
  readonly regions: Record<string, Record<string, { readonly name: string; readonly arn: string }>>;
}

/** The secret's ARN with its random letters; for a name nobody has, six unknown ones. */
function secretArn({ world, region, account }: At, given: string): string {
  const known = Object.values(world.state<Secrets>("secretsmanager", () => ({ regions: {} })).regions[region] ?? {});
  const found = known.find(({ name, arn }) => name === given || arn === given || arn.slice(0, -7) === given);
  return found?.arn ?? (given.startsWith("arn:") ? given : `arn:aws:secretsmanager:${region}:${account}:secret:${given}-~~~~~~`);
}

const secret =
  (action: string): Needs =>
  (input, at) => {
    const resource = secretArn(at, input.SecretId);
    const stage: Context = action === "GetSecretValue" ? { "secretsmanager:VersionStage": input.VersionStage ?? "AWSCURRENT" } : {};
    return [{ action: `secretsmanager:${action}`, resource, context: { "secretsmanager:SecretId": resource, ...stage } }];
  };

export const secretsmanager: Record<string, Needs> = {
  ...Object.fromEntries(["GetSecretValue", "DescribeSecret", "PutSecretValue", "DeleteSecret"].map((action) => [action, secret(action)])),
  ListSecrets: everything("secretsmanager:ListSecrets"),
};

const alarms =
  (action: string): Needs =>
  (input, at) => {
    const names: string[] = input.AlarmNames ?? (input.AlarmName ? [input.AlarmName] : []);
    const arn = (name: string) => `arn:aws:cloudwatch:${at.region}:${at.account}:alarm:${name}`;
    return (names.length > 0 ? names.map(arn) : ["*"]).map((resource) => ({ action: `cloudwatch:${action}`, resource }));
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
};

/** EC2's Describe operations take no resource. */
export const ec2: Record<string, Needs> = {
  DescribeSecurityGroups: everything("ec2:DescribeSecurityGroups"),
  DescribeInstances: everything("ec2:DescribeInstances"),
  DescribeVolumes: everything("ec2:DescribeVolumes"),
  DescribeSnapshots: everything("ec2:DescribeSnapshots"),
};

export const sts: Record<string, Needs> = {
  /** No policy can take this away. */
  GetCallerIdentity: () => [],
  AssumeRole: (input) => [{ action: "sts:AssumeRole", resource: input.RoleArn, context: { "sts:RoleSessionName": input.RoleSessionName } }],
};
