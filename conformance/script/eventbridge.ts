/** EventBridge: buses, rules, targets, events. */
import type { Json } from "../json.ts";
import type { Story } from "../story.ts";

const pattern = (value: Json): string => JSON.stringify(value);
const RDS_EVENTS = pattern({ source: ["aws.rds"], detail: { EventID: ["RDS-EVENT-0004", { prefix: "RDS-EVENT-0006" }] } });
const event = (EventID: string): string =>
  JSON.stringify({
    id: "1",
    account: "111122223333",
    source: "aws.rds",
    time: "2026-01-01T00:00:00Z",
    region: "eu-west-1",
    resources: [],
    "detail-type": "RDS DB Instance Event",
    detail: { EventID },
  });

const rules: Story = {
  title: "rules that wake the watcher",
  service: "events",
  region: "eu-west-1",
  calls: [
    ["ListEventBuses"],
    ["DescribeEventBus"],
    ["CreateEventBus", { Name: "drills" }],
    ["CreateEventBus", { Name: "drills" }],
    ["ListEventBuses", { NamePrefix: "dr" }],
    ["PutRule", { Name: "watch-rds", EventPattern: RDS_EVENTS, Description: "wakes the watcher" }],
    ["PutRule", { Name: "watch-minute", ScheduleExpression: "rate(1 minute)", State: "DISABLED" }],
    ["PutRule", { Name: "watch-drills", EventBusName: "drills", EventPattern: pattern({ source: ["shop.drill"] }) }],
    ["DescribeRule", { Name: "watch-rds" }],
    ["DescribeRule", { Name: "watch-minute" }],
    ["DescribeRule", { Name: "watch-drills", EventBusName: "drills" }],
    ["DescribeRule", { Name: "nobody" }],
    ["ListRules", { NamePrefix: "watch-" }],
    ["ListRules", { EventBusName: "drills" }],
    ["ListRules", { NamePrefix: "watch-", Limit: 1 }, { keep: { page: "NextToken" } }],
    ["ListRules", { NamePrefix: "watch-", Limit: 1, NextToken: "${page}" }],
    ["DisableRule", { Name: "watch-rds" }],
    ["DescribeRule", { Name: "watch-rds" }],
    ["EnableRule", { Name: "watch-rds" }],
    ["DisableRule", { Name: "nobody" }],

    [
      "PutTargets",
      {
        Rule: "watch-rds",
        Targets: [
          { Id: "watch", Arn: "arn:aws:lambda:eu-west-1:${account}:function:watch" },
          { Id: "news", Arn: "arn:aws:sns:eu-west-1:${account}:news", InputPath: "$.detail" },
        ],
      },
    ],
    ["PutTargets", { Rule: "nobody", Targets: [{ Id: "watch", Arn: "arn:aws:lambda:eu-west-1:${account}:function:watch" }] }],
    ["PutTargets", { Rule: "watch-rds", Targets: [{ Id: "odd", Arn: "not an arn" }] }, { as: "a target that is no ARN" }],
    ["ListTargetsByRule", { Rule: "watch-rds" }],
    ["ListTargetsByRule", { Rule: "nobody" }],
    ["ListRuleNamesByTarget", { TargetArn: "arn:aws:lambda:eu-west-1:${account}:function:watch" }],
    ["DeleteRule", { Name: "watch-rds" }],
    ["RemoveTargets", { Rule: "watch-rds", Ids: ["watch", "news"] }],
    ["RemoveTargets", { Rule: "nobody", Ids: ["watch"] }],
    ["DeleteRule", { Name: "watch-rds" }],
    ["DeleteRule", { Name: "watch-rds" }, { as: "a rule deleted twice" }],

    ["PutEvents", { Entries: [{ Source: "shop.drill", DetailType: "Drill", Detail: '{"n":1}' }] }],
    [
      "PutEvents",
      {
        Entries: [
          { Source: "shop.drill", DetailType: "Drill", Detail: "not json" },
          { Source: "shop.drill", DetailType: "Drill" },
          { DetailType: "Drill", Detail: "{}" },
          { Source: "shop.drill", DetailType: "Drill", Detail: "{}" },
        ],
      },
      { as: "events good and bad" },
    ],
    ["PutEvents", { Entries: [{ Source: "aws.rds", DetailType: "Drill", Detail: "{}" }] }, { as: "an event in AWS's name" }],
    [
      "PutEvents",
      { Entries: Array.from({ length: 11 }, () => ({ Source: "shop.drill", DetailType: "Drill", Detail: "{}" })) },
      { as: "eleven events" },
    ],
    ["TestEventPattern", { EventPattern: RDS_EVENTS, Event: event("RDS-EVENT-0006") }],
    ["TestEventPattern", { EventPattern: RDS_EVENTS, Event: event("RDS-EVENT-0001") }],
    ["TestEventPattern", { EventPattern: RDS_EVENTS, Event: "{}" }, { as: "a pattern tested on no event" }],
    ["DeleteRule", { Name: "watch-drills", EventBusName: "drills" }],
    ["DeleteEventBus", { Name: "drills" }],
    ["DeleteEventBus", { Name: "drills" }],
    ["DeleteEventBus", { Name: "default" }],
    ["DeleteRule", { Name: "watch-minute" }],

    // What one of the two takes comes last, so that it is in nobody's way.
    ["CreateEventBus", { Name: "more-drills" }],
    ["PutRule", { Name: "nothing" }, { as: "a rule without pattern and schedule" }],
    ["PutRule", { Name: "no spaces", EventPattern: RDS_EVENTS }, { as: "a rule's name with spaces" }],
    ["PutRule", { Name: "broken", EventPattern: "{not json" }],
    ["PutRule", { Name: "broken", EventPattern: pattern({ source: "aws.rds" }) }, { as: "a pattern whose value is no list" }],
    ["PutRule", { Name: "broken", ScheduleExpression: "rate(1 minutes)" }, { as: "a rate in the wrong number" }],
    ["PutRule", { Name: "broken", ScheduleExpression: "every minute" }, { as: "a schedule in plain words" }],
    [
      "PutRule",
      { Name: "broken", EventBusName: "more-drills", ScheduleExpression: "rate(5 minutes)" },
      { as: "a schedule on a custom bus" },
    ],
    ["PutRule", { Name: "broken", EventBusName: "nobody", EventPattern: RDS_EVENTS }],
  ],
};

export const EVENTBRIDGE: readonly Story[] = [rules];
