/**
 * Deploys one compiled CloudFormation template into the lab: checks all of it first, then creates its resources in order and
 * writes the stack down. A stack is created once; the lab does not update or delete it.
 */
import { readFileSync } from "node:fs";
import type { World } from "../cloud/world.ts";
import { ServiceError } from "../wire/errors.ts";
import { checkFunctions, type Json, NO_VALUE, references, resolve, type Scope, TemplateError } from "./intrinsics.ts";
import { MAKERS, type Made, type Maker, type Making } from "./resources.ts";
import { conditionsOf, creationOrder, parametersOf, type Template, type TemplateResource } from "./template.ts";

export interface Deployment {
  readonly template: unknown;
  readonly region: string;
  readonly stackName: string;
  /** The zip behind a function's Code.S3Key, or its path. */
  readonly artifacts: (s3Key: string) => Uint8Array | string;
  readonly parameters?: Record<string, string>;
}

export interface Deployed {
  readonly outputs: Record<string, Json>;
  /** Physical ids by logical id: what Ref gives. */
  readonly resources: Record<string, string>;
}

export interface StackRecord {
  readonly name: string;
  readonly region: string;
  readonly createdAtMs: number;
  status: "CREATE_IN_PROGRESS" | "CREATE_COMPLETE" | "CREATE_FAILED";
  reason?: string;
  outputs: Record<string, Json>;
  /** By logical id, with the properties as they were resolved: also of types that only stand here. */
  readonly resources: Record<
    string,
    { readonly type: string; readonly id: string; readonly attributes: Record<string, string>; readonly properties: Json }
  >;
}

/** The lab's stacks, by `region/name`. */
export function stacksOf(world: World): Record<string, StackRecord> {
  return world.state<{ stacks: Record<string, StackRecord> }>("cloudformation", () => ({ stacks: {} })).stacks;
}

/** Pseudo parameters hold no resource, so they are known from the start. */
function pseudoParameters(world: World, { region, stackName }: Deployment): Record<string, Json> {
  return {
    "AWS::Region": region,
    "AWS::AccountId": world.account,
    "AWS::Partition": "aws",
    "AWS::StackName": stackName,
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": "",
  };
}

/** Refuses the whole template for anything it cannot create, before it creates anything. */
function check(
  template: Template,
  resources: Record<string, TemplateResource>,
  known: Record<string, Json>,
  { artifacts }: Deployment,
): Map<string, Uint8Array> {
  const unknown = Object.entries(resources).filter(([, { Type }]) => !MAKERS[Type]);
  if (unknown.length > 0) {
    throw new TemplateError(
      `The lab cannot create ${unknown.map(([id, { Type }]) => `${id} (${Type})`).join(", ")}. Nothing was created. Types it knows stand in lab/deploy/resources.ts.`,
    );
  }
  const zips = new Map<string, Uint8Array>();
  for (const [id, resource] of Object.entries(resources)) {
    checkFunctions(resource.Properties, `${id}.Properties`);
    for (const name of references(resource.Properties)) {
      const inactive = template.Resources[name] && !resources[name] ? " (its condition is false)" : "";
      if (!resources[name] && !(name in known) && !inactive)
        throw new TemplateError(`${id} refers to ${name}, which is no parameter and no resource of this template.`);
    }
    for (const name of [resource.DependsOn ?? []].flat())
      if (!template.Resources[name]) throw new TemplateError(`${id} depends on ${name}, which is no resource of this template.`);
    if (resource.Type !== "AWS::Lambda::Function") continue;
    const code = resource.Properties?.Code as { S3Key?: Json } | undefined;
    const s3Key = code?.S3Key;
    if (typeof s3Key !== "string") throw new TemplateError(`${id}.Properties.Code.S3Key: expected a text, got ${JSON.stringify(s3Key)}.`);
    const zip = artifacts(s3Key);
    zips.set(s3Key, typeof zip === "string" ? readFileSync(zip) : zip);
  }
  return zips;
}

export async function deployStack(world: World, deployment: Deployment): Promise<Deployed> {
  const { region, stackName } = deployment;
  const template = deployment.template as Template;
  const stacks = stacksOf(world);
  const key = `${region}/${stackName}`;
  if (stacks[key])
    throw new ServiceError(
      "AlreadyExistsException",
      `Stack [${stackName}] already exists in ${region}: the lab creates a stack once.`,
      400,
    );
  const known = { ...parametersOf(template, deployment.parameters ?? {}), ...pseudoParameters(world, deployment) };
  const made = new Map<string, Made>();
  const names = {
    ref: (name: string) => known[name] ?? made.get(name)?.id,
    attribute(logicalId: string, attribute: string) {
      const resource = made.get(logicalId);
      const found = resource?.attributes?.[attribute];
      if (resource && found === undefined)
        throw new TemplateError(
          `${logicalId} has no attribute ${attribute}; the lab knows ${Object.keys(resource.attributes ?? {}).join(", ") || "none"}.`,
        );
      return found;
    },
  };
  const condition = conditionsOf(template, names);
  const scope: Scope = { ...names, condition };
  const resources = Object.fromEntries(
    Object.entries(template.Resources).filter(([, { Condition }]) => !Condition || condition(Condition)),
  );
  const zips = check(template, resources, known, deployment);
  const order = creationOrder(resources);

  const record: StackRecord = {
    name: stackName,
    region,
    createdAtMs: world.now(),
    status: "CREATE_IN_PROGRESS",
    outputs: {},
    resources: {},
  };
  stacks[key] = record;
  for (const logicalId of order) {
    const { Type, Properties = {} } = resources[logicalId] as TemplateResource;
    try {
      const properties = resolve(Properties, scope, `${logicalId}.Properties`) as Json;
      const make = MAKERS[Type] as Maker;
      const result = await make(properties, makingOf(world, deployment, logicalId, zips));
      made.set(logicalId, result);
      record.resources[logicalId] = { type: Type, id: result.id, attributes: { ...result.attributes }, properties };
    } catch (error) {
      record.status = "CREATE_FAILED";
      record.reason = `${logicalId} (${Type}): ${(error as Error).message}`;
      throw new Error(`Stack ${stackName} in ${region} failed at ${record.reason}`, { cause: error });
    }
  }
  for (const [name, { Value, Condition }] of Object.entries(template.Outputs ?? {})) {
    if (Condition && !condition(Condition)) continue;
    const output = resolve(Value, scope, `Outputs.${name}`);
    if (output !== NO_VALUE) record.outputs[name] = output;
  }
  record.status = "CREATE_COMPLETE";
  world.tell({ kind: "lab", region, service: "cloudformation", what: `stack ${stackName} is created: ${order.length} resources` });
  return { outputs: record.outputs, resources: Object.fromEntries([...made].map(([id, { id: physical }]) => [id, physical])) };
}

function makingOf(world: World, { region, stackName }: Deployment, logicalId: string, zips: Map<string, Uint8Array>): Making {
  return {
    world,
    region,
    account: world.account,
    logicalId,
    call: (service, operation, input) => world.call(service, operation, input, { region, principal: "cloudformation.amazonaws.com" }),
    code: (s3Key) => zips.get(s3Key) ?? new Uint8Array(),
    name(maxLength) {
      const random = world.id(12).toUpperCase();
      const whole = `${stackName}-${logicalId}-${random}`;
      if (whole.length <= maxLength) return whole;
      const half = Math.floor((maxLength - random.length - 2) / 2);
      return `${stackName.slice(0, half)}-${logicalId.slice(0, maxLength - random.length - 2 - Math.min(half, stackName.length))}-${random}`;
    },
  };
}
