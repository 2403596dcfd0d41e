import { randomUUID } from "node:crypto";
import {
  CheckpointDurableExecutionCommand,
  GetDurableExecutionCommand,
  GetDurableExecutionHistoryCommand,
  InvokeCommand,
  ListDurableExecutionsByFunctionCommand,
  SendDurableExecutionCallbackFailureCommand,
  SendDurableExecutionCallbackHeartbeatCommand,
  SendDurableExecutionCallbackSuccessCommand,
  StopDurableExecutionCommand,
} from "@aws-sdk/client-lambda";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { packageOf } from "./fixtures/packages.ts";
import { ACCOUNT, REGION, type SmallLab, smallLab } from "./fixtures/region.ts";

let lab: SmallLab;
const DURABLE = { DurableConfig: { ExecutionTimeout: 3600, RetentionPeriodInDays: 7 } };

beforeAll(async () => {
  lab = await smallLab({ durableSpeed: 20 });
  await deploy(lab);
});

afterEach(() => {
  lab.lambda.faults.onCheckpoint = undefined;
});

afterAll(async () => {
  await lab?.close();
});

async function deploy(target: SmallLab): Promise<void> {
  await target.createRole("runs");
  const zip = await packageOf("story.ts", "story");
  const Handler = "dist/story/index.handler";
  await target.createFunction("story", zip, { ...DURABLE, Handler });
  await target.createFunction("brief", zip, { DurableConfig: { ExecutionTimeout: 1, RetentionPeriodInDays: 1 }, Handler });
  await target.createFunction("plain", await packageOf("plain.mjs", "plain"));
  await target.createFunction("unwrapped", await packageOf("plain.mjs", "unwrapped"), DURABLE);
}

async function start(story: object, name?: string, kind: "Event" | "RequestResponse" = "RequestResponse", FunctionName = "story:$LATEST") {
  const answer = await lab.client.send(
    new InvokeCommand({
      FunctionName,
      InvocationType: kind,
      Payload: Buffer.from(JSON.stringify(story)),
      ...(name ? { DurableExecutionName: name } : {}),
    }),
  );
  const text = Buffer.from(answer.Payload ?? "").toString("utf8");
  return { ...answer, body: text ? JSON.parse(text) : undefined };
}

const get = (DurableExecutionArn: string | undefined) => lab.client.send(new GetDurableExecutionCommand({ DurableExecutionArn }));
const ended = (arn: string | undefined, status: string) =>
  expect.poll(async () => (await get(arn)).Status, { timeout: 15_000 }).toBe(status);
const effects = (name: string, since = 0) =>
  lab
    .lines("story")
    .slice(since)
    .filter((line) => line === `effect ${name}`).length;

async function callbackIdOf(name: string): Promise<string> {
  const line = await lab.told(new RegExp(`^${name}: callback approval create callback id|^${name}: callback .* started`));
  return line.detail?.callbackId as string;
}

test("a story with every kind of step runs from checkpoint to checkpoint, each effect once", async () => {
  const since = lab.lines("story").length;
  const { body, FunctionError, DurableExecutionArn } = await start({ wait: 2, failTwice: true, ask: "plain" }, "move-shop-g1-a1");
  expect(FunctionError).toBeUndefined();
  expect(body).toMatchObject({ seen: "observe", tries: 3, polled: 3, copies: [2, 4, 6], asked: { event: { from: "story" } } });
  expect(DurableExecutionArn).toMatch(
    new RegExp(`^arn:aws:lambda:${REGION}:${ACCOUNT}:function:story:\\$LATEST/durable-execution/move-shop-g1-a1/[0-9a-f-]+$`),
  );
  expect(effects("observe", since)).toBe(1);
  expect(
    lab
      .lines("story")
      .slice(since)
      .filter((line) => line.startsWith("effect promote")),
  ).toEqual(["effect promote 1", "effect promote 2", "effect promote 3"]);
  const told = lab.world.story.filter(({ kind }) => kind === "durable").map(({ what }) => what);
  expect(told).toContain("move-shop-g1-a1: step observe succeeded");
  expect(told).toContain("move-shop-g1-a1: step promote failed (Throttling), try 2 follows");
  expect(told).toContain("move-shop-g1-a1: wait ttl started");

  const { Events = [] } = await lab.client.send(new GetDurableExecutionHistoryCommand({ DurableExecutionArn, MaxItems: 1000 }));
  expect(Events[0]).toMatchObject({ EventType: "ExecutionStarted", EventId: 1 });
  expect(Events.at(-1)).toMatchObject({ EventType: "ExecutionSucceeded" });
  expect(Events.find(({ EventType }) => EventType === "StepFailed")).toMatchObject({
    Name: "promote",
    StepFailedDetails: { RetryDetails: { CurrentAttempt: 1 } },
  });
  expect(Events.find(({ EventType }) => EventType === "WaitStarted")?.WaitStartedDetails?.ScheduledEndTimestamp).toBeInstanceOf(Date);
  const page = await lab.client.send(new GetDurableExecutionHistoryCommand({ DurableExecutionArn, MaxItems: 3, ReverseOrder: true }));
  expect(page.Events?.length).toBe(3);
  expect(page.NextMarker).toBeTruthy();
});

test("a durable function is invoked by a qualified name only", async () => {
  await expect(start({}, "unqualified", "Event", "story")).rejects.toMatchObject({
    name: "InvalidParameterValueException",
    message: expect.stringContaining("unqualified"),
  });
  await expect(start({}, "named", "Event", "plain")).rejects.toMatchObject({ name: "InvalidParameterValueException" });
});

test("alarm, schedule and operator start the same move at once, and one execution happens", async () => {
  const since = lab.lines("story").length;
  const three = await Promise.all([1, 2, 3].map(() => start({ wait: 1, who: "shop" }, "move-shop-g2-a1", "Event")));
  expect(new Set(three.map(({ DurableExecutionArn }) => DurableExecutionArn)).size).toBe(1);
  expect(three[0]?.StatusCode).toBe(202);
  await expect(start({ wait: 1, who: "other" }, "move-shop-g2-a1", "Event")).rejects.toMatchObject({
    name: "DurableExecutionAlreadyStartedException",
  });
  await ended(three[0]?.DurableExecutionArn, "SUCCEEDED");
  const late = await start({ wait: 1, who: "shop" }, "move-shop-g2-a1");
  expect(late.DurableExecutionArn).toBe(three[0]?.DurableExecutionArn);
  expect(late.body).toMatchObject({ seen: "observe" });
  expect(effects("observe", since)).toBe(1);
  const { DurableExecutions = [] } = await lab.client.send(
    new ListDurableExecutionsByFunctionCommand({ FunctionName: "story", DurableExecutionName: "move-shop-g2-a1" }),
  );
  expect(DurableExecutions).toMatchObject([{ Status: "SUCCEEDED", DurableExecutionName: "move-shop-g2-a1" }]);
});

test.each(["before", "after"] as const)("the process dies %s a step's checkpoint is applied, and the move goes on", async (when) => {
  const since = lab.lines("story").length;
  let kills = 0;
  lab.lambda.faults.onCheckpoint = ({ updates, applied }) => {
    const hit = applied === when && kills === 0 && updates.some(({ Name, Action }) => Name === "observe" && Action === "SUCCEED");
    if (hit) kills += 1;
    return hit ? "kill" : undefined;
  };
  const { body } = await start({}, `killed-${when}`);
  expect(kills).toBe(1);
  expect(body).toMatchObject({ seen: "observe", copies: [2, 4, 6] });
  // A step whose success was not written down runs again; one that was written down never does.
  expect(effects("observe", since)).toBe(when === "before" ? 2 : 1);
  expect(lab.world.story.some(({ what }) => what.startsWith(`killed-${when}: the invocation crashed`))).toBe(true);
});

test("the process dies at every checkpoint in turn, and each execution still ends with the same result", async () => {
  for (let at = 1; at <= 6; at++) {
    let seen = 0;
    lab.lambda.faults.onCheckpoint = ({ applied }) => (applied === (at % 2 ? "before" : "after") && ++seen === at ? "kill" : undefined);
    const { body } = await start({ failTwice: true }, `every-${at}`);
    expect(body, `killed at checkpoint ${at}`).toMatchObject({ seen: "observe", tries: 3, polled: 3, copies: [2, 4, 6] });
  }
}, 60_000);

test("an approval waits until a person answers, and a second answer is too late", async () => {
  const { DurableExecutionArn } = await start({ approve: true }, "approved", "Event");
  const CallbackId = await callbackIdOf("approved");
  await lab.client.send(new SendDurableExecutionCallbackHeartbeatCommand({ CallbackId }));
  await lab.client.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId, Result: Buffer.from(JSON.stringify({ by: "ops" })) }));
  await ended(DurableExecutionArn, "SUCCEEDED");
  expect(JSON.parse((await get(DurableExecutionArn)).Result ?? "")).toMatchObject({ approval: JSON.stringify({ by: "ops" }) });
  await expect(lab.client.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId }))).rejects.toMatchObject({
    name: "CallbackTimeoutException",
  });
  await expect(lab.client.send(new SendDurableExecutionCallbackSuccessCommand({ CallbackId: "bm9ib2R5" }))).rejects.toMatchObject({
    name: "ResourceNotFoundException",
  });
});

test("a refused approval and one nobody answers both fail the story", async () => {
  const refused = await start({ approve: true }, "refused", "Event");
  const CallbackId = await callbackIdOf("refused");
  await lab.client.send(
    new SendDurableExecutionCallbackFailureCommand({ CallbackId, Error: { ErrorType: "Refused", ErrorMessage: "too much would be lost" } }),
  );
  await ended(refused.DurableExecutionArn, "FAILED");
  expect((await get(refused.DurableExecutionArn)).Error?.ErrorMessage).toContain("too much would be lost");
  const silent = await start({ approve: true, timeout: 2 }, "silent");
  expect(silent).toMatchObject({ FunctionError: "Unhandled", body: { errorMessage: expect.stringMatching(/timed out/i) } });
});

test("an execution that is stopped or out of time takes no more checkpoints", async () => {
  const stopped = await start({ approve: true }, "stopped", "Event");
  await callbackIdOf("stopped");
  const { StopTimestamp } = await lab.client.send(
    new StopDurableExecutionCommand({ DurableExecutionArn: stopped.DurableExecutionArn, Error: { ErrorMessage: "by hand" } }),
  );
  expect(StopTimestamp).toBeInstanceOf(Date);
  expect(await get(stopped.DurableExecutionArn)).toMatchObject({ Status: "STOPPED", Error: { ErrorMessage: "by hand" } });
  const late = await start({ approve: true }, "late", "Event", "brief:$LATEST");
  await ended(late.DurableExecutionArn, "TIMED_OUT");
  for (const { DurableExecutionArn } of [stopped, late]) {
    const checkpoint = new CheckpointDurableExecutionCommand({ DurableExecutionArn, CheckpointToken: "c3RhbGU=", Updates: [] });
    await expect(lab.client.send(checkpoint)).rejects.toMatchObject({
      name: "InvalidParameterValueException",
      message: expect.stringMatching(/^Invalid Checkpoint Token/),
    });
  }
});

test("a token is good once, and a repeated request gets the first answer again", async () => {
  const { DurableExecutionArn } = await start({ approve: true }, "tokens", "Event");
  await callbackIdOf("tokens");
  // The token belongs to the function while it runs: this test takes it once the function waits for the callback.
  const history = () => lab.client.send(new GetDurableExecutionHistoryCommand({ DurableExecutionArn, MaxItems: 1, ReverseOrder: true }));
  await expect.poll(async () => (await history()).Events?.[0]?.EventType).toBe("InvocationCompleted");
  const record = (lab.world.save().lambda as { executions: Record<string, { token: string }> }).executions[DurableExecutionArn ?? ""];
  const request = { DurableExecutionArn, CheckpointToken: record?.token, ClientToken: randomUUID(), Updates: [] };
  const first = await lab.client.send(new CheckpointDurableExecutionCommand(request));
  const again = await lab.client.send(new CheckpointDurableExecutionCommand(request));
  expect(again.CheckpointToken).toBe(first.CheckpointToken);
  await expect(lab.client.send(new CheckpointDurableExecutionCommand({ ...request, ClientToken: randomUUID() }))).rejects.toMatchObject({
    name: "InvalidParameterValueException",
  });
  const nonsense = { Id: "w", Type: "WAIT" as const, Action: "SUCCEED" as const };
  await expect(
    lab.client.send(
      new CheckpointDurableExecutionCommand({
        ...request,
        ClientToken: randomUUID(),
        CheckpointToken: first.CheckpointToken,
        Updates: [nonsense],
      }),
    ),
  ).rejects.toThrow("Invalid WAIT action SUCCEED");
  await lab.client.send(new StopDurableExecutionCommand({ DurableExecutionArn }));
});

test("a function that dies in every invocation fails in the end instead of being invoked for ever", async () => {
  const { body, FunctionError } = await start({ crash: true }, "doomed");
  expect(FunctionError).toBe("Unhandled");
  expect(body).toMatchObject({ errorType: "Runtime.ExitError" });
}, 60_000);

test("a handler that is no durable function is told so", async () => {
  const { body } = await start({}, "unwrapped", "RequestResponse", "unwrapped:$LATEST");
  expect(body.errorMessage).toContain("is the handler wrapped as a durable function?");
});

test("a lab that is restarted in the middle of a move finishes it", async () => {
  const first = await smallLab();
  await deploy(first);
  const { DurableExecutionArn } = await first.client.send(
    new InvokeCommand({
      FunctionName: "story:$LATEST",
      InvocationType: "Event",
      DurableExecutionName: "survivor",
      Payload: Buffer.from(JSON.stringify({ wait: 2 })),
    }),
  );
  await first.told(/^survivor: wait ttl started/);
  await first.close(true);
  const second = await smallLab({ dir: first.world.dir, state: JSON.parse(JSON.stringify(first.world.save())) });
  try {
    await second.told(/^survivor: succeeded/);
    const execution = await second.client.send(new GetDurableExecutionCommand({ DurableExecutionArn }));
    expect(JSON.parse(execution.Result ?? "")).toMatchObject({ seen: "observe", copies: [2, 4, 6] });
    expect(second.lines("story").filter((line) => line === "effect observe")).toEqual([]);
  } finally {
    await second.close();
  }
});
