// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The shape of a rule and the checks of its targets. Keeps nothing and sends nothing.
 */
import { ServiceError } from "../wire/errors.ts";
import { isDeliverable, type Target } from "./eventbridge-targets.ts";

export interface Rule {
  name: string;
  bus: string;
  arn: string;
  pattern?: string;
  schedule?: string;
  enabled: boolean;
  description?: string;
  roleArn?: string;
  targets: Target[];
}

export const refuse = (message: string) => new ServiceError("ValidationException", message);

export function checkTarget(target: any): void {
  if (!/^[.\-_A-Za-z0-9]{1,64}$/.test(target.Id ?? "")) throw refuse(`Parameter Id is not valid: "${target.Id}".`);
  if (!isDeliverable(target.Arn ?? ""))
    throw refuse(`Parameter ${target.Arn} is not valid. Reason: the lab delivers to Lambda functions, SNS topics and event buses.`);
  const ways = ["Input", "InputPath", "InputTransformer"].filter((name) => target[name] !== undefined);
  if (ways.length > 1) throw refuse(`Only one of Input, InputPath, or InputTransformer must be provided for target ${target.Id}.`);
  if (target.Input !== undefined && parsed(target.Input) === undefined)
    throw refuse(`Parameter Input of target ${target.Id} is not valid JSON.`);
}

export function ruleShape(rule: Rule): any {
  return {
    Name: rule.name,
    Arn: rule.arn,
    EventPattern: rule.pattern,
    ScheduleExpression: rule.schedule,
    State: rule.enabled ? "ENABLED" : "DISABLED",
    Description: rule.description,
    RoleArn: rule.roleArn,
    EventBusName: rule.bus,
  };
}

/** JSON, or undefined when it is none. */
export function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function paged<T>(items: T[], input: any): { page: T[]; NextToken: string | undefined } {
  const from = Number(input.NextToken ?? 0);
  const to = from + (input.Limit ?? 100);
  return { page: items.slice(from, to), NextToken: to < items.length ? String(to) : undefined };
}
