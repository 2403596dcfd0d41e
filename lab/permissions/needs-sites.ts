// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** What the operations of Elastic Load Balancing's target groups and of CloudFront's invalidations need. */
import type { At, Needs } from "./need.ts";

const everything =
  (action: string): Needs =>
  () => [{ action, resource: "*" }];

const onGroup =
  (action: string): Needs =>
  (input) => [{ action: `elasticloadbalancing:${action}`, resource: input.TargetGroupArn }];

export const elasticloadbalancing: Record<string, Needs> = {
  CreateTargetGroup: (input, at) => [
    {
      action: "elasticloadbalancing:CreateTargetGroup",
      resource: `arn:aws:elasticloadbalancing:${at.region}:${at.account}:targetgroup/${input.Name}/new`,
    },
  ],
  // What is only looked at has no ARN in a policy (Service Authorization Reference, Elastic Load Balancing v2).
  DescribeTargetGroups: everything("elasticloadbalancing:DescribeTargetGroups"),
  DescribeTargetHealth: everything("elasticloadbalancing:DescribeTargetHealth"),
  ...Object.fromEntries(["DeleteTargetGroup", "RegisterTargets", "DeregisterTargets"].map((action) => [action, onGroup(action)])),
};

const onDistribution =
  (action: string): Needs =>
  (input: any, at: At) => [
    { action: `cloudfront:${action}`, resource: `arn:aws:cloudfront::${at.account}:distribution/${input.DistributionId}` },
  ];

export const cloudfront: Record<string, Needs> = Object.fromEntries(
  ["CreateInvalidation", "GetInvalidation", "ListInvalidations"].map((action) => [action, onDistribution(action)]),
);
