// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The functions a region holds: their versions, aliases and settings, and the names they go by. Runs nothing.
 */
import { ServiceError } from "../../wire/errors.ts";
import type { Caller, World } from "../world.ts";
import type { ExecutionRecord } from "./execution-record.ts";
import type { Statement } from "./policy.ts";
import type { QueuedEvent } from "./queue.ts";

export interface FunctionVersion {
  readonly version: string;
  readonly runtime: string;
  readonly handler: string;
  readonly role: string;
  readonly description: string;
  readonly timeoutSeconds: number;
  readonly memorySizeMb: number;
  readonly environment: Record<string, string>;
  readonly architectures: string[];
  /** base64, as Lambda shows it. */
  readonly codeSha256: string;
  readonly codeSizeBytes: number;
  /** Folder of the unzipped package, relative to the world's folder. */
  readonly codeFolder: string;
  readonly durable?: { readonly ExecutionTimeout: number; readonly RetentionPeriodInDays: number };
  /** Shown as given, without effect in the lab. */
  readonly shown: Record<string, unknown>;
  readonly lastModified: string;
}

export interface EventInvokeConfig {
  MaximumRetryAttempts?: number;
  MaximumEventAgeInSeconds?: number;
  DestinationConfig?: { OnSuccess?: { Destination?: string }; OnFailure?: { Destination?: string } };
  lastModifiedMs: number;
}

export interface FunctionRecord {
  readonly name: string;
  readonly region: string;
  /** By version: "$LATEST", "1", "2". */
  readonly versions: Record<string, FunctionVersion>;
  readonly aliases: Record<string, { version: string; description: string }>;
  /** Resource policies by qualifier; "" is the unqualified function's. */
  readonly policies: Record<string, Statement[]>;
  readonly eventInvoke: Record<string, EventInvokeConfig>;
  reservedConcurrency?: number;
}

export interface LambdaState {
  /** By `region/name`. */
  functions: Record<string, FunctionRecord>;
  /** By ARN. */
  executions: Record<string, ExecutionRecord>;
  queue: Record<string, QueuedEvent>;
}

export function stateOf(world: World): LambdaState {
  return world.state<LambdaState>("lambda", () => ({ functions: {}, executions: {}, queue: {} }));
}

export interface FunctionName {
  readonly name: string;
  readonly qualifier: string | undefined;
}

/** Reads a name, a partial ARN (account:function:name) or a full ARN, each with or without :qualifier. */
export function parseName(given: string | undefined, qualifier: string | undefined, caller: Caller): FunctionName {
  const found =
    /^(?:(?:arn:aws[a-z-]*:lambda:([a-z0-9-]+):)?(\d{12}):(?:function:)?)?([a-zA-Z0-9-_]{1,140})(?::(\$LATEST|[a-zA-Z0-9-_]+))?$/.exec(
      given ?? "",
    );
  if (!found)
    throw new ServiceError(
      "InvalidParameterValueException",
      `FunctionName '${given ?? ""}' is not valid: expected a name, account:function:name or a function ARN.`,
    );
  const [, region, account, name = "", inName] = found;
  if (region && region !== caller.region) {
    throw new ServiceError("ResourceNotFoundException", `Functions from '${region}' are not reachable in this region ('${caller.region}')`);
  }
  if (account && account !== caller.account)
    throw new ServiceError("AccessDeniedException", `Account ${account} has no functions here.`, 403);
  if (inName && qualifier && inName !== qualifier) {
    throw new ServiceError(
      "InvalidParameterValueException",
      "The derived qualifier from the function name does not match the specified qualifier.",
    );
  }
  return { name, qualifier: inName ?? qualifier };
}

export function functionArn(region: string, account: string, name: string, qualifier?: string): string {
  return `arn:aws:lambda:${region}:${account}:function:${name}${qualifier ? `:${qualifier}` : ""}`;
}

export interface Target {
  readonly record: FunctionRecord;
  readonly version: FunctionVersion;
  readonly qualifier: string | undefined;
  readonly arn: string;
}

/** The function and version a name means. Throws ResourceNotFoundException for either. */
export function findTarget(world: World, given: string | undefined, qualifier: string | undefined, caller: Caller): Target {
  const name = parseName(given, qualifier, caller);
  const record = stateOf(world).functions[`${caller.region}/${name.name}`];
  const arn = functionArn(caller.region, caller.account, name.name, name.qualifier);
  if (!record) throw new ServiceError("ResourceNotFoundException", `Function not found: ${arn}`);
  const number = name.qualifier === undefined ? "$LATEST" : (record.aliases[name.qualifier]?.version ?? name.qualifier);
  const version = record.versions[number];
  if (!version) throw new ServiceError("ResourceNotFoundException", `Function not found: ${arn}`);
  return { record, version, qualifier: name.qualifier, arn };
}

/** FunctionConfiguration as GetFunctionConfiguration shows it. */
export function configurationOf(target: { record: FunctionRecord; version: FunctionVersion; arn: string }): any {
  const { record, version, arn } = target;
  return {
    FunctionName: record.name,
    FunctionArn: arn,
    Runtime: version.runtime,
    Role: version.role,
    Handler: version.handler,
    CodeSize: version.codeSizeBytes,
    CodeSha256: version.codeSha256,
    Description: version.description,
    Timeout: version.timeoutSeconds,
    MemorySize: version.memorySizeMb,
    LastModified: version.lastModified,
    Version: version.version,
    Environment: { Variables: version.environment },
    Architectures: version.architectures,
    PackageType: "Zip",
    State: "Active",
    LastUpdateStatus: "Successful",
    TracingConfig: { Mode: "PassThrough" },
    EphemeralStorage: { Size: 512 },
    LoggingConfig: { LogFormat: "Text", LogGroup: `/aws/lambda/${record.name}` },
    DurableConfig: version.durable,
    ...version.shown,
  };
}
