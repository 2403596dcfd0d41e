import * as scheduler from "@aws-sdk/client-scheduler";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { describe, expect, test, vi } from "vitest";
import { createIam } from "../../lab/cloud/iam.ts";
import { createScheduler, type SchedulerOptions } from "../../lab/cloud/scheduler.ts";
import { checkTiming, nextDue, type Timing } from "../../lab/cloud/scheduler-time.ts";
import { World } from "../../lab/cloud/world.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { labWith } from "./on-the-wire.ts";

const HOME = "eu-central-1";
const drill = `arn:aws:lambda:${HOME}:111122223333:function:drill`;
const RoleArn = "arn:aws:iam::111122223333:role/timer";
const trust = (Service: string) => ({ Statement: [{ Effect: "Allow", Principal: { Service }, Action: "sts:AssumeRole" }] });
const soon = (ms: number) => `at(${new Date(Date.now() + ms).toISOString().slice(0, 19)})`;

async function clock(options: SchedulerOptions & { failures?: number; code?: string } = {}) {
  const invoked: { payload: string; FunctionName: string; InvocationType: string; principal: string; LabSource?: unknown }[] = [];
  let left = options.failures ?? 0;
  const lab = await labWith(
    (world) => [
      createScheduler(world, { retryDelaysMs: [5, 5, 5], ...options }),
      {
        name: "lambda",
        operations: {
          Invoke({ Payload, ...input }, { principal }) {
            invoked.push({ ...input, payload: Buffer.from(Payload).toString(), principal });
            if (left-- > 0) throw new ServiceError(options.code ?? "ServiceException", "not now", 500);
          },
        },
      },
    ],
    { timings: { firstTickMs: 20 } },
  );
  const client = new SchedulerClient(lab.client(HOME));
  const usual = { ScheduleExpression: "rate(1 hour)", FlexibleTimeWindow: { Mode: "OFF" as const }, Target: { Arn: drill, RoleArn } };
  const create = (Name: string, input: Partial<scheduler.CreateScheduleCommandInput> = {}) =>
    client.send(new scheduler.CreateScheduleCommand({ Name, ...usual, ...input }));
  const update = (Name: string, input: Partial<scheduler.UpdateScheduleCommandInput> = {}) =>
    client.send(new scheduler.UpdateScheduleCommand({ Name, ...usual, ...input }));
  const get = (Name: string) => client.send(new scheduler.GetScheduleCommand({ Name }));
  const fired = (count: number) => vi.waitFor(() => expect(invoked.length).toBe(count), 10_000);
  return { lab, client, invoked, create, update, get, fired, usual };
}

test("a schedule invokes its function as its role, with an event whose detail is an empty object in quotes", async () => {
  const { create, fired, invoked, get } = await clock();
  const { ScheduleArn } = await create("nightly", { Description: "the drill" });
  expect(ScheduleArn).toBe(`arn:aws:scheduler:${HOME}:111122223333:schedule/default/nightly`);
  expect(await get("nightly")).toMatchObject({
    Arn: ScheduleArn,
    GroupName: "default",
    State: "ENABLED",
    ScheduleExpression: "rate(1 hour)",
    ScheduleExpressionTimezone: "UTC",
    FlexibleTimeWindow: { Mode: "OFF" },
    ActionAfterCompletion: "NONE",
    Target: { Arn: drill, RoleArn, RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 } },
  });
  await fired(1);
  expect(invoked[0]).toMatchObject({ FunctionName: drill, InvocationType: "Event" });
  expect(invoked[0]!.principal).toMatch(/^arn:aws:sts::111122223333:assumed-role\/timer\//);
  expect(invoked[0]!.LabSource, "the function's resource policy is not asked").toBeUndefined();
  expect(JSON.parse(invoked[0]!.payload)).toMatchObject({
    "detail-type": "Scheduled Event",
    source: "aws.scheduler",
    account: "111122223333",
    region: HOME,
    resources: [ScheduleArn],
    detail: "{}",
  });
});

test("an Input is sent as it is, with the context attributes filled in", async () => {
  const { create, fired, invoked } = await clock();
  const Input =
    '{"run":"<aws.scheduler.execution-id>","of":"<aws.scheduler.schedule-arn>","try":<aws.scheduler.attempt-number>,"x":"<other>"}';
  const { ScheduleArn } = await create("drill", { Target: { Arn: drill, RoleArn, Input } });
  await fired(1);
  expect(JSON.parse(invoked[0]!.payload)).toEqual({ run: expect.stringMatching(/^[0-9a-f-]{36}$/), of: ScheduleArn, try: 1, x: "<other>" });
});

test("a one-time schedule fires once and stays, or deletes itself when told to", async () => {
  const { create, fired, get, client } = await clock();
  await create("stays", { ScheduleExpression: soon(2000) });
  await create("goes", { ScheduleExpression: soon(2000), ActionAfterCompletion: "DELETE" });
  await create("late", { ScheduleExpression: "at(2020-01-01T00:00:00)", ActionAfterCompletion: "DELETE" });
  await fired(2);
  await expect(get("goes")).rejects.toMatchObject({ name: "ResourceNotFoundException", $metadata: { httpStatusCode: 404 } });
  const { Schedules } = await client.send(new scheduler.ListSchedulesCommand({}));
  expect(Schedules!.map((each) => each.Name)).toEqual(["late", "stays"]);
});

test("a disabled schedule does not fire, an update replaces everything and may enable it", async () => {
  const { create, update, fired, get, invoked } = await clock();
  await create("drill", { State: "DISABLED", Description: "old", ScheduleExpression: "rate(1 minutes)" });
  const before = await get("drill");
  expect(before.State).toBe("DISABLED");
  await update("drill", { ScheduleExpressionTimezone: "Europe/Berlin" });
  await fired(1);
  expect(invoked.length, "nothing fired while it was disabled").toBe(1);
  const after = await get("drill");
  expect([after.State, after.ScheduleExpressionTimezone, after.Description]).toEqual(["ENABLED", "Europe/Berlin", undefined]);
  expect(after.CreationDate).toEqual(before.CreationDate);
});

test("the same client token makes nothing new; another request with it, or the same name without it, is a conflict", async () => {
  const { create } = await clock();
  const first = await create("drill", { ClientToken: "t" });
  expect((await create("drill", { ClientToken: "t" })).ScheduleArn).toBe(first.ScheduleArn);
  const conflict = { name: "ConflictException", $metadata: { httpStatusCode: 409 } };
  await expect(create("drill", { ClientToken: "t", Description: "other" })).rejects.toMatchObject(conflict);
  await expect(create("drill")).rejects.toMatchObject({ ...conflict, message: "Schedule drill already exists." });
});

test("one schedule too many is HTTP 402", async () => {
  const { create } = await clock({ quota: 1 });
  await create("a");
  await expect(create("b")).rejects.toMatchObject({ name: "ServiceQuotaExceededException", $metadata: { httpStatusCode: 402 } });
});

test("a target that fails is tried again as often as its retry policy says, and told when it is given up", async () => {
  const { lab, create, fired } = await clock({ failures: 9 });
  await create("drill", { Target: { Arn: drill, RoleArn, RetryPolicy: { MaximumRetryAttempts: 2 } } });
  await fired(3);
  await vi.waitFor(() => expect(lab.told("the invocation is dropped").length).toBe(1), 10_000);
  expect(lab.told("it tries again").length).toBe(2);
});

test("a role that the service may not assume is refused, and so is what cannot be invoked", async () => {
  const lab = await labWith((world) => [createIam(world), createScheduler(world)]);
  const put = (RoleName: string, Service: string) =>
    lab.world.call("iam", "CreateRole", { RoleName, AssumeRolePolicyDocument: JSON.stringify(trust(Service)) }, { region: HOME });
  await put("timer", "scheduler.amazonaws.com");
  await put("other", "lambda.amazonaws.com");
  const client = new SchedulerClient(lab.client(HOME));
  const create = (Target: scheduler.Target, more: Partial<scheduler.CreateScheduleCommandInput> = {}) =>
    client.send(
      new scheduler.CreateScheduleCommand({
        Name: "x",
        ScheduleExpression: "rate(1 hour)",
        FlexibleTimeWindow: { Mode: "OFF" },
        Target,
        ...more,
      }),
    );
  const refused = (promise: Promise<unknown>, part: string) =>
    expect(promise).rejects.toMatchObject({ name: "ValidationException", message: expect.stringContaining(part) });
  await refused(
    create({ Arn: drill, RoleArn: RoleArn.replace("timer", "other") }),
    "must allow AWS EventBridge Scheduler to assume the role",
  );
  await refused(create({ Arn: "arn:aws:sqs:eu-central-1:111122223333:q", RoleArn }), "Provided Arn is not in correct format");
  await refused(create({ Arn: drill.replace(HOME, "eu-west-1"), RoleArn }), "its own region");
  await refused(create({ Arn: drill, RoleArn }, { ScheduleExpression: "every day" }), "Invalid Schedule Expression every day.");
  await refused(
    create({ Arn: drill, RoleArn }, { ScheduleExpressionTimezone: "Mars/Base" }),
    "Invalid Schedule Expression Timezone Mars/Base",
  );
  await refused(create({ Arn: drill, RoleArn }, { FlexibleTimeWindow: { Mode: "FLEXIBLE" } }), "FlexibleTimeWindow");
  await refused(create({ Arn: drill, RoleArn }, { EndDate: new Date(0) }), "EndDate");
  await refused(create({ Arn: drill, RoleArn, RetryPolicy: { MaximumRetryAttempts: 186 } }), "MaximumRetryAttempts");
  await refused(create({ Arn: drill, RoleArn, RetryPolicy: { MaximumEventAgeInSeconds: 59 } }), "MaximumEventAgeInSeconds");
  await create({ Arn: drill, RoleArn });
});

test("schedules are listed by group, prefix and state, in pages; a group takes its schedules along", async () => {
  const { client, create } = await clock();
  await client.send(new scheduler.CreateScheduleGroupCommand({ Name: "drills" }));
  await create("a-1", { GroupName: "drills", State: "DISABLED" });
  for (const name of ["a-2", "b-1"]) await create(name, { State: "DISABLED" });
  const names = async (input: scheduler.ListSchedulesCommandInput) =>
    (await client.send(new scheduler.ListSchedulesCommand(input))).Schedules!.map((each) => each.Name);
  expect(await names({ NamePrefix: "a" })).toEqual(["a-2", "a-1"]);
  expect(await names({ GroupName: "drills" })).toEqual(["a-1"]);
  expect(await names({ State: "ENABLED" })).toEqual([]);
  const seen: unknown[] = [];
  for await (const page of scheduler.paginateListSchedules({ client, pageSize: 2 }, {})) seen.push(page.Schedules!.length);
  expect(seen).toEqual([2, 1]);
  await expect(create("c", { GroupName: "none" })).rejects.toMatchObject({ name: "ResourceNotFoundException" });
  await client.send(new scheduler.DeleteScheduleGroupCommand({ Name: "drills" }));
  expect(await names({})).toEqual(["a-2", "b-1"]);
  await client.send(new scheduler.DeleteScheduleCommand({ Name: "b-1" }));
  expect(await names({})).toEqual(["a-2"]);
  const { ScheduleGroups } = await client.send(new scheduler.ListScheduleGroupsCommand({}));
  expect(ScheduleGroups!.map((each) => each.Name)).toEqual(["default"]);
});

test("a one-time schedule whose time passed while the lab was off fires when it is opened again", async () => {
  const before = new World({ dir: "/nonexistent" });
  before.register(createScheduler(before));
  const input = { Name: "once", ScheduleExpression: soon(2000), FlexibleTimeWindow: { Mode: "OFF" }, Target: { Arn: drill, RoleArn } };
  await before.call("scheduler", "CreateSchedule", input, { region: HOME });
  await before.close();
  const state = JSON.parse(JSON.stringify(before.save()));
  let invoked = 0;
  await labWith((world) => [createScheduler(world), { name: "lambda", operations: { Invoke: () => void invoked++ } }], { state });
  await vi.waitFor(() => expect(invoked).toBe(1), 10_000);
});

describe("when a schedule is due", () => {
  const due = (timing: Partial<Timing> & { expression: string }, after: string) => {
    const at = nextDue({ zone: "UTC", createdAt: 0, ...timing }, Date.parse(after), 0);
    return at && new Date(at).toISOString().replace(".000", "");
  };
  const berlin = (expression: string) => ({ expression, zone: "Europe/Berlin" });
  const cases: [what: string, timing: Partial<Timing> & { expression: string }, after: string, next: string | undefined][] = [
    ["noon in Berlin in winter", berlin("cron(0 12 * * ? *)"), "2026-11-21T00:00:00Z", "2026-11-21T11:00:00Z"],
    ["noon in Berlin in summer", berlin("cron(0 12 * * ? *)"), "2026-07-01T00:00:00Z", "2026-07-01T10:00:00Z"],
    ["a day that begins before UTC's", berlin("cron(30 0 * * ? *)"), "2026-11-20T23:00:00Z", "2026-11-20T23:30:00Z"],
    ["a time the clock jumps over is left out", berlin("cron(30 2 * * ? *)"), "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z"],
    ["a time shown twice fires the first time", berlin("cron(30 2 * * ? *)"), "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"],
    ["and not the second", berlin("cron(30 2 * * ? *)"), "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
    ["nor between the two", berlin("cron(30 2 * * ? *)"), "2026-10-25T01:10:00Z", "2026-10-26T01:30:00Z"],
    [
      "once, in a zone",
      { expression: "at(2026-12-24T18:00:00)", zone: "America/New_York" },
      "2026-11-21T00:00:00Z",
      "2026-12-24T23:00:00Z",
    ],
    ["once, in the past", { expression: "at(2026-01-01T00:00:00)" }, "2026-11-21T00:00:00Z", undefined],
    [
      "a rate keeps the phase of its start",
      { expression: "rate(6 hours)", startAt: Date.UTC(2026, 0, 1, 1) },
      "2026-01-02T12:00:00Z",
      "2026-01-02T13:00:00Z",
    ],
    [
      "a rate begins at its start",
      { expression: "rate(6 hours)", startAt: Date.UTC(2027, 0, 1) },
      "2026-01-02T12:00:00Z",
      "2027-01-01T00:00:00Z",
    ],
    [
      "nothing before the start",
      { expression: "cron(0 0 * * ? *)", startAt: Date.UTC(2027, 0, 5) },
      "2026-01-02T12:00:00Z",
      "2027-01-05T00:00:00Z",
    ],
    ["nothing after the end", { expression: "cron(0 0 * * ? *)", endAt: Date.UTC(2026, 0, 2) }, "2026-01-02T12:00:00Z", undefined],
    ["half an hour off", { expression: "cron(0 9 * * ? *)", zone: "Asia/Kolkata" }, "2026-11-21T00:00:00Z", "2026-11-21T03:30:00Z"],
  ];
  for (const [what, timing, after, next] of cases) test(what, () => expect(due(timing, after)).toBe(next));

  test("what is no expression is refused", () => {
    for (const expression of ["at(tomorrow)", "at(2026-13-01T00:00:00)", "rate(5 seconds)", "cron(0 0 * * *)", ""])
      expect(() => checkTiming({ expression, zone: "UTC" }), expression).toThrow(`Invalid Schedule Expression ${expression}.`);
  });
});
