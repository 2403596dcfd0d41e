// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The operations that create and show functions, versions, aliases and their settings. Invokes nothing.
 */

import { refusalFor } from "../../permissions/act.ts";
import { ServiceError } from "../../wire/errors.ts";
import { serviceMayAssume } from "../iam.ts";
import type { Caller, Operation, World } from "../world.ts";
import { configurationOf, type FunctionRecord, type FunctionVersion, findTarget, functionArn, stateOf } from "./functions.ts";
import { unpack } from "./packages.ts";
import { paged } from "./pages.ts";

function required(input: any, fields: readonly string[]): void {
  for (const field of fields) {
    if (input[field] === undefined || input[field] === "") throw new ServiceError("InvalidParameterValueException", `${field} is missing.`);
  }
}

function between(field: string, value: unknown, from: number, to: number): number {
  if (!Number.isInteger(value) || (value as number) < from || (value as number) > to) {
    throw new ServiceError("InvalidParameterValueException", `${field} is ${value}: expected a whole number from ${from} to ${to}.`);
  }
  return value as number;
}

/** Functions, versions, aliases and their settings. */
export function functionOperations(world: World): Record<string, Operation> {
  const { functions } = stateOf(world);
  const find = (input: any, caller: Caller) => findTarget(world, input.FunctionName, input.Qualifier, caller);

  const createVersion = (input: any, record: FunctionRecord): FunctionVersion => {
    const code = unpack(world.dir, record.name, input.Code.ZipFile);
    const durable = input.DurableConfig;
    return {
      version: "$LATEST",
      runtime: input.Runtime,
      handler: input.Handler,
      role: input.Role,
      description: input.Description ?? "",
      timeoutSeconds: between("Timeout", input.Timeout ?? 3, 1, 900),
      memorySizeMb: between("MemorySize", input.MemorySize ?? 128, 128, 10_240),
      environment: { ...input.Environment?.Variables },
      architectures: input.Architectures ?? ["x86_64"],
      codeSha256: code.sha256,
      codeSizeBytes: code.sizeBytes,
      codeFolder: code.folder,
      ...(durable
        ? {
            durable: {
              ExecutionTimeout: between("DurableConfig.ExecutionTimeout", durable.ExecutionTimeout, 1, 31_622_400),
              RetentionPeriodInDays: between("DurableConfig.RetentionPeriodInDays", durable.RetentionPeriodInDays ?? 14, 1, 90),
            },
          }
        : {}),
      shown: Object.fromEntries(
        ["VpcConfig", "LoggingConfig", "TracingConfig", "Layers", "EphemeralStorage", "KMSKeyArn"]
          .filter((field) => input[field])
          .map((field) => [field, input[field]]),
      ),
      lastModified: new Date(world.now()).toISOString().replace("Z", "+0000"),
    };
  };

  const invokeConfigShape = (record: FunctionRecord, region: string, qualifier: string): any => {
    const config = record.eventInvoke[qualifier];
    const arn = functionArn(region, world.account, record.name, qualifier);
    if (!config) throw new ServiceError("ResourceNotFoundException", `The function ${arn} doesn't have an EventInvokeConfig`);
    const { lastModifiedMs, ...rest } = config;
    return { FunctionArn: arn, LastModified: new Date(lastModifiedMs), ...rest };
  };

  return {
    async CreateFunction(input, caller) {
      required(input, ["FunctionName", "Role", "Handler", "Runtime"]);
      if (!/^[a-zA-Z0-9-_]{1,64}$/.test(input.FunctionName))
        throw new ServiceError(
          "InvalidParameterValueException",
          `FunctionName '${input.FunctionName}' is not valid: 1 to 64 letters, digits, - or _.`,
        );
      if (!/^nodejs\d+\.x$/.test(input.Runtime))
        throw new ServiceError(
          "InvalidParameterValueException",
          `Runtime '${input.Runtime}' is not one the lab runs: expected nodejs24.x.`,
        );
      if (!input.Code?.ZipFile)
        throw new ServiceError("InvalidParameterValueException", "Code.ZipFile is missing: the lab takes packages as bytes.");
      const key = `${caller.region}/${input.FunctionName}`;
      if (functions[key]) throw new ServiceError("ResourceConflictException", `Function already exist: ${input.FunctionName}`, 409);
      if (world.services.has("iam") && !serviceMayAssume(world, input.Role, "lambda.amazonaws.com")) {
        throw new ServiceError(
          "InvalidParameterValueException",
          `The role defined for the function cannot be assumed by Lambda: ${input.Role}`,
        );
      }
      if (input.VpcConfig?.SubnetIds?.length) await mayUseNetwork(world, caller.region, input.Role, input.FunctionName);
      const record: FunctionRecord = {
        name: input.FunctionName,
        region: caller.region,
        versions: {},
        aliases: {},
        policies: {},
        eventInvoke: {},
      };
      record.versions.$LATEST = createVersion(input, record);
      functions[key] = record;
      if (input.Publish) publish(record);
      world.tell({ kind: "state", region: caller.region, service: "lambda", what: `function ${record.name} is created` });
      return configurationOf(findTarget(world, record.name, undefined, caller));
    },
    GetFunction(input, caller) {
      const target = find(input, caller);
      const { reservedConcurrency } = target.record;
      return {
        Configuration: configurationOf(target),
        Code: { RepositoryType: "S3", Location: `file://${world.dir}/${target.version.codeFolder}` },
        ...(reservedConcurrency === undefined ? {} : { Concurrency: { ReservedConcurrentExecutions: reservedConcurrency } }),
      };
    },
    GetFunctionConfiguration: (input, caller) => configurationOf(find(input, caller)),
    ListFunctions(input, caller) {
      const own = Object.values(functions).filter((record) => record.region === caller.region);
      const shown = own.map((record) => configurationOf(findTarget(world, record.name, undefined, caller)));
      const { page, next } = paged(shown, input.Marker, Math.min(input.MaxItems ?? 50, 50));
      return { Functions: page, NextMarker: next };
    },
    PublishVersion(input, caller) {
      const { record } = find(input, caller);
      const version = publish(record, input.Description);
      return configurationOf(findTarget(world, record.name, version, caller));
    },
    ListVersionsByFunction(input, caller) {
      const { record } = find(input, caller);
      const shown = Object.keys(record.versions).map((version) => configurationOf(findTarget(world, record.name, version, caller)));
      const { page, next } = paged(shown, input.Marker, Math.min(input.MaxItems ?? 50, 50));
      return { Versions: page, NextMarker: next };
    },
    CreateAlias(input, caller) {
      required(input, ["Name", "FunctionVersion"]);
      const { record } = find({ FunctionName: input.FunctionName }, caller);
      if (record.aliases[input.Name])
        throw new ServiceError(
          "ResourceConflictException",
          `Alias already exists: ${functionArn(caller.region, caller.account, record.name, input.Name)}`,
          409,
        );
      if (!record.versions[input.FunctionVersion])
        throw new ServiceError(
          "ResourceNotFoundException",
          `Function not found: ${functionArn(caller.region, caller.account, record.name, input.FunctionVersion)}`,
        );
      record.aliases[input.Name] = { version: input.FunctionVersion, description: input.Description ?? "" };
      return aliasShape(record, input.Name, caller);
    },
    GetAlias(input, caller) {
      const { record } = find({ FunctionName: input.FunctionName }, caller);
      if (!record.aliases[input.Name])
        throw new ServiceError(
          "ResourceNotFoundException",
          `Cannot find alias arn: ${functionArn(caller.region, caller.account, record.name, input.Name)}`,
        );
      return aliasShape(record, input.Name, caller);
    },
    PutFunctionConcurrency(input, caller) {
      const { record } = find(input, caller);
      record.reservedConcurrency = between("ReservedConcurrentExecutions", input.ReservedConcurrentExecutions, 0, 1000);
      return { ReservedConcurrentExecutions: record.reservedConcurrency };
    },
    PutFunctionEventInvokeConfig(input, caller) {
      const target = find(input, caller);
      const qualifier = target.qualifier ?? "$LATEST";
      target.record.eventInvoke[qualifier] = {
        ...(input.MaximumRetryAttempts === undefined
          ? {}
          : { MaximumRetryAttempts: between("MaximumRetryAttempts", input.MaximumRetryAttempts, 0, 2) }),
        ...(input.MaximumEventAgeInSeconds === undefined
          ? {}
          : { MaximumEventAgeInSeconds: between("MaximumEventAgeInSeconds", input.MaximumEventAgeInSeconds, 60, 21_600) }),
        ...(input.DestinationConfig ? { DestinationConfig: input.DestinationConfig } : {}),
        lastModifiedMs: world.now(),
      };
      return invokeConfigShape(target.record, caller.region, qualifier);
    },
    GetFunctionEventInvokeConfig(input, caller) {
      const target = find(input, caller);
      return invokeConfigShape(target.record, caller.region, target.qualifier ?? "$LATEST");
    },
  };
}

/** Fixes $LATEST as a numbered version; the same code and settings give the version there already is. */
function publish(record: FunctionRecord, description?: string): string {
  const latest = record.versions.$LATEST as FunctionVersion;
  const numbers = Object.keys(record.versions)
    .filter((version) => version !== "$LATEST")
    .map(Number);
  const newest = Math.max(0, ...numbers);
  const last = record.versions[String(newest)];
  if (last && last.codeSha256 === latest.codeSha256 && last.lastModified === latest.lastModified) return last.version;
  const version = String(newest + 1);
  record.versions[version] = { ...latest, version, ...(description ? { description } : {}) };
  return version;
}

function aliasShape(record: FunctionRecord, name: string, caller: Caller): any {
  const alias = record.aliases[name];
  return {
    Name: name,
    AliasArn: functionArn(caller.region, caller.account, record.name, name),
    FunctionVersion: alias?.version,
    Description: alias?.description,
  };
}

/** A function in a network gets its interfaces in the name of its role, which Lambda tries out at creation, on everything. */
async function mayUseNetwork(world: World, region: string, roleArn: string, session: string): Promise<void> {
  for (const operation of ["CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface"]) {
    const refusal = await refusalFor(world, region, { roleArn, session, action: `ec2:${operation}`, resource: "*" });
    if (refusal === null) continue;
    throw new ServiceError(
      "InvalidParameterValueException",
      `The provided execution role does not have permissions to call ${operation} on EC2. ${refusal}`,
    );
  }
}
