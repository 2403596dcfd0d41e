// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * What Lambda's operations need: functions by the ARN they are called by, alias and all; durable executions by their own.
 */
import { functionArn, parseName } from "../cloud/lambda/functions.ts";
import type { At, Need, Needs } from "./need.ts";
import { passing } from "./needs-fleets.ts";

function called(input: any, at: At): string {
  const { name, qualifier } = parseName(input.FunctionName, input.Qualifier, {
    region: at.region,
    account: at.account,
    principal: "",
    requestId: "",
  });
  return functionArn(at.region, at.account, name, qualifier);
}

const need = (action: string, resource: string): Need => ({ action: `lambda:${action}`, resource });

const onFunction =
  (action: string): Needs =>
  (input, at) => [need(action, called(input, at))];

const onExecution =
  (action: string): Needs =>
  (input) => [need(action, input.DurableExecutionArn)];

/** A callback's id names its execution. */
const onCallback =
  (action: string): Needs =>
  (input) => {
    const [execution] = JSON.parse(Buffer.from(input.CallbackId, "base64").toString("utf8"));
    return [need(action, execution)];
  };

const each = (make: (action: string) => Needs, ...actions: string[]): Record<string, Needs> =>
  Object.fromEntries(actions.map((action) => [action, make(action)]));

export const lambda: Record<string, Needs> = {
  Invoke: onFunction("InvokeFunction"),
  ...each(
    onFunction,
    "ListDurableExecutionsByFunction",
    "GetFunction",
    "GetFunctionConfiguration",
    "GetPolicy",
    "AddPermission",
    "RemovePermission",
    "PublishVersion",
    "ListVersionsByFunction",
    "GetFunctionEventInvokeConfig",
    "PutFunctionEventInvokeConfig",
    "PutFunctionConcurrency",
    "DeleteFunctionConcurrency",
  ),
  CreateFunction: (input, at) => [need("CreateFunction", called(input, at)), ...passing(input.Role, "lambda.amazonaws.com")],
  /** Of the function, not of the alias. */
  ...each((action) => (input, at) => [need(action, called({ FunctionName: input.FunctionName }, at))], "CreateAlias", "GetAlias"),
  ListFunctions: () => [need("ListFunctions", "*")],
  ...each(
    onExecution,
    "CheckpointDurableExecution",
    "GetDurableExecutionState",
    "GetDurableExecution",
    "GetDurableExecutionHistory",
    "StopDurableExecution",
  ),
  ...each(
    onCallback,
    "SendDurableExecutionCallbackSuccess",
    "SendDurableExecutionCallbackFailure",
    "SendDurableExecutionCallbackHeartbeat",
  ),
};
