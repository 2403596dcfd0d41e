// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Lambda: its operations by name, those of durable executions among them. What they do is in the files beside this one.
 */
import type { Service, World } from "../world.ts";
import { functionOperations } from "./administration.ts";
import { Environments, type LambdaOptions } from "./environments.ts";
import type { ExecutionRecord } from "./execution-record.ts";
import type { OnCheckpoint } from "./executions.ts";
import { findTarget, functionArn } from "./functions.ts";
import { wireEvent } from "./history.ts";
import { createInvoker } from "./invoke.ts";
import { paged } from "./pages.ts";
import { policyOperations } from "./permissions.ts";

export type { LambdaOptions } from "./environments.ts";
export type { ExecutionRecord, ExecutionStatus } from "./execution-record.ts";
export type { OnCheckpoint } from "./executions.ts";

/** Set by tests and the page. */
export interface LambdaFaults {
  /** Kills a durable function's process around a checkpoint. */
  onCheckpoint?: OnCheckpoint;
  /** Says of an asynchronous invocation whether it happens twice. */
  doubled?: (functionName: string) => boolean;
}

export interface Lambda extends Service {
  readonly faults: LambdaFaults;
  /** Ends every process of a function at once, as a crash does. */
  kill(functionName: string): void;
  /** The newest lines a function wrote. */
  logs(region: string, functionName: string): readonly string[];
}

export function createLambda(world: World, options: LambdaOptions): Lambda {
  const faults: LambdaFaults = {};
  const environments = options.environments ?? new Environments(world, options);
  const { invoke, executions, queue } = createInvoker(world, environments, options, faults);

  return {
    name: "lambda",
    faults,
    kill: (functionName) => environments.kill?.(functionName),
    logs: (region, functionName) => environments.linesOf(region, functionName),
    start() {
      queue.resume();
      executions.resume();
    },
    async stop() {
      executions.close();
      await environments.close();
    },
    operations: {
      Invoke: invoke,
      ...functionOperations(world),
      ...policyOperations(world),

      CheckpointDurableExecution: (input) => executions.checkpoint(input),
      GetDurableExecutionState: (input) => executions.state(input),
      GetDurableExecution: (input) =>
        executionShape(executions.find(input.DurableExecutionArn), world, input.IncludeExecutionData !== false),
      GetDurableExecutionHistory(input) {
        const { history } = executions.find(input.DurableExecutionArn);
        const { page, next } = paged(input.ReverseOrder ? history.toReversed() : history, input.Marker, input.MaxItems || 100);
        return { Events: page.map((event) => wireEvent(event, input.IncludeExecutionData !== false)), NextMarker: next };
      },
      ListDurableExecutionsByFunction(input, caller) {
        const { record } = findTarget(world, input.FunctionName, undefined, caller);
        const found = executions
          .of(caller.region, record.name)
          .filter(
            (execution) =>
              (input.Qualifier === undefined || execution.qualifier === input.Qualifier || execution.version === input.Qualifier) &&
              (input.DurableExecutionName === undefined || execution.name === input.DurableExecutionName) &&
              (!input.Statuses?.length || input.Statuses.includes(execution.status)) &&
              (!input.StartedAfter || execution.startedMs > input.StartedAfter.getTime()) &&
              (!input.StartedBefore || execution.startedMs < input.StartedBefore.getTime()),
          );
        const { page, next } = paged(input.ReverseOrder ? found.toReversed() : found, input.Marker, input.MaxItems || 100);
        return { DurableExecutions: page.map((execution) => summary(execution, world)), NextMarker: next };
      },
      StopDurableExecution: (input) => ({ StopTimestamp: executions.stop(executions.find(input.DurableExecutionArn), input.Error) }),
      SendDurableExecutionCallbackSuccess(input) {
        const text = Buffer.from(input.Result ?? "").toString("utf8");
        executions.callback(input.CallbackId, text === "" ? {} : { result: text });
        return {};
      },
      SendDurableExecutionCallbackFailure(input) {
        executions.callback(input.CallbackId, { error: input.Error ?? {} });
        return {};
      },
      SendDurableExecutionCallbackHeartbeat(input) {
        executions.callback(input.CallbackId, "heartbeat");
        return {};
      },
    },
  };
}

function summary(record: ExecutionRecord, world: World): any {
  return {
    DurableExecutionArn: record.arn,
    DurableExecutionName: record.name,
    FunctionArn: functionArn(record.region, world.account, record.functionName, record.version),
    Status: record.status,
    StartTimestamp: new Date(record.startedMs),
    EndTimestamp: record.endedMs === undefined ? undefined : new Date(record.endedMs),
  };
}

function executionShape(record: ExecutionRecord, world: World, withData: boolean): any {
  return {
    ...summary(record, world),
    Version: record.version,
    DurableConfig: { ExecutionTimeout: record.timeoutSeconds, RetentionPeriodInDays: record.retentionDays },
    ExecutionDataIncluded: withData,
    ...(withData ? { InputPayload: record.payload, Result: record.result, Error: record.error } : {}),
  };
}
