/** What `site` and `order` may do for the plan's sites. A plan without sites grants nothing of it. */
import type { Plan } from "../core/plan/schema.ts";
import { type Json, sub } from "./cloudformation.ts";
import { allow, type Statement } from "./statement.ts";

type Keys = (...prefixes: string[]) => Json[];

const keepsSites = (keys: Keys): Statement[] => [
  allow("ReadSites", ["s3:GetObject"], keys("sites")),
  allow("WriteSites", ["s3:PutObject"], keys("sites")),
];

export const ordersSites = (plan: Plan, keys: Keys, starts: Statement): Statement[] =>
  plan.sites?.length ? [...keepsSites(keys), starts] : [];

export function siteStatements(plan: Plan, keys: Keys, shared: readonly Statement[]): Statement[] {
  const sites = plan.sites ?? [];
  if (sites.length === 0) return [];
  const { recovery } = plan.regions;
  const records = sites.flatMap((site) => site.records);
  const hooks = sites.flatMap(({ hooks }) => [hooks?.before, hooks?.after]).filter((arn) => arn !== undefined);
  const distributions = sites.flatMap(({ cdn }) => cdn?.distributionId ?? []);
  const zones = [...new Set(records.map(({ zone }) => zone))].map((zone) => sub(`arn:\${AWS::Partition}:route53:::hostedzone/${zone}`));
  return [
    ...keepsSites(keys),
    allow("ReadRecords", ["s3:GetObject"], keys("databases")),
    allow("KeepEvidence", ["s3:PutObject"], keys("evidence")),
    allow("GroupsAndTargetsAreSeenWithoutArn", ["autoscaling:DescribeAutoScalingGroups", ...seesTargets(plan)], "*"),
    allow(
      "RaiseGroups",
      ["autoscaling:UpdateAutoScalingGroup"],
      sites.map((site) =>
        sub(
          `arn:\${AWS::Partition}:autoscaling:${recovery}:\${AWS::AccountId}:autoScalingGroup:*:autoScalingGroupName/${site.recovery.group}`,
        ),
      ),
    ),
    allow("ReadNames", ["route53:ListResourceRecordSets"], zones),
    allow("TurnTheDial", ["route53:ChangeResourceRecordSets"], zones, {
      "ForAllValues:StringEquals": {
        "route53:ChangeResourceRecordSetsNormalizedRecordNames": records.map(({ name }) => name),
        "route53:ChangeResourceRecordSetsRecordTypes": ["CNAME"],
        // What stands there is exchanged, never overwritten: that is what refuses a late writer.
        "route53:ChangeResourceRecordSetsActions": ["CREATE", "DELETE"],
      },
    }),
    ...(distributions.length > 0
      ? [
          allow(
            "PurgeTheCdn",
            ["cloudfront:CreateInvalidation", "cloudfront:GetInvalidation"],
            distributions.map((id) => sub(`arn:\${AWS::Partition}:cloudfront::\${AWS::AccountId}:distribution/${id}`)),
          ),
        ]
      : []),
    ...(hooks.length > 0 ? [allow("CallHooks", ["lambda:InvokeFunction"], [...new Set(hooks)])] : []),
    ...shared,
  ];
}

const seesTargets = (plan: Plan): string[] =>
  plan.sites?.some(({ recovery }) => recovery.targetGroupArn) ? ["elasticloadbalancing:DescribeTargetHealth"] : [];
