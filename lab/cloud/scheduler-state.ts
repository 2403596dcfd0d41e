// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** Schedules and their groups by account and region, and how they are shown. Changes nothing. */
import { ServiceError } from "../wire/errors.ts";
import type { Timing } from "./scheduler-time.ts";
import type { World } from "./world.ts";

export interface ScheduleTarget {
  readonly Arn: string;
  readonly RoleArn: string;
  readonly Input?: string;
  readonly RetryPolicy?: { readonly MaximumEventAgeInSeconds?: number; readonly MaximumRetryAttempts?: number };
  readonly [other: string]: unknown;
}

export interface ScheduleRecord {
  readonly name: string;
  readonly group: string;
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly createdAt: number;
  changedAt: number;
  description?: string;
  enabled: boolean;
  timing: Timing;
  /** Minutes over which an invocation may be spread; 0 when the window is off. */
  windowMinutes: number;
  deleteAfterwards: boolean;
  target: ScheduleTarget;
  /** The last time it was due and was fired: what is next comes after it. */
  firedUntil: number;
  /** Of the request that made or changed it last. */
  token?: { id: string; request: string };
}

export interface ScheduleStore {
  /** By `group/name`. */
  schedules: Record<string, ScheduleRecord>;
  groups: Record<string, { arn: string; createdAt: number }>;
}

type Stores = Record<string, Record<string, ScheduleStore>>;

export function everyStore(world: World): Stores {
  return world.state<{ accounts: Stores }>("scheduler", () => ({ accounts: {} })).accounts;
}

export function storeOf(world: World, { account, region }: { account: string; region: string }): ScheduleStore {
  const accounts = everyStore(world);
  accounts[account] ??= {};
  accounts[account][region] ??= {
    schedules: {},
    groups: { default: { arn: `arn:aws:scheduler:${region}:${account}:schedule-group/default`, createdAt: world.now() } },
  };
  return accounts[account][region];
}

export function notFound(what: string): ServiceError {
  return new ServiceError("ResourceNotFoundException", `${what} does not exist.`, 404);
}

export function invalid(message: string): ServiceError {
  return new ServiceError("ValidationException", message, 400);
}

export function toSchedule(schedule: ScheduleRecord): any {
  const { timing, windowMinutes } = schedule;
  return {
    Arn: schedule.arn,
    Name: schedule.name,
    GroupName: schedule.group,
    Description: schedule.description,
    State: schedule.enabled ? "ENABLED" : "DISABLED",
    ScheduleExpression: timing.expression,
    ScheduleExpressionTimezone: timing.zone,
    StartDate: timing.startAt === undefined ? undefined : new Date(timing.startAt),
    EndDate: timing.endAt === undefined ? undefined : new Date(timing.endAt),
    FlexibleTimeWindow: windowMinutes > 0 ? { Mode: "FLEXIBLE", MaximumWindowInMinutes: windowMinutes } : { Mode: "OFF" },
    ActionAfterCompletion: schedule.deleteAfterwards ? "DELETE" : "NONE",
    CreationDate: new Date(schedule.createdAt),
    LastModificationDate: new Date(schedule.changedAt),
    Target: {
      ...schedule.target,
      RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185, ...schedule.target.RetryPolicy },
    },
  };
}

export function toSummary(schedule: ScheduleRecord): any {
  const { Arn, Name, GroupName, State, CreationDate, LastModificationDate } = toSchedule(schedule);
  return { Arn, Name, GroupName, State, CreationDate, LastModificationDate, Target: { Arn: schedule.target.Arn } };
}

export function paged<T>(items: readonly T[], input: any): { page: readonly T[]; NextToken?: string } {
  const size = input.MaxResults ?? 100;
  if (!Number.isInteger(size) || size < 1 || size > 100) throw invalid(`MaxResults must be from 1 to 100, not ${size}.`);
  const start = input.NextToken ? Number(Buffer.from(input.NextToken, "base64url").toString()) : 0;
  if (!Number.isInteger(start)) throw invalid("Invalid NextToken: it is not one that this service has given out.");
  const more = start + size < items.length;
  return {
    page: items.slice(start, start + size),
    ...(more ? { NextToken: Buffer.from(String(start + size)).toString("base64url") } : {}),
  };
}
