/**
 * The slow ways to wake the watcher, should the quick one be lost: one alarm a database on the probe's metric. And the alarm on the
 * silence of either probe, and on mails that do not go out, which need none of our code to reach people.
 */
import type { Plan } from "../core/plan/schema.ts";
import { arnOf, type Json, logical, type Resources, ref, sub } from "./cloudformation.ts";
import { overdueSilence } from "./overdue.ts";

export function alarms(plan: Plan): Resources {
  const resources: Resources = {
    ...overdueSilence(plan),
    NewsLost: unheard(
      `understudy-${plan.name}-news-lost`,
      "Understudy had news and the event bus did not take it: look at the logs of its functions (news not told), and at status.",
      { Namespace: "Understudy", MetricName: "NewsNotTold", Dimensions: [{ Name: "Plan", Value: plan.name }] },
      10,
    ),
    MailsFailing: unheard(
      `understudy-${plan.name}-mails-failing`,
      "Understudy's function that mails fails: what it was told to mail may not arrive. Look at its log, and at status.",
      {
        Namespace: "AWS/Lambda",
        MetricName: "Errors",
        Dimensions: [{ Name: "FunctionName", Value: `understudy-${plan.name}-notify` }],
      },
    ),
  };
  for (const database of Object.keys(plan.databases)) {
    const Dimensions = [
      { Name: "Plan", Value: plan.name },
      { Name: "Database", Value: database },
      { Name: "Place", Value: "far" },
    ];
    const metric = { Namespace: "Understudy", MetricName: "PrimaryLost", Dimensions };
    const lost = `${logical(database)}PrimaryLost`;
    resources[lost] = {
      Type: "AWS::CloudWatch::Alarm",
      DependsOn: ["WatchLambdaFunction"],
      Properties: {
        AlarmName: `understudy-${plan.name}-${database}-primary-lost`,
        AlarmDescription: `The probe has lost the primary of ${database}. Understudy looks by itself; its mail says what it did.`,
        ...metric,
        Statistic: "Minimum",
        Period: 10,
        EvaluationPeriods: 2,
        Threshold: 1,
        ComparisonOperator: "GreaterThanOrEqualToThreshold",
        TreatMissingData: "missing",
        AlarmActions: [arnOf("WatchLambdaFunction")],
      },
    };
    resources[`${lost}MayWakeWatch`] = {
      Type: "AWS::Lambda::Permission",
      Properties: {
        FunctionName: arnOf("WatchLambdaFunction"),
        Action: "lambda:InvokeFunction",
        Principal: "lambda.alarms.cloudwatch.amazonaws.com",
        SourceAccount: sub("${AWS::AccountId}"),
        SourceArn: arnOf(lost),
      },
    };
    resources[`${logical(database)}ProbeSilent`] = silent(
      `understudy-${plan.name}-${database}-probe-silent`,
      `The probe of ${database} says nothing. Nobody watches this database now: look at the probe's log.`,
      metric,
    );
    // The near probe's own metrics stay in its region; the watcher says in this one when it has heard its vote.
    if (plan.network.primary)
      resources[`${logical(database)}NearProbeSilent`] = silent(
        `understudy-${plan.name}-${database}-near-probe-silent`,
        `The probe of ${database} in the primary's network says nothing, or the watcher does not run: look at the logs of both.`,
        { ...metric, MetricName: "NearVoteHeard", Dimensions: [...Dimensions.slice(0, 2), { Name: "Place", Value: "near" }] },
      );
  }
  return resources;
}

/** Once is enough; nothing said is good. */
const unheard = (AlarmName: string, AlarmDescription: string, metric: Record<string, Json>, Period = 60): Resources[string] => ({
  Type: "AWS::CloudWatch::Alarm",
  Properties: {
    AlarmName,
    AlarmDescription,
    ...metric,
    Statistic: "Sum",
    Period,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: "GreaterThanOrEqualToThreshold",
    TreatMissingData: "notBreaching",
    AlarmActions: [ref("Topic")],
  },
});

const silent = (AlarmName: string, AlarmDescription: string, metric: Record<string, Json>): Resources[string] => ({
  Type: "AWS::CloudWatch::Alarm",
  Properties: {
    AlarmName,
    AlarmDescription,
    ...metric,
    Statistic: "SampleCount",
    Period: 60,
    EvaluationPeriods: 5,
    Threshold: 1,
    ComparisonOperator: "LessThanThreshold",
    TreatMissingData: "breaching",
    AlarmActions: [ref("Topic")],
  },
});
