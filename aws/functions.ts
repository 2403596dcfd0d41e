/** Invoking Lambda functions, and durable executions by name. */
import { InvokeCommand, LambdaClient, ListDurableExecutionsByFunctionCommand } from "@aws-sdk/client-lambda";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";
import { isCode } from "./errors.ts";

const lambda = perRegion((region) => new LambdaClient({ region, ...CLIENT_SETTINGS }));

/** As long as the function may run, and some air. Not tried again by itself: nobody knows whether it runs already. */
const ANSWER_MS = 62_000;
const patient = perRegion(
  (region) =>
    new LambdaClient({
      region,
      maxAttempts: 1,
      requestHandler: { connectionTimeout: 1_500, requestTimeout: ANSWER_MS, throwOnRequestTimeout: true },
    }),
);

/** Invokes and waits for the answer. What the function throws is thrown here, in its own words. */
export async function invokeAndWait(region: string, functionName: string, payload: unknown): Promise<unknown> {
  const { Payload, FunctionError } = await patient(region).send(
    new InvokeCommand({ FunctionName: functionName, Payload: Buffer.from(JSON.stringify(payload)) }),
  );
  const text = Buffer.from(Payload ?? []).toString("utf8");
  if (FunctionError) throw new Error(`${functionName} failed: ${text.slice(0, 300)}`);
  return JSON.parse(text);
}

/** The alias the deployment keeps on the newest version of a durable function: an execution stays on the version it began with. */
const DURABLE_ALIAS = "durable";

/** Hands the payload over and returns at once; Lambda retries a failed run twice. */
export async function invokeAsync(region: string, functionName: string, payload: unknown): Promise<void> {
  await lambda(region).send(
    new InvokeCommand({ FunctionName: functionName, InvocationType: "Event", Payload: Buffer.from(JSON.stringify(payload)) }),
  );
}

/**
 * Starts a durable execution under a name, once: the same name and payload again joins the one there is.
 * "taken": the name belongs to an execution with another payload. A durable function is invoked by a qualified name.
 */
export async function startExecution(region: string, functionName: string, name: string, payload: unknown): Promise<"started" | "taken"> {
  try {
    await lambda(region).send(
      new InvokeCommand({
        FunctionName: functionName,
        Qualifier: DURABLE_ALIAS,
        InvocationType: "Event",
        DurableExecutionName: name,
        Payload: Buffer.from(JSON.stringify(payload)),
      }),
    );
    return "started";
  } catch (error) {
    if (isCode(error, "DurableExecutionAlreadyStarted")) return "taken";
    throw error;
  }
}

/** RUNNING, SUCCEEDED, FAILED, TIMED_OUT or STOPPED; null when there never was an execution of that name. */
export async function executionStatus(region: string, functionName: string, name: string): Promise<string | null> {
  const { DurableExecutions } = await lambda(region).send(
    new ListDurableExecutionsByFunctionCommand({ FunctionName: functionName, Qualifier: DURABLE_ALIAS, DurableExecutionName: name }),
  );
  return DurableExecutions?.find((execution) => execution.DurableExecutionName === name)?.Status ?? null;
}
