/**
 * The dead man's check in the stack of the primary region, with an alarm and a topic of its own there: of the backups nothing else runs in
 * that region, so whatever ends them leaves it alone. Its own silence is heard twice: by the alarm beside it, and in the recovery region.
 */
import { OVERDUE_METRIC, OVERDUE_NAMESPACE } from "../core/overdue.ts";
import type { Plan } from "../core/plan/schema.ts";
import { arnOf, logical, type Resources, ref, sub } from "./cloudformation.ts";
import { hasMachines, MACHINE_FUNCTION, seesSnapshots } from "./machines.ts";
import { mails } from "./mails.ts";
import { allow, role } from "./roles.ts";

/** Folder of the bundle beside the template, and the end of the function's name. */
export const OVERDUE = "overdue";

export function overdueCheck(plan: Plan, stack: string): Resources {
  if (plan.backups.length === 0 && !hasMachines(plan)) return {};
  const name = `${stack}-${OVERDUE}`;
  const snapshots = [plan.regions.primary, plan.regions.recovery].map((region) =>
    sub(`arn:\${AWS::Partition}:rds:${region}:\${AWS::AccountId}:snapshot:*`),
  );
  return {
    ...mails(plan),
    OverdueLogGroup: { Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: `/aws/lambda/${name}`, RetentionInDays: 90 } },
    OverdueRole: role(stack, OVERDUE, [
      allow("SeeAllSnapshots", ["rds:DescribeDBSnapshots"], snapshots),
      ...(hasMachines(plan) ? [seesSnapshots] : []),
      allow("MetricsHaveNoArnTheNamespaceIsTheLimit", ["cloudwatch:PutMetricData"], "*", {
        StringEquals: { "cloudwatch:namespace": OVERDUE_NAMESPACE },
      }),
    ]),
    Overdue: {
      Type: "AWS::Lambda::Function",
      DependsOn: ["OverdueLogGroup"],
      Properties: {
        FunctionName: name,
        Description: "The dead man's check: whether each backup has begun in time",
        Code: OVERDUE,
        Handler: "index.handler",
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
        MemorySize: 256,
        Timeout: 60,
        Role: arnOf("OverdueRole"),
      },
    },
    OverdueSchedule: {
      Type: "AWS::Events::Rule",
      Properties: {
        Description: "Looks for overdue backups",
        ScheduleExpression: "rate(2 minutes)",
        Targets: [{ Id: OVERDUE, Arn: arnOf("Overdue") }],
      },
    },
    OverdueScheduleMayInvoke: {
      Type: "AWS::Lambda::Permission",
      Properties: {
        FunctionName: arnOf("Overdue"),
        Action: "lambda:InvokeFunction",
        Principal: "events.amazonaws.com",
        SourceArn: arnOf("OverdueSchedule"),
      },
    },
    ...Object.fromEntries(
      plan.backups.map(({ database }) => [`${logical(database)}BackupOverdue`, overdueAlarm(plan, database, "backup")]),
    ),
    ...Object.fromEntries(
      (plan.machines ?? []).map(({ name: machine }) => [
        `${logical(machine)}MachineOverdue`,
        overdueAlarm(plan, machine, MACHINE_FUNCTION),
      ]),
    ),
  };
}

/** `by`: the function that makes it. */
const overdueAlarm = (plan: Plan, database: string, by: string): Resources[string] => ({
  Type: "AWS::CloudWatch::Alarm",
  Properties: {
    AlarmName: `understudy-${plan.name}-${database}-backup-overdue`,
    AlarmDescription: `The backup of ${database} has not begun in time, or nobody looks any more: see the functions snapshot and ${by} in ${plan.regions.recovery}, and ${OVERDUE} in ${plan.regions.primary}.`,
    Namespace: "Understudy",
    MetricName: "BackupOverdueMinutes",
    Dimensions: [
      { Name: "Plan", Value: plan.name },
      { Name: "Database", Value: database },
      { Name: "Place", Value: "near" },
    ],
    Statistic: "Maximum",
    // One look falls into each period.
    Period: 180,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: "GreaterThanOrEqualToThreshold",
    TreatMissingData: "breaching",
    AlarmActions: [ref("Topic")],
  },
});

/**
 * In the recovery region: the check has not looked for seven or eight minutes, so that people hear in time of a backup that falls due while
 * the primary region is dark. CloudWatch goes two periods further back than it is told before it takes a missing point for one (evaluation
 * range): short periods keep that short, and four looks have to be missed in a row.
 */
export const overdueSilence = (plan: Plan): Resources =>
  plan.backups.length === 0 && !hasMachines(plan)
    ? {}
    : {
        OverdueCheckSilent: {
          Type: "AWS::CloudWatch::Alarm",
          Properties: {
            AlarmName: `understudy-${plan.name}-overdue-check-silent`,
            AlarmDescription: `Nobody looks for overdue backups of ${plan.name}: see the function ${OVERDUE} in ${plan.regions.primary}.`,
            Namespace: OVERDUE_NAMESPACE,
            MetricName: OVERDUE_METRIC,
            Dimensions: [{ Name: "Plan", Value: plan.name }],
            Statistic: "SampleCount",
            Period: 60,
            EvaluationPeriods: 5,
            Threshold: 1,
            ComparisonOperator: "LessThanThreshold",
            TreatMissingData: "breaching",
            AlarmActions: [ref("Topic")],
          },
        },
      };
