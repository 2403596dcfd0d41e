/** Calls a user's own function and brings back what it said. Whether that is a yes is not judged here. */
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { perRegion } from "./clients.ts";

/** Not tried again by itself: nobody knows whether it runs already. */
const ANSWER_MS = 62_000;
const lambda = perRegion(
  (region) =>
    new LambdaClient({
      region,
      maxAttempts: 1,
      requestHandler: { connectionTimeout: 1_500, requestTimeout: ANSWER_MS, throwOnRequestTimeout: true },
    }),
);

export interface HookAnswer {
  /** The function ended with an error. */
  readonly failed: boolean;
  /** JSON, or the error, as text. */
  readonly text: string;
}

const LONGEST = 2000;

export async function callHook(functionArn: string, payload: unknown): Promise<HookAnswer> {
  const { Payload, FunctionError } = await lambda(functionArn.split(":")[3] ?? "").send(
    new InvokeCommand({ FunctionName: functionArn, Payload: Buffer.from(JSON.stringify(payload)) }),
  );
  return {
    failed: FunctionError !== undefined,
    text: Buffer.from(Payload ?? [])
      .toString("utf8")
      .slice(0, LONGEST),
  };
}
