/**
 * One invocation of a schedule: its payload, the function it goes to, the role it goes as, and the tries that stand for AWS's day of them.
 * Functions are the only targets; what they return is nobody's business, and dead-letter queues are not modelled.
 */
import { attempt } from "./attempts.ts";
import { uuid } from "./ids.ts";
import type { ScheduleRecord } from "./scheduler-state.ts";
import type { World } from "./world.ts";

const UNIVERSAL_INVOKE = "arn:aws:scheduler:::aws-sdk:lambda:invoke";

/** The function a target invokes; undefined when the lab cannot deliver to it. */
export function functionOf(target: { readonly Arn: string; readonly Input?: string }): string | undefined {
  if (/^arn:aws:lambda:[^:]+:\d{12}:function:.+/.test(target.Arn)) return target.Arn;
  return target.Arn === UNIVERSAL_INVOKE ? JSON.parse(target.Input ?? "{}").FunctionName : undefined;
}

export async function invoke(world: World, schedule: ScheduleRecord, dueAt: number, retryDelaysMs: readonly number[]): Promise<void> {
  const { name, region, target } = schedule;
  const FunctionName = functionOf(target);
  if (!FunctionName) return;
  const executionId = uuid(world);
  const roleName = target.RoleArn.slice(target.RoleArn.lastIndexOf("/") + 1);
  // The schedule's role is who calls: the function's resource policy is not asked, the role's own policy is.
  const principal = `arn:aws:sts::${schedule.account}:assumed-role/${roleName}/${executionId.replaceAll("-", "")}`;
  const waits = retryDelaysMs.slice(0, target.RetryPolicy?.MaximumRetryAttempts ?? retryDelaysMs.length);
  let tries = 0;
  await attempt(
    world,
    waits,
    () => {
      tries += 1;
      const Payload = Buffer.from(payloadFor(schedule, dueAt, executionId, tries));
      return world.call("lambda", "Invoke", { FunctionName, InvocationType: "Event", Payload }, { region, principal });
    },
    ({ message }, again) => {
      const what = `the schedule ${name} could not reach ${FunctionName} (${message}): ${again ? "it tries again" : "the invocation is dropped"}`;
      world.tell({ kind: "event", region, service: "scheduler", what, detail: { schedule: schedule.arn, attempt: tries } });
    },
  );
}

/** The schedule's Input with its context attributes filled in; without one, an event whose detail is an empty object in quotes. */
export function payloadFor(schedule: ScheduleRecord, dueAt: number, executionId: string, tries: number): string {
  const { target, arn, account, region } = schedule;
  const time = new Date(dueAt).toISOString().replace(/\.\d+Z$/, "Z");
  const input = target.Arn === UNIVERSAL_INVOKE ? universalPayload(target.Input) : target.Input;
  if (input === undefined)
    return JSON.stringify({
      version: "0",
      id: executionId,
      "detail-type": "Scheduled Event",
      source: "aws.scheduler",
      account,
      time,
      region,
      resources: [arn],
      detail: "{}",
    });
  const values: Record<string, string> = {
    "aws.scheduler.schedule-arn": arn,
    "aws.scheduler.scheduled-time": time,
    "aws.scheduler.execution-id": executionId,
    "aws.scheduler.attempt-number": String(tries),
  };
  return input.replace(/<(aws\.scheduler\.[\w-]+)>/g, (found, key: string) => values[key] ?? found);
}

function universalPayload(input: string | undefined): string {
  const { Payload = "{}" } = JSON.parse(input ?? "{}");
  return typeof Payload === "string" ? Payload : JSON.stringify(Payload);
}
