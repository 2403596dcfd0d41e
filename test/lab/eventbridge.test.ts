import * as eb from "@aws-sdk/client-eventbridge";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { describe, expect, test, vi } from "vitest";
import { createEventBridge } from "../../lab/cloud/eventbridge.ts";
import { matches, parsePattern } from "../../lab/cloud/eventbridge-pattern.ts";
import { nextCron, parseSchedule } from "../../lab/cloud/eventbridge-schedule.ts";
import { payloadFor } from "../../lab/cloud/eventbridge-targets.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { labWith } from "./on-the-wire.ts";

const event = {
  version: "0",
  id: "1",
  "detail-type": "RDS DB Instance Event",
  source: "aws.rds",
  account: "111122223333",
  time: "2026-11-21T09:00:00Z",
  region: "eu-central-1",
  resources: ["arn:aws:rds:eu-central-1:111122223333:db:shop-a"],
  detail: {
    EventID: "RDS-EVENT-0004",
    SourceIdentifier: "shop-a",
    EventCategories: ["availability", "failover"],
    lag: 12.5,
    nothing: null,
    tags: [{ key: "env", value: "prod" }],
  },
};

describe("a pattern", () => {
  const cases: [pattern: object, matches: boolean][] = [
    [{ source: ["aws.rds"] }, true],
    [{ source: ["aws.ec2", "aws.rds"], region: ["eu-west-1"] }, false],
    [{ detail: { EventCategories: ["failover"] } }, true],
    [{ detail: { lag: [12.5] } }, true],
    [{ detail: { lag: ["12.5"] } }, false],
    [{ detail: { nothing: [null] } }, true],
    [{ detail: { EventID: [{ prefix: "RDS-EVENT-" }] } }, true],
    [{ detail: { EventID: [{ suffix: "0006" }] } }, false],
    [{ resources: [{ suffix: ":shop-a" }] }, true],
    [{ detail: { SourceIdentifier: [{ "equals-ignore-case": "SHOP-A" }] } }, true],
    [{ detail: { SourceIdentifier: [{ prefix: { "equals-ignore-case": "SHOP" } }] } }, true],
    [{ detail: { SourceIdentifier: [{ "anything-but": ["shop-b", "shop-c"] }] } }, true],
    [{ detail: { SourceIdentifier: [{ "anything-but": "shop-a" }] } }, false],
    [{ detail: { SourceIdentifier: [{ "anything-but": { prefix: "shop" } }] } }, false],
    [{ detail: { SourceIdentifier: [{ wildcard: "s*p-*" }] } }, true],
    [{ detail: { SourceIdentifier: [{ wildcard: "s*x" }] } }, false],
    [{ detail: { SourceIdentifier: [{ exists: true }], absent: [{ exists: false }] } }, true],
    [{ detail: { gone: { deeper: [{ exists: false }] } } }, true],
    [{ detail: { absent: [{ exists: true }] } }, false],
    [{ detail: { lag: [{ numeric: [">", 10, "<=", 12.5] }] } }, true],
    [{ detail: { lag: [{ numeric: ["<", 10] }] } }, false],
    [{ detail: { tags: { key: ["env"], value: ["prod"] } } }, true],
    [{ $or: [{ source: ["aws.ec2"] }, { detail: { EventID: ["RDS-EVENT-0004"] } }] }, true],
    [{ source: ["aws.rds"], $or: [{ region: ["x"] }, { region: ["y"] }] }, false],
  ];
  for (const [pattern, expected] of cases) {
    test(`${JSON.stringify(pattern)} ${expected ? "matches" : "does not match"}`, () => {
      expect(matches(parsePattern(JSON.stringify(pattern)), event)).toBe(expected);
    });
  }
  for (const bad of [
    "no json",
    "[]",
    "{}",
    '{"source":"aws.rds"}',
    '{"source":[]}',
    '{"source":[{"like":"x"}]}',
    '{"source":[{"prefix":1}]}',
    '{"a":[{"numeric":[">"]}]}',
    '{"a":{}}',
  ]) {
    test(`${bad} is refused`, () => expect(() => parsePattern(bad)).toThrow(/^Event pattern is not valid. Reason: /));
  }
});

describe("a schedule", () => {
  test("a rate is in whole minutes, hours or days, and its unit agrees with its number", () => {
    expect(parseSchedule("rate(1 minute)")).toEqual({ kind: "rate", periodMs: 60_000 });
    expect(parseSchedule("rate(12 hours)")).toEqual({ kind: "rate", periodMs: 43_200_000 });
    for (const bad of [
      "rate(1 minutes)",
      "rate(5 minute)",
      "rate(0 minutes)",
      "rate(30 seconds)",
      "rate(5  minutes)",
      "every minute",
      "cron(0 12 * * *)",
      "cron(0 12 * * * *)",
      "cron(0 12 ? * ? *)",
      "cron(60 12 * * ? *)",
      "cron(0 12 L * ? *)",
      "cron(0 0/0 * * ? *)",
    ]) {
      expect(() => parseSchedule(bad), bad).toThrow(/^Parameter ScheduleExpression is not valid\./);
    }
  });
  const cases: [expression: string, after: string, next: string | undefined][] = [
    ["cron(0 12 * * ? *)", "2026-11-21T12:00:00Z", "2026-11-22T12:00:00Z"],
    ["cron(0/15 * * * ? *)", "2026-11-21T12:07:31Z", "2026-11-21T12:15:00Z"],
    ["cron(30 9 ? * MON-FRI *)", "2026-11-20T10:00:00Z", "2026-11-23T09:30:00Z"],
    ["cron(0 8 1 1,JUL ? *)", "2026-11-21T00:00:00Z", "2027-01-01T08:00:00Z"],
    ["cron(0 0 29 2 ? *)", "2026-11-21T00:00:00Z", "2028-02-29T00:00:00Z"],
    ["cron(5-7 0 * * ? *)", "2026-11-21T00:05:00Z", "2026-11-21T00:06:00Z"],
    ["cron(0 0 * * ? 2025)", "2026-11-21T00:00:00Z", undefined],
  ];
  for (const [expression, after, next] of cases) {
    test(`${expression} after ${after} fires at ${next ?? "no time"}`, () => {
      const schedule = parseSchedule(expression);
      if (schedule.kind !== "cron") throw new Error("not cron");
      const at = nextCron(schedule.fields, Date.parse(after));
      expect(at && new Date(at).toISOString().replace(".000", "")).toBe(next);
    });
  }
});

test("a target's input is the event, a constant, a part, or a filled template", () => {
  const rule = { name: "r", arn: "arn:rule" };
  const target = (more: object) => payloadFor({ Id: "1", Arn: "x", ...more }, event, rule);
  expect(JSON.parse(target({}))).toEqual(event);
  expect(target({ Input: '{"go":true}' })).toBe('{"go":true}');
  expect(target({ InputPath: "$.detail.EventCategories[1]" })).toBe('"failover"');
  const InputPathsMap = { id: "$.detail.SourceIdentifier", lag: "$.detail.lag", tags: "$.detail.tags" };
  const filled = target({
    InputTransformer: {
      InputPathsMap,
      InputTemplate: '{"what": "<id> lags <lag> s", "id": <id>, "lag": <lag>, "tags": <tags>, "rule": <aws.events.rule-arn>}',
    },
  });
  expect(JSON.parse(filled)).toEqual({ what: "shop-a lags 12.5 s", id: "shop-a", lag: 12.5, tags: event.detail.tags, rule: "arn:rule" });
});

const watch = "arn:aws:lambda:eu-central-1:111122223333:function:watch";

async function bus(failures = 0, code = "ServiceException") {
  const invoked: { FunctionName: string; InvocationType: string; Payload: Buffer; LabSource: unknown }[] = [];
  const published: { TopicArn: string; Message: string }[] = [];
  let left = failures;
  const lab = await labWith(
    (world) => [
      createEventBridge(world, { retryDelaysMs: [10, 20, 40] }),
      {
        name: "lambda",
        operations: {
          Invoke(input) {
            if (left-- > 0) throw new ServiceError(code, "not now", 500);
            invoked.push(input);
          },
        },
      },
      { name: "sns", operations: { Publish: (input) => void published.push(input) } },
    ],
    { timings: { firstTickMs: 30 } },
  );
  const client = new EventBridgeClient(lab.client());
  const rule = async (Name: string, more: object, Arn = watch) => {
    const { RuleArn } = await client.send(new eb.PutRuleCommand({ Name, ...more }));
    await client.send(new eb.PutTargetsCommand({ Rule: Name, Targets: [{ Id: "1", Arn }] }));
    return RuleArn;
  };
  const put = (...Entries: eb.PutEventsRequestEntry[]) => client.send(new eb.PutEventsCommand({ Entries }));
  const payloads = () => invoked.map((input) => JSON.parse(input.Payload.toString()));
  return { lab, client, rule, put, invoked, payloads, published };
}

test("an event reaches the functions and topics whose rules match, with the rule as its source", async () => {
  const { rule, put, invoked, payloads, published } = await bus();
  const arn = await rule("votes", { EventPattern: JSON.stringify({ source: ["understudy"], detail: { lost: [true] } }) });
  await rule("all", { EventPattern: JSON.stringify({ source: ["understudy"] }) }, "arn:aws:sns:eu-central-1:111122223333:topic");
  await rule("off", { EventPattern: JSON.stringify({ source: ["understudy"] }), State: "DISABLED" });
  const entry = {
    Source: "understudy",
    DetailType: "Vote",
    Detail: JSON.stringify({ lost: true }),
    Time: new Date("2026-11-21T09:00:00.500Z"),
    Resources: ["shop"],
  };
  const { Entries } = await put(entry);
  await vi.waitFor(() => expect([invoked.length, published.length]).toEqual([1, 1]));
  expect(invoked[0]).toMatchObject({ FunctionName: watch, InvocationType: "Event", LabSource: { service: "events.amazonaws.com", arn } });
  expect(payloads()[0]).toEqual({
    version: "0",
    id: Entries![0]!.EventId,
    "detail-type": "Vote",
    source: "understudy",
    account: "111122223333",
    time: "2026-11-21T09:00:00Z",
    region: "eu-central-1",
    resources: ["shop"],
    detail: { lost: true },
  });
  expect(JSON.parse(published[0]!.Message).source).toBe("understudy");
});

test("bad entries fail singly, the good one goes through", async () => {
  const { put, lab } = await bus();
  const good = { Source: "understudy", DetailType: "Vote", Detail: "{}" };
  const { FailedEntryCount, Entries } = await put(
    { ...good, Detail: "no json" },
    { ...good, Source: "aws.rds" },
    { Source: "understudy", Detail: "{}" },
    { ...good, Detail: JSON.stringify({ x: "x".repeat(256 * 1024) }) },
    good,
  );
  expect(FailedEntryCount).toBe(4);
  expect(Entries?.map((entry) => entry.ErrorCode)).toEqual([
    "MalformedDetail",
    "NotAuthorizedForSource",
    "InvalidArgument",
    "InvalidArgument",
    undefined,
  ]);
  expect(lab.told("Vote")).toHaveLength(1);
  await expect(put(...Array.from({ length: 11 }, () => good))).rejects.toMatchObject({ name: "ValidationException" });
});

test("a function that fails is tried again; one that is gone is not", async () => {
  const flaky = await bus(2);
  await flaky.rule("all", { EventPattern: JSON.stringify({ source: ["understudy"] }) });
  await flaky.put({ Source: "understudy", DetailType: "Vote", Detail: "{}" });
  await vi.waitFor(() => expect(flaky.invoked).toHaveLength(1));
  expect(flaky.lab.told("it tries again")).toHaveLength(2);

  const gone = await bus(1, "ResourceNotFoundException");
  await gone.rule("all", { EventPattern: JSON.stringify({ source: ["understudy"] }) });
  await gone.put({ Source: "understudy", DetailType: "Vote", Detail: "{}" });
  await vi.waitFor(() => expect(gone.lab.told("the event is dropped")).toHaveLength(1));
  expect(gone.invoked).toEqual([]);
});

test("an event handed to another region's bus keeps the region it came from", async () => {
  const { lab, rule, payloads } = await bus();
  await rule(
    "forward",
    { EventPattern: JSON.stringify({ source: ["aws.rds"] }) },
    "arn:aws:events:eu-west-1:111122223333:event-bus/default",
  );
  const there = new EventBridgeClient(lab.client("eu-west-1"));
  await there.send(new eb.PutRuleCommand({ Name: "foreign", EventPattern: JSON.stringify({ region: ["eu-central-1"] }) }));
  await there.send(new eb.PutTargetsCommand({ Rule: "foreign", Targets: [{ Id: "1", Arn: watch }] }));
  await lab.world.call("events", "LabDeliver", { event }, { region: "eu-central-1" });
  await vi.waitFor(() => expect(payloads()).toEqual([event]));
});

test("a schedule fires by itself until it is disabled", async () => {
  const { rule, client, payloads, invoked, lab } = await bus();
  const arn = await rule("each-minute", { ScheduleExpression: "rate(1 minute)" });
  await vi.waitFor(() => expect(invoked).toHaveLength(1));
  expect(payloads()[0]).toMatchObject({
    source: "aws.events",
    "detail-type": "Scheduled Event",
    detail: {},
    resources: [arn],
    region: "eu-central-1",
  });
  await client.send(new eb.DisableRuleCommand({ Name: "each-minute" }));
  expect((await client.send(new eb.DescribeRuleCommand({ Name: "each-minute" }))).State).toBe("DISABLED");
  await client.send(new eb.EnableRuleCommand({ Name: "each-minute" }));
  await vi.waitFor(() => expect(lab.told("fires on its schedule")).toHaveLength(2));
});

test("a rule is put, shown, listed and deleted as AWS does it", async () => {
  const { client, rule } = await bus();
  const refused = (message: string) => ({ name: "ValidationException", message: expect.stringContaining(message) });
  await expect(client.send(new eb.PutRuleCommand({ Name: "r", ScheduleExpression: "rate(1 minutes)" }))).rejects.toMatchObject(
    refused("Parameter ScheduleExpression is not valid."),
  );
  await expect(client.send(new eb.PutRuleCommand({ Name: "r" }))).rejects.toMatchObject(
    refused("EventPattern or ScheduleExpression must be specified"),
  );
  await expect(client.send(new eb.PutRuleCommand({ Name: "r", EventPattern: "{" }))).rejects.toMatchObject({
    name: "InvalidEventPatternException",
  });
  await rule("votes", { EventPattern: '{"source":["understudy"]}' });
  await expect(
    client.send(new eb.PutTargetsCommand({ Rule: "votes", Targets: [{ Id: "2", Arn: "arn:aws:sqs:eu-central-1:111122223333:queue" }] })),
  ).rejects.toMatchObject(refused("the lab delivers to"));
  expect((await client.send(new eb.ListRulesCommand({ NamePrefix: "vo" }))).Rules).toMatchObject([
    { Name: "votes", State: "ENABLED", EventBusName: "default" },
  ]);
  expect((await client.send(new eb.ListTargetsByRuleCommand({ Rule: "votes" }))).Targets).toEqual([{ Id: "1", Arn: watch }]);
  await expect(client.send(new eb.DeleteRuleCommand({ Name: "votes" }))).rejects.toMatchObject(refused("since it has targets"));
  expect((await client.send(new eb.RemoveTargetsCommand({ Rule: "votes", Ids: ["1", "9"] }))).FailedEntryCount).toBe(1);
  await client.send(new eb.DeleteRuleCommand({ Name: "votes" }));
  await expect(client.send(new eb.DescribeRuleCommand({ Name: "votes" }))).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  await client.send(new eb.CreateEventBusCommand({ Name: "own" }));
  expect((await client.send(new eb.ListEventBusesCommand({}))).EventBuses?.map((each) => each.Name)).toEqual(["default", "own"]);
  await expect(
    client.send(new eb.PutRuleCommand({ Name: "r", EventBusName: "own", ScheduleExpression: "rate(5 minutes)" })),
  ).rejects.toMatchObject(refused("only on the default event bus"));
  await client.send(new eb.DeleteEventBusCommand({ Name: "own" }));
  const test = new eb.TestEventPatternCommand({ EventPattern: '{"source":["aws.rds"]}', Event: JSON.stringify(event) });
  expect((await client.send(test)).Result).toBe(true);
});
