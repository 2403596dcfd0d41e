import { createSocket } from "node:dgram";
import type { AddressInfo } from "node:net";
import {
  AddPermissionCommand,
  GetFunctionCommand,
  GetPolicyCommand,
  InvokeCommand,
  type InvokeCommandInput,
  ListFunctionsCommand,
  PublishVersionCommand,
} from "@aws-sdk/client-lambda";
import { decode, encode } from "dns-packet";
import { afterAll, beforeAll, expect, test } from "vitest";
import { packageOf } from "./fixtures/packages.ts";
import { ACCOUNT, REGION, type SmallLab, smallLab } from "./fixtures/region.ts";

let lab: SmallLab;
const published: { TopicArn: string; Message: string }[] = [];
const seenLines: string[] = [];
const dns = createSocket("udp4");
const topic = `arn:aws:sns:${REGION}:${ACCOUNT}:failed`;
const rule = `arn:aws:events:${REGION}:${ACCOUNT}:rule/each-minute`;

beforeAll(async () => {
  dns.on("message", (message, peer) => {
    const { id, questions } = decode(message);
    const answers =
      questions?.[0]?.name === "db.shop.test" && questions[0].type === "A"
        ? [{ type: "A" as const, name: "db.shop.test", ttl: 5, data: "127.9.8.7" }]
        : [];
    dns.send(
      encode({
        type: "response",
        ...(id === undefined ? {} : { id }),
        flags: answers.length > 0 ? 0 : 3,
        ...(questions ? { questions } : {}),
        answers,
      }),
      peer.port,
      peer.address,
    );
  });
  await new Promise<void>((resolve) => dns.bind(0, "127.0.0.1", resolve));
  lab = await smallLab({
    dns: () => `127.0.0.1:${(dns.address() as AddressInfo).port}`,
    asyncRetryDelaysMs: [10, 10],
    onLogLine: (_region, line) => seenLines.push(line),
    services: (world) =>
      world.register({
        name: "sns",
        operations: {
          Publish(input) {
            published.push(input);
            return {};
          },
        },
      }),
  });
  await lab.createRole("runs");
  const zip = await packageOf("plain.mjs", "plain");
  await lab.createFunction("plain", zip, { Environment: { Variables: { PLAN: "shop" } } });
  await lab.createFunction("short", zip, { Handler: "dist/plain/index.handler", Timeout: 1 });
  await lab.createFunction("broken", zip, { Handler: "dist/plain/missing.handler" });
});

afterAll(async () => {
  await lab?.close();
  dns.close();
});

async function invoke(input: Partial<InvokeCommandInput> & { event?: unknown }) {
  const { event, ...rest } = input;
  const answer = await lab.client.send(
    new InvokeCommand({ FunctionName: "plain", Payload: Buffer.from(JSON.stringify(event ?? {})), ...rest }),
  );
  const text = Buffer.from(answer.Payload ?? "").toString("utf8");
  return { ...answer, body: text ? JSON.parse(text) : undefined };
}

test("a function runs in a process of its own that sees Lambda's environment and nothing of the lab's", async () => {
  process.env.LAB_SECRET_OF_THE_TEST = "leak";
  const { body, ExecutedVersion } = await invoke({ event: { environment: true } });
  expect(ExecutedVersion).toBe("$LATEST");
  expect(body).toMatchObject({
    PLAN: "shop",
    AWS_REGION: REGION,
    AWS_LAMBDA_FUNCTION_NAME: "plain",
    TZ: ":UTC",
    _HANDLER: "dist/plain/index.handler",
  });
  expect(body.AWS_ENDPOINT_URL).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(body.LAB_SECRET_OF_THE_TEST).toBeUndefined();
  expect(body.HOME).toBeUndefined();
  const known = lab.world.services.get("iam") as unknown as { principalFor(key: string): string };
  expect(known.principalFor(body.AWS_ACCESS_KEY_ID)).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/runs/plain`);
  expect(known.principalFor("AKIANOBODY")).toBe(`arn:aws:iam::${ACCOUNT}:root`);
});

test("a warm process is used again, and two invocations at once get two processes", async () => {
  const one = await invoke({ event: { n: 1 } });
  const two = await invoke({ event: { n: 2 } });
  expect(two.body.pid).toBe(one.body.pid);
  expect(two.body.calls).toBe(one.body.calls + 1);
  expect(two.body.context).toMatchObject({
    functionName: "plain",
    functionVersion: "$LATEST",
    memoryLimitInMB: "128",
    hasTime: true,
    invokedFunctionArn: `arn:aws:lambda:${REGION}:${ACCOUNT}:function:plain`,
  });
  const both = await Promise.all([invoke({ event: { hangMs: 100 } }), invoke({ event: { hangMs: 100 } })]);
  expect(new Set(both.map(({ body }) => body.pid)).size).toBe(2);
});

test("names, partial ARNs, ARNs and qualifiers all reach the function; another region's does not", async () => {
  await lab.client.send(new PublishVersionCommand({ FunctionName: "plain" }));
  for (const FunctionName of ["plain:1", `${ACCOUNT}:function:plain:1`, `arn:aws:lambda:${REGION}:${ACCOUNT}:function:plain:1`]) {
    expect((await invoke({ FunctionName })).ExecutedVersion).toBe("1");
  }
  expect((await invoke({ Qualifier: "$LATEST" })).ExecutedVersion).toBe("$LATEST");
  await expect(invoke({ FunctionName: `arn:aws:lambda:us-east-1:${ACCOUNT}:function:plain` })).rejects.toMatchObject({
    name: "ResourceNotFoundException",
  });
  await expect(invoke({ FunctionName: "plain", Qualifier: "9" })).rejects.toMatchObject({ name: "ResourceNotFoundException" });
});

test("an error in the handler is a FunctionError with its type, message and stack, and the process lives on", async () => {
  const before = await invoke({});
  const failed = await invoke({ event: { fail: "no primary" } });
  expect(failed).toMatchObject({
    StatusCode: 200,
    FunctionError: "Unhandled",
    body: { errorType: "RangeError", errorMessage: "no primary" },
  });
  expect(failed.body.stackTrace[0]).toContain("dist/plain/index.mjs");
  expect((await invoke({})).body.pid).toBe(before.body.pid);
});

test("a process that exits is Runtime.ExitError, and the next invocation gets a new one", async () => {
  const before = await invoke({});
  const failed = await invoke({ event: { exit: 3 } });
  expect(failed.body).toMatchObject({ errorType: "Runtime.ExitError" });
  expect(failed.body.errorMessage).toContain("Runtime exited with error: exit status 3");
  expect((await invoke({})).body.pid).not.toBe(before.body.pid);
});

test("a function that overruns its timeout is killed and says so", async () => {
  const failed = await invoke({ FunctionName: "short", event: { hangMs: 60_000 } });
  expect(failed.FunctionError).toBe("Unhandled");
  expect(failed.body.errorMessage).toMatch(/Task timed out after 1\.00 seconds$/);
});

test("a handler that is not in the package is told at once", async () => {
  const failed = await invoke({ FunctionName: "broken" });
  expect(failed).toMatchObject({ FunctionError: "Unhandled", body: { errorType: "Runtime.ImportModuleError" } });
});

test("what a function prints reaches the story, the listener and the log tail", async () => {
  const { LogResult } = await invoke({ event: { say: "votes turned" }, LogType: "Tail" });
  expect(Buffer.from(LogResult ?? "", "base64").toString("utf8")).toMatch(/^START RequestId: .*\nvotes turned\nEND RequestId: /);
  expect(seenLines).toContain("votes turned");
  expect(lab.lines("plain")).toContain("votes turned");
  expect(lab.world.story.some(({ kind, what }) => kind === "log" && what === "plain: votes turned")).toBe(true);
});

test("names of the lab's zones resolve inside a function, unknown ones fail as getaddrinfo does", async () => {
  expect((await invoke({ event: { resolve: "db.shop.test" } })).body).toBe("127.9.8.7");
  expect((await invoke({ event: { resolve: "nobody.shop.test" } })).body).toMatchObject({
    errorMessage: "getaddrinfo ENOTFOUND nobody.shop.test",
  });
  expect((await invoke({ event: { resolve: "127.0.0.1" } })).body).toBe("127.0.0.1");
});

test("reserved concurrency 0 throttles with its reason", async () => {
  await lab.world.call("lambda", "PutFunctionConcurrency", { FunctionName: "short", ReservedConcurrentExecutions: 0 }, { region: REGION });
  await expect(invoke({ FunctionName: "short" })).rejects.toMatchObject({
    name: "TooManyRequestsException",
    Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
  });
  const { Concurrency } = await lab.client.send(new GetFunctionCommand({ FunctionName: "short" }));
  expect(Concurrency?.ReservedConcurrentExecutions).toBe(0);
});

test("an asynchronous invocation that keeps failing is tried three times, then its destination is told", async () => {
  const config = { FunctionName: "plain", DestinationConfig: { OnFailure: { Destination: topic } } };
  await lab.world.call("lambda", "PutFunctionEventInvokeConfig", config, { region: REGION });
  const before = lab.lines("plain").filter((line) => line === "third time unlucky").length;
  expect(await invoke({ InvocationType: "Event", event: { say: "third time unlucky", fail: "always" } })).toMatchObject({
    StatusCode: 202,
  });
  await lab.told(/the event for plain is given up \(RetriesExhausted\)/);
  expect(lab.lines("plain").filter((line) => line === "third time unlucky").length - before).toBe(3);
  await expect.poll(() => published.length).toBe(1);
  expect(published[0]?.TopicArn).toBe(topic);
  expect(JSON.parse(published[0]?.Message ?? "{}")).toMatchObject({
    requestContext: { condition: "RetriesExhausted", approximateInvokeCount: 3 },
    requestPayload: { fail: "always" },
    responsePayload: { errorMessage: "always" },
  });
});

test("a rule may invoke only what the function's policy lets it", async () => {
  const asRule = (arn: string) =>
    lab.world.call(
      "lambda",
      "Invoke",
      { FunctionName: "plain", LabSource: { service: "events.amazonaws.com", arn } },
      { region: REGION, principal: "events.amazonaws.com" },
    );
  await expect(asRule(rule)).rejects.toMatchObject({ code: "AccessDeniedException" });
  const permission = {
    FunctionName: "plain",
    StatementId: "rules",
    Action: "lambda:InvokeFunction",
    Principal: "events.amazonaws.com",
    SourceArn: `arn:aws:events:${REGION}:${ACCOUNT}:rule/each-*`,
  };
  await lab.client.send(new AddPermissionCommand(permission));
  expect((await asRule(rule)).StatusCode).toBe(200);
  await expect(asRule(`arn:aws:events:${REGION}:${ACCOUNT}:rule/other`)).rejects.toMatchObject({ code: "AccessDeniedException" });
  await expect(lab.client.send(new AddPermissionCommand(permission))).rejects.toMatchObject({ name: "ResourceConflictException" });
  expect((await lab.client.send(new GetPolicyCommand({ FunctionName: "plain" }))).Policy).toContain("rule/each-*");
});

test("payloads that are no JSON or too large are refused before anything runs", async () => {
  await expect(lab.client.send(new InvokeCommand({ FunctionName: "plain", Payload: Buffer.from("{no") }))).rejects.toMatchObject({
    name: "InvalidRequestContentException",
  });
  const large = Buffer.from(JSON.stringify("x".repeat(1024 * 1024)));
  await expect(
    lab.client.send(new InvokeCommand({ FunctionName: "plain", InvocationType: "Event", Payload: large })),
  ).rejects.toMatchObject({ name: "RequestTooLargeException" });
});

test("functions are listed page by page, region by region", async () => {
  const first = await lab.client.send(new ListFunctionsCommand({ MaxItems: 2 }));
  const second = await lab.client.send(new ListFunctionsCommand({ MaxItems: 2, Marker: first.NextMarker }));
  expect([...(first.Functions ?? []), ...(second.Functions ?? [])].map(({ FunctionName }) => FunctionName)).toEqual([
    "plain",
    "short",
    "broken",
  ]);
  expect(second.NextMarker).toBeUndefined();
  expect((await lab.world.call("lambda", "ListFunctions", {}, { region: "us-east-1" })).Functions).toEqual([]);
});
