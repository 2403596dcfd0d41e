import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readNews } from "../../events/news.ts";
import { readOperatorOrder } from "../../events/operator.ts";
import { readBackupOrder, readMoveOrder } from "../../events/orders.ts";
import { EventRefused, type Reading } from "../../events/refused.ts";
import { readWake } from "../../events/wake.ts";

const reading: Reading = { account: "111122223333", nowMs: Date.parse("2026-11-21T09:00:00Z") };
const time = "2026-11-21T08:59:30Z";
const envelope = (change: object) => ({
  version: "0",
  id: "1",
  account: reading.account,
  region: "eu-west-1",
  time,
  resources: [],
  detail: {},
  ...change,
});

/** The refusal's name and sentence, or "handled as …". */
function outcome(read: (event: unknown, reading: Reading) => unknown, event: unknown): string {
  try {
    return `handled as ${(read(event, reading) as { kind?: string }).kind ?? "order"}`;
  } catch (error) {
    if (!(error instanceof EventRefused)) throw error;
    expect(error.hint, "every refusal says what to do").not.toBe("");
    return `${error.name}: ${error.message}`;
  }
}

test("an alarm wakes the watcher in all three shapes", () => {
  const state = { value: "ALARM", reason: "", timestamp: time };
  const direct = {
    source: "aws.cloudwatch",
    alarmArn: "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:lost",
    accountId: reading.account,
    time,
    region: "eu-west-1",
    alarmData: { alarmName: "lost", state, previousState: { value: "OK" } },
  };
  const bus = envelope({ source: "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", detail: { alarmName: "lost", state } });
  const message = JSON.stringify({
    AlarmName: "lost",
    AWSAccountId: reading.account,
    NewStateValue: "ALARM",
    StateChangeTime: "2026-11-21T08:59:30.123+0000",
  });
  const sns = { Records: [{ EventSource: "aws:sns", Sns: { Message: message } }] };
  for (const event of [direct, bus, sns]) expect(readWake(event, reading)).toEqual({ kind: "alarm", alarm: "lost", state: "ALARM" });
});

test("a schedule, an RDS event, the probe and a person wake it too", () => {
  expect(readWake(envelope({ source: "aws.events", "detail-type": "Scheduled Event" }), reading)).toEqual({ kind: "schedule" });
  const rds = envelope({
    source: "aws.rds",
    "detail-type": "RDS DB Instance Event",
    detail: { SourceIdentifier: "shop-a", EventID: "RDS-EVENT-0004", Message: "DB instance shutdown" },
  });
  expect(readWake(rds, reading)).toEqual({
    kind: "rds",
    eventId: "RDS-EVENT-0004",
    subject: "shop-a",
    message: "DB instance shutdown",
    atMs: expect.any(Number),
  });
  expect(readWake({ source: "understudy.probe", database: "shop" }, reading)).toEqual({ kind: "probe", database: "shop" });
  expect(readWake({ source: "understudy.probe", database: "shop", firstMiss: true }, reading)).toEqual({
    kind: "first-miss",
    database: "shop",
  });
  expect(readWake({}, reading)).toEqual({ kind: "operator", database: null });
  expect(readWake({ database: "shop" }, reading)).toEqual({ kind: "operator", database: "shop" });
});

test("an alarm a day old is refused: the world has moved on", () => {
  const late = envelope({ source: "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", time: "2026-11-20T09:00:00Z" });
  expect(outcome(readWake, late)).toBe(
    'StaleEvent: "CloudWatch Alarm State Change" of aws.cloudwatch is 24 hours old, 15 minutes are the limit.',
  );
});

test("an event of another account is refused", () => {
  const foreign = envelope({ source: "aws.rds", "detail-type": "RDS DB Instance Event", account: "999999999999" });
  expect(outcome(readWake, foreign)).toBe(
    'ForeignAccount: "RDS DB Instance Event" of aws.rds comes from account 999999999999, expected 111122223333.',
  );
});

test.each([[null], ["a string"], [42], [[]], [{ databse: "shop" }], [{ Records: [] }]])(
  "an event that is not ours is refused by shape: %j",
  (event) => {
    expect(outcome(readWake, event)).toMatch(/^UnknownEvent: This event is not one Understudy knows/);
  },
);

test("an order with a wrong field names the field", () => {
  expect(outcome(readMoveOrder, { kind: "failover", database: "shop", generation: 0, attempt: 1 })).toBe(
    'MalformedEvent: This is no order (an object with kind, database, generation, attempt): look at "generation".',
  );
  expect(outcome(readBackupOrder, { database: "shop", slot: "today" })).toMatch(/^MalformedEvent: .*look at "slot"/);
});

test.each([
  [null, '"verb" is missing, expected one of failover, switchover'],
  [{ verb: "explode" }, '"verb" is "explode", expected one of failover'],
  [{ verb: "failover", id: "k3v9x2m4p7q1", database: "shop", reason: "why not" }, 'look at "generation": expected a whole number'],
  [{ verb: "failover", id: "k3v9x2m4p7q1", database: "shop", generation: 1, reason: "a\nb" }, 'look at "reason": expected a reason'],
  [
    { verb: "switchover", id: "k3v9x2m4p7q1", database: "shop", generation: 1, reason: "tonight", notBefore: "tonight" },
    'look at "notBefore": expected a time in UTC, like "2026-11-22T02:00:00Z"',
  ],
  [{ verb: "approve", id: "k3v9x2m4p7q1", request: "../../x" }, 'look at "request": expected the name of a request'],
  [
    { verb: "pause", id: "k3v9x2m4p7q1", database: "shop", minutes: 10_081, reason: "long" },
    'look at "minutes": expected a whole number of minutes from 1 to 10080',
  ],
  [{ verb: "resume", id: "../../record", database: "shop" }, 'look at "id": expected 12 to 32'],
  [{ verb: "resume", id: "k3v9x2m4p7q1", database: "shop", force: true }, 'look at "force": resume has no such field'],
  [
    { verb: "resume", id: "k3v9x2m4p7q1", database: "shop", proof: { credential: "a/b", date: "", signature: "" } },
    'look at "proof.credential": expected the scope of a signature',
  ],
])("a person's order with a mistake is refused with the field and what was expected: %j", (event, words) => {
  expect(outcome(readOperatorOrder, event)).toContain(words);
});

test("a person's order may leave out what has a default", () => {
  expect(readOperatorOrder({ verb: "failover", id: "k3v9x2m4p7q1", database: "shop", generation: 1, reason: "the disk is dying" })).toEqual(
    {
      verb: "failover",
      id: "k3v9x2m4p7q1",
      database: "shop",
      generation: 1,
      reason: "the disk is dying",
      target: null,
      notBefore: null,
      overrides: [],
      proof: null,
    },
  );
});

test("news that somebody else put on the bus sends no mail", () => {
  expect(outcome(readNews, envelope({ source: "billing", "detail-type": "Move Succeeded" }))).toMatch(/^UnknownEvent: /);
  expect(
    outcome(readNews, envelope({ source: "understudy", "detail-type": "Move Succeeded", detail: { kind: "Move Succeeded" } })),
  ).toMatch(/^MalformedEvent: .*lacks "id"/);
});

const FIXTURES = join(import.meta.dirname, "..", "..", "..", "shared", "fixtures", "events");

describe.skipIf(!existsSync(FIXTURES))("real payloads, as AWS prints them", () => {
  const expected: Record<string, string> = {
    "autoscaling-event-launch-successful.json": 'UnknownEvent: "EC2 Instance Launch Successful" of aws.autoscaling',
    "autoscaling-event-terminate-unsuccessful.json": 'UnknownEvent: "EC2 Instance Terminate Unsuccessful" of aws.autoscaling',
    "cloudwatch-alarm-sns-payload-single-metric.json": "handled as alarm",
    "event-instance-state.json": 'UnknownEvent: "EC2 Instance State-change Notification" of aws.ec2',
    "event-scheduled.json": "handled as schedule",
    "s3-event.json": "UnknownEvent: This event is not one Understudy knows: a record of aws:s3",
    "secretsmanager-secret-rotation-event.json": "UnknownEvent: This event is not one Understudy knows: an object with Step, SecretId",
    "sns-event.json": 'MalformedEvent: An SNS message is not JSON, so it is no alarm: "Hello from SNS!"',
  };
  const files = existsSync(FIXTURES) ? readdirSync(FIXTURES).sort() : [];

  test.each(files)("%s is handled, or refused by name", (file) => {
    // The samples carry other accounts and times long past; the reader is put beside them.
    const event = JSON.parse(readFileSync(join(FIXTURES, file), "utf8"));
    const message = /"AWSAccountId/.test(JSON.stringify(event)) ? JSON.parse(event.Records[0].Sns.Message) : null;
    const there: Reading = {
      account: event.account ?? message?.AWSAccountId ?? reading.account,
      nowMs: Date.parse(event.time ?? message?.StateChangeTime ?? time),
    };
    expect(Object.keys(expected), "a new sample needs an expectation").toContain(file);
    expect(outcome((it) => readWake(it, there), event)).toContain(expected[file]);
    // As it comes, from its own account and time, nothing of it is acted on.
    expect(outcome(readWake, event)).toMatch(/^(UnknownEvent|MalformedEvent|ForeignAccount|StaleEvent): /);
  });
});
