/** Part L of the AWS facts, points 9 to 13: events and alarms, Route 53, S3, Lambda and mail, CloudWatch's two languages. */
import { CloudWatchClient, DescribeAlarmHistoryCommand, PutMetricAlarmCommand, SetAlarmStateCommand } from "@aws-sdk/client-cloudwatch";
import { InvokeCommand } from "@aws-sdk/client-lambda";
import * as s3 from "@aws-sdk/client-s3";
import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createCloudWatch } from "../../lab/cloud/cloudwatch.ts";
import { createS3 } from "../../lab/cloud/s3.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import type { WireOptions } from "../../lab/wire/server.ts";
import { packageOf } from "../lab/fixtures/packages.ts";
import { type SmallLab, smallLab } from "../lab/fixtures/region.ts";
import { labWith } from "../lab/on-the-wire.ts";
import { elsewhere } from "./elsewhere.ts";

describe("L.9 events and alarms", () => {
  test("an alarm calls its function until Lambda takes the call, and once", async () => {
    let refusals = 2;
    const invoked: { FunctionName: string }[] = [];
    const lab = await labWith((world) => [
      createCloudWatch(world, { retryDelaysMs: [5, 5, 5] }),
      {
        name: "lambda",
        operations: {
          Invoke(input) {
            if (refusals-- > 0) throw new ServiceError("TooManyRequestsException", "Rate Exceeded.", 429);
            invoked.push(input);
          },
        },
      },
    ]);
    const client = new CloudWatchClient(lab.client());
    const watch = "arn:aws:lambda:eu-central-1:111122223333:function:watch";
    const rule = { Namespace: "DR", MetricName: "Lost", Statistic: "Maximum", Period: 60, EvaluationPeriods: 1, Threshold: 1 } as const;
    const ComparisonOperator = "GreaterThanOrEqualToThreshold";
    await client.send(new PutMetricAlarmCommand({ AlarmName: "lost", ...rule, ComparisonOperator, AlarmActions: [watch] }));
    await client.send(new SetAlarmStateCommand({ AlarmName: "lost", StateValue: "ALARM", StateReason: "drill" }));
    await vi.waitFor(() => expect(invoked).toMatchObject([{ FunctionName: watch }]));
    await client.send(new SetAlarmStateCommand({ AlarmName: "lost", StateValue: "ALARM", StateReason: "drill, again" }));
    // A state that stays is no transition: only the first is in the history, and nothing more is called.
    const history = await client.send(new DescribeAlarmHistoryCommand({ AlarmName: "lost", HistoryItemType: "StateUpdate" }));
    expect(history.AlarmHistoryItems).toHaveLength(1);
    expect(invoked).toHaveLength(1);
  });

  elsewhere(
    "the three shapes of an alarm",
    "lab/cloudwatch.test.ts",
    "two breaching periods raise the alarm once, in its three shapes; a good one ends it",
  );
  elsewhere("M of N, and missing data", "lab/cloudwatch.test.ts", "${m} of 3: ${text}");
  elsewhere(
    "a drill sets the state and it snaps back",
    "lab/cloudwatch.test.ts",
    "a drill sets the state, its actions run, and the next look takes it back",
  );
  elsewhere("events are lost", "lab/faults-events.test.ts", "events are lost: none of them reaches a rule, others do");
  elsewhere("events are doubled", "lab/faults-events.test.ts", "events come twice");
  elsewhere(
    "events are reordered",
    "lab/faults-events.test.ts",
    "events change places; the last one held goes on by itself, or when the fault ends",
  );
  elsewhere(
    "the odd ARNs of EBS events",
    "conformance/ec2.test.ts",
    "EBS events' ARNs carry the region in odd places: only what follows the last slash can be trusted",
  );
});

describe("L.10 Route 53", () => {
  elsewhere(
    "five requests a second, Throttling as HTTP 400",
    "lab/route53.test.ts",
    "the sixth request of a second is throttled, for all operations together, with HTTP 400",
  );
  elsewhere("a batch is atomic", "lab/route53.test.ts", "a batch holds as a whole or not at all, and says every reason");
  elsewhere("a change is PENDING first", "lab/route53.test.ts", "a record is answered once its change is INSYNC, and not before");
  const health = "conformance/route53-health-checks.test.ts";
  const changes = "conformance/route53-changes.test.ts";
  elsewhere(
    "PriorRequestNotComplete",
    changes,
    "PriorRequestNotComplete, 400: a second batch for a zone that is still being worked on; the SDK tries again",
  );
  elsewhere(
    "Disabled is healthy",
    health,
    "Disabled is healthy and sends nothing; Disabled and Inverted is unhealthy: how to force a failover",
  );
  elsewhere("Inverted", health, "Inverted turns the verdict round");
  elsewhere(
    "fail-open",
    "conformance/route53-routing.test.ts",
    "a health check on a cold standby sends clients back to the dead primary until the standby is ready",
  );
  elsewhere("CLOUDWATCH_METRIC ignores SetAlarmState", health, "CLOUDWATCH_METRIC reads the metric's data: SetAlarmState does not move it");
  elsewhere(
    "the control plane is dark",
    changes,
    "every call answers 503; DNS answers, health checks and S3 go on; failover by health check still works",
  );
});

describe("L.11 S3", () => {
  const Bucket = "understudy-locks";
  const place = { Bucket, CreateBucketConfiguration: { LocationConstraint: "eu-central-1" } } as const;

  async function bucket(before?: WireOptions["before"]) {
    const lab = await labWith((world) => [createS3(world)], before ? { wire: { before } } : {});
    const client = new S3Client({ ...lab.client(), maxAttempts: 3 });
    await client.send(new s3.CreateBucketCommand(place));
    return { lab, client };
  }

  test("the reply to a lock that was taken is lost: the SDK tries again and is told 412, and the lock holds our token", async () => {
    let lost = false;
    const { client } = await bucket((_request, { operation }) => {
      if (operation !== "PutObject" || lost) return;
      lost = true;
      return "lose reply";
    });
    const put = client.send(new s3.PutObjectCommand({ Bucket, Key: "lock", Body: "ours", IfNoneMatch: "*" }));
    const error = await put.catch((caught) => caught);
    expect(error).toMatchObject({ name: "PreconditionFailed", $metadata: { httpStatusCode: 412, attempts: 2 } });
    const { Body } = await client.send(new s3.GetObjectCommand({ Bucket, Key: "lock" }));
    expect(await Body?.transformToString()).toBe("ours");
  });

  test("a conflicting write is 409 ConditionalRequestConflict, which the SDK does not try again", async () => {
    let calls = 0;
    const { client } = await bucket((_request, { operation }) => {
      if (operation !== "PutObject") return;
      calls += 1;
      throw new ServiceError("ConditionalRequestConflict", "The conditional request cannot succeed due to a conflicting operation.", 409);
    });
    const put = client.send(new s3.PutObjectCommand({ Bucket, Key: "lock", Body: "1", IfNoneMatch: "*" }));
    await expect(put).rejects.toMatchObject({ name: "ConditionalRequestConflict", $metadata: { httpStatusCode: 409, attempts: 1 } });
    expect(calls).toBe(1);
  });

  test("HEAD of a missing key is 404 without a body: NotFound without a code; GET names NoSuchKey", async () => {
    const { lab, client } = await bucket();
    const head = await client.send(new s3.HeadObjectCommand({ Bucket, Key: "none" })).catch((caught) => caught);
    expect([head.name, head.Code, head.$metadata.httpStatusCode]).toEqual(["NotFound", undefined, 404]);
    const authorization = "AWS4-HMAC-SHA256 Credential=k/20261121/eu-central-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    const raw = await fetch(`${lab.wire.url}/${Bucket}/none`, { method: "HEAD", headers: { authorization } });
    expect([raw.status, await raw.text()]).toEqual([404, ""]);
    await expect(client.send(new s3.GetObjectCommand({ Bucket, Key: "none" }))).rejects.toMatchObject({ name: "NoSuchKey" });
  });

  elsewhere(
    "412 for the second taker",
    "lab/s3.test.ts",
    "of two who take the same lock one gets 412, and the loser finds the winner's token",
  );
  elsewhere(
    "If-Match: 412 for a stale ETag, 404 without an object",
    "lab/s3.test.ts",
    "a lock is replaced and deleted only by who knows its newest ETag",
  );
  elsewhere(
    "a delete marker is nothing there",
    "lab/s3.test.ts",
    "a versioned bucket keeps what was overwritten and deleted; a delete marker counts as nothing there",
  );
  elsewhere(
    "403 instead of 404 without s3:ListBucket",
    "lab/permissions.test.ts",
    "a missing document is called missing only to who may list the bucket",
  );
});

describe("L.12 Lambda and mail", () => {
  let lab: SmallLab;
  beforeAll(async () => {
    lab = await smallLab({ asyncRetryDelaysMs: [10, 10] });
    await lab.createRole("runs");
    const zip = await packageOf("plain.mjs", "effect");
    await lab.createFunction("effect", zip, { Timeout: 1 });
    await lab.createFunction("twice", zip, { Handler: "dist/effect/index.handler" });
  });
  afterAll(async () => {
    await lab?.close();
  });
  const event = (FunctionName: string, payload: object) =>
    lab.client.send(new InvokeCommand({ FunctionName, InvocationType: "Event", Payload: Buffer.from(JSON.stringify(payload)) }));
  const effects = (name: string, words: string) => lab.lines(name).filter((line) => line === words).length;

  test("an event may be handed over twice although all went well", async () => {
    lab.lambda.faults.doubled = (name) => name === "twice";
    await event("twice", { say: "a mail is sent" });
    await vi.waitFor(() => expect(effects("twice", "a mail is sent")).toBe(2), { timeout: 10_000 });
    lab.lambda.faults.doubled = undefined;
    await event("twice", { say: "another mail is sent" });
    await vi.waitFor(() => expect(effects("twice", "another mail is sent")).toBe(1), { timeout: 10_000 });
  });

  test("a function that is killed at its timeout has had its effect, and two retries have it again", async () => {
    await event("effect", { say: "the standby is promoted", hangMs: 60_000 });
    await lab.told(/the event for effect is given up \(RetriesExhausted\)/);
    expect(effects("effect", "the standby is promoted")).toBe(3);
  });

  test("no function may run longer than 15 minutes", async () => {
    const zip = await packageOf("plain.mjs", "long");
    await expect(lab.createFunction("long", zip, { Timeout: 901 })).rejects.toThrow(/Timeout.*900/i);
    await lab.createFunction("long", zip, { Timeout: 900 });
  });

  elsewhere(
    "two retries after an error, then the destination",
    "lab/lambda.test.ts",
    "an asynchronous invocation that keeps failing is tried three times, then its destination is told",
  );
  elsewhere("an event is dropped", "lab/faults.test.ts", "an asynchronous invocation is accepted and never runs");
  elsewhere(
    "one execution a durable name",
    "lab/durable.test.ts",
    "alarm, schedule and operator start the same move at once, and one execution happens",
  );
  elsewhere(
    "suspension at more than ten mails a second",
    "lab/sns.test.ts",
    "a storm of more than ten mails a second takes the subscription's confirmation away",
  );
  elsewhere("subjects and sizes", "lab/sns.test.ts", "what SNS refuses is refused before anything is sent");
  elsewhere("confirmation by the link", "lab/sns.test.ts", "only who confirmed gets mail, and the link in the confirmation mail confirms");
});

describe("L.13 CloudWatch", () => {
  elsewhere("JSON and forms", "lab/wire.test.ts", "CloudWatch answers JSON to new clients and forms to old ones");
});
