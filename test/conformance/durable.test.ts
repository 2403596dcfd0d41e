/**
 * AWS's own durable testing kit judges the lab's durable API: its local runner tells each story on AWS's model of the service,
 * its cloud runner tells the same story in the lab over the wire and reads the lab's history. The two histories must be equal.
 */
import {
  CloudDurableTestRunner,
  LocalDurableTestRunner,
  type TestResult,
  WaitingOperationStatus,
} from "@aws/durable-execution-sdk-js-testing";
import { GetDurableExecutionStateCommand, InvokeCommand, StopDurableExecutionCommand } from "@aws-sdk/client-lambda";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { packageOf } from "../lab/fixtures/packages.ts";
import { type SmallLab, smallLab } from "../lab/fixtures/region.ts";
import { handler as helper } from "./durable-helper.ts";
import { linesOf } from "./durable-history.ts";
import { handler, type Order, TITLES } from "./durable-story.ts";

let lab: SmallLab;

beforeAll(async () => {
  lab = await smallLab({ durableSpeed: 20 });
  await lab.createRole("runs");
  const durable = { DurableConfig: { ExecutionTimeout: 3600, RetentionPeriodInDays: 7 } };
  await lab.createFunction("story", await packageOf("../../../conformance/durable-story.ts", "story"), durable);
  await lab.createFunction("helper", await packageOf("../../../conformance/durable-helper.ts", "helper"));
});

afterAll(async () => {
  await lab?.close();
});

type Runner = LocalDurableTestRunner | CloudDurableTestRunner;

/** Tells the story, answers what it asks outsiders, and brings its end and its history into comparable words. */
async function told(runner: Runner, tell: Order["tell"]) {
  const running = runner.run({ payload: { tell } });
  if (tell === "a bare callback") {
    // Answered once the story has nothing left to do but wait, so that the order of events is one.
    await runner.getOperation("meanwhile").waitForData(WaitingOperationStatus.COMPLETED);
    await runner.getOperation("signal").sendCallbackSuccess("go on");
  }
  if (tell === "approval" || tell === "approval, refused") {
    const asked = runner.getOperation("approve");
    await asked.waitForData(WaitingOperationStatus.SUBMITTED);
    await asked.sendCallbackHeartbeat();
    if (tell === "approval") await asked.sendCallbackSuccess(JSON.stringify({ by: "ops" }));
    else await asked.sendCallbackFailure({ ErrorType: "Refused", ErrorMessage: "too much would be lost", ErrorData: "17 rows" });
  }
  return ending(await running);
}

function ending(result: TestResult) {
  const failed = result.getStatus() !== "SUCCEEDED";
  return {
    status: result.getStatus(),
    ...(failed ? { error: { ...result.getError(), stackTrace: undefined } } : { result: result.getResult() }),
    operations: result.getOperations().map((operation) => ({
      name: operation.getName(),
      type: operation.getType(),
      subType: operation.getSubType(),
      status: operation.getStatus(),
      children: operation.getChildOperations()?.map((child) => child.getName()),
    })),
    history: linesOf(result.getHistoryEvents()),
  };
}

test.for(TITLES)("%s: the same history on AWS's kit and in the lab", async (tell) => {
  await LocalDurableTestRunner.setupTestEnvironment({ skipTime: true });
  const kit = new LocalDurableTestRunner({ handlerFunction: handler });
  kit.registerFunction("helper", helper);
  const expected = await told(kit, tell).finally(() => LocalDurableTestRunner.teardownTestEnvironment());
  const cloud = new CloudDurableTestRunner({
    functionName: "story:$LATEST",
    client: lab.client,
    config: { pollInterval: 20, invocationType: "Event" },
  });
  expect(await told(cloud, tell)).toEqual(expected);
});

test("GetDurableExecutionState gives a running execution's operations for its one good token", async () => {
  const order = { FunctionName: "story:$LATEST", InvocationType: "Event", DurableExecutionName: "state" } as const;
  const { DurableExecutionArn } = await lab.client.send(new InvokeCommand({ ...order, Payload: Buffer.from('{"tell":"approval"}') }));
  await lab.told(/^state: step .* succeeded/);
  const { executions } = lab.world.save().lambda as { executions: Record<string, { token: string }> };
  // The token belongs to the function while it runs; it rests once the story waits for its callback.
  await vi.waitFor(async () => {
    const { token } = executions[DurableExecutionArn ?? ""] ?? { token: "" };
    const state = await lab.client.send(new GetDurableExecutionStateCommand({ DurableExecutionArn, CheckpointToken: token, Marker: "" }));
    expect(state.Operations?.map(({ Type, Status }) => [Type, Status])).toEqual([
      ["EXECUTION", "STARTED"],
      ["CONTEXT", "STARTED"],
      ["CALLBACK", "STARTED"],
      ["STEP", "SUCCEEDED"],
    ]);
  });
  const stale = new GetDurableExecutionStateCommand({ DurableExecutionArn, CheckpointToken: "c3RhbGU=", Marker: "" });
  await expect(lab.client.send(stale)).rejects.toMatchObject({ name: "InvalidParameterValueException" });
  await lab.client.send(new StopDurableExecutionCommand({ DurableExecutionArn }));
});
