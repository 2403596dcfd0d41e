// biome-ignore-all lint/suspicious/noExplicitAny: events are any JSON
/**
 * What a rule sends to its targets, and how: input transformation, delivery to functions, topics and other buses,
 * and the few retries that stand for AWS's day of them. Dead-letter queues are not modelled.
 */

import { refusalFor } from "../permissions/act.ts";
import { ServiceError } from "../wire/errors.ts";
import { attempt } from "./attempts.ts";
import { serviceMayAssume } from "./iam.ts";
import type { World } from "./world.ts";

export interface Target {
  readonly Id: string;
  readonly Arn: string;
  readonly Input?: string;
  readonly InputPath?: string;
  /** In whose name the target is reached; a bus needs one, a function has a policy of its own. */
  readonly RoleArn?: string;
  readonly InputTransformer?: { readonly InputPathsMap?: Record<string, string>; readonly InputTemplate: string };
  readonly [other: string]: unknown;
}

export interface Delivery {
  readonly region: string;
  readonly rule: { readonly name: string; readonly arn: string };
  readonly target: Target;
  readonly event: any;
}

/** Tells whether the ARN names something this lab can deliver to. */
export function isDeliverable(arn: string): boolean {
  return /^arn:aws:lambda:[^:]+:\d{12}:function:.+|^arn:aws:sns:[^:]+:\d{12}:.+|^arn:aws:events:[^:]+:\d{12}:event-bus\/.+/.test(arn);
}

export async function deliver(world: World, delivery: Delivery, retryDelaysMs: readonly number[]): Promise<void> {
  const { region, rule, target } = delivery;
  const where = target.Arn.split(":").slice(5).join(":");
  await attempt(
    world,
    retryDelaysMs,
    () => send(world, delivery),
    ({ message }, again, tries) => {
      const what = `rule ${rule.name} could not reach ${where} (${message}): ${again ? "it tries again" : "the event is dropped"}`;
      world.tell({ kind: "event", region, service: "events", what, detail: { rule: rule.name, target: target.Arn, attempt: tries } });
    },
  );
}

async function send(world: World, { rule, target, event }: Delivery): Promise<void> {
  const [, , service, region = "", account] = target.Arn.split(":");
  if (account !== world.account)
    throw new ServiceError("AccessDeniedException", `the lab's events stay in their account, ${world.account}: ${target.Arn} is another's`);
  const from = { region, principal: "events.amazonaws.com" };
  const LabSource = { service: "events.amazonaws.com", arn: rule.arn };
  if (target.RoleArn) await mayReach(world, region, rule.name, target.RoleArn, target.Arn);
  if (service === "events") {
    await world.call("events", "LabDeliver", { event, EventBusName: target.Arn.split("event-bus/")[1] }, from);
    return;
  }
  const payload = payloadFor(target, event, rule);
  if (service === "lambda") {
    await world.call(
      "lambda",
      "Invoke",
      { FunctionName: target.Arn, InvocationType: "Event", Payload: Buffer.from(payload), LabSource },
      from,
    );
  } else if (service === "sns") {
    await world.call("sns", "Publish", { TopicArn: target.Arn, Message: payload, LabSource }, from);
  } else throw new ServiceError("ResourceNotFoundException", `the lab delivers to functions, topics and buses, not to ${target.Arn}`);
}

const ACTIONS: Readonly<Record<string, string>> = {
  events: "events:PutEvents",
  lambda: "lambda:InvokeFunction",
  sns: "sns:Publish",
};

/** A target with a role is reached in that role's name. */
async function mayReach(world: World, region: string, session: string, roleArn: string, resource: string): Promise<void> {
  if (!world.services.has("permissions")) return;
  if (!serviceMayAssume(world, roleArn, "events.amazonaws.com"))
    throw new ServiceError("AccessDeniedException", `EventBridge cannot assume the role ${roleArn}`);
  const action = ACTIONS[resource.split(":")[2] ?? ""] ?? "events:PutEvents";
  const refusal = await refusalFor(world, region, { roleArn, session, action, resource });
  if (refusal !== null) throw new ServiceError("AccessDeniedException", refusal);
}

/** The text a target receives: the event, a constant, a part, or a filled template. */
export function payloadFor(target: Target, event: any, rule: { readonly name: string; readonly arn: string }): string {
  if (target.Input !== undefined) return target.Input;
  if (target.InputPath !== undefined) return JSON.stringify(valueAt(event, target.InputPath) ?? null);
  if (target.InputTransformer === undefined) return JSON.stringify(event);
  const { InputPathsMap = {}, InputTemplate } = target.InputTransformer;
  const values: Record<string, any> = {
    "aws.events.rule-arn": rule.arn,
    "aws.events.rule-name": rule.name,
    "aws.events.event.ingestion-time": event.time,
    "aws.events.event": event,
    "aws.events.event.json": event,
  };
  for (const [name, path] of Object.entries(InputPathsMap)) values[name] = valueAt(event, path);
  return fillTemplate(InputTemplate, values);
}

/** `$.detail.items[0].id` in an event. */
export function valueAt(event: any, path: string): any {
  if (!path.startsWith("$")) return undefined;
  let value = event;
  for (const [, name, index, quoted] of path.slice(1).matchAll(/\.([\w-]+)|\[(\d+)\]|\['([^']+)'\]/g))
    value = value?.[name ?? index ?? quoted!];
  return value;
}

/** Inside quotes a value is put as text, elsewhere as JSON. */
function fillTemplate(template: string, values: Record<string, any>): string {
  let quoted = false;
  return template.replace(/\\.|"|<([\w.-]+)>/g, (found, name?: string) => {
    if (found === '"') quoted = !quoted;
    if (name === undefined || !(name in values)) return found;
    const value = values[name] ?? null;
    if (!quoted) return JSON.stringify(value);
    return value === null ? "" : JSON.stringify(typeof value === "string" ? value : JSON.stringify(value)).slice(1, -1);
  });
}
