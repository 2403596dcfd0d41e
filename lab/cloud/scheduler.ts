// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * EventBridge Scheduler: schedules that fire once or again and again, on a time zone's clock, and invoke a function as their role.
 * What a recurring one missed while the lab was off is left out, a one-time one is made up for. No tags, keys or other targets.
 */
import { isDeepStrictEqual } from "node:util";
import { ServiceError } from "../wire/errors.ts";
import { serviceMayAssume } from "./iam.ts";
import { functionOf, invoke } from "./scheduler-delivery.ts";
import { everyStore, invalid, notFound, paged, type ScheduleRecord, storeOf, toSchedule, toSummary } from "./scheduler-state.ts";
import { checkTiming, isOneTime, nextDue, type Timing } from "./scheduler-time.ts";
import type { Caller, Service, World } from "./world.ts";

export interface SchedulerOptions {
  /** Waits between the tries of a failing target. */
  readonly retryDelaysMs?: readonly number[];
  /** Schedules an account may have in a region. */
  readonly quota?: number;
}

/** Node's timers take 24 days at most: a longer wait is taken in days. */
const MAX_TIMER_MS = 86_400_000;

export function createScheduler(world: World, options: SchedulerOptions = {}): Service {
  const { retryDelaysMs = [250, 1000, 4000], quota = 1_000_000 } = options;
  const stops = new Map<string, () => void>();

  const told = (schedule: ScheduleRecord, what: string) =>
    world.tell({
      kind: "event",
      region: schedule.region,
      service: "scheduler",
      what: `the schedule ${schedule.name} ${what}`,
      detail: { schedule: schedule.arn, expression: schedule.timing.expression },
    });

  /** Starts, restarts or stops the schedule's timer, as it says. */
  function arm(schedule: ScheduleRecord): void {
    stops.get(schedule.arn)?.();
    stops.delete(schedule.arn);
    if (!schedule.enabled) return;
    const due = nextDue(schedule.timing, schedule.firedUntil, world.timings.firstTickMs);
    if (due === undefined) {
      completed(schedule);
      return;
    }
    const at = due + Math.floor(world.random() * schedule.windowMinutes * 60_000);
    const wait = (): void => {
      const stop = world.later(Math.min(at - world.now(), MAX_TIMER_MS), `the schedule ${schedule.name}`, () => {
        if (world.now() < at) return wait();
        fire(schedule, due);
      });
      stops.set(schedule.arn, stop);
    };
    wait();
  }

  function fire(schedule: ScheduleRecord, due: number): void {
    // A clock that has jumped leaves out what it jumped over.
    schedule.firedUntil = schedule.windowMinutes > 0 ? due : Math.max(due, world.now());
    told(schedule, "fires");
    world.later(0, `the schedule ${schedule.name}`, () => invoke(world, schedule, due, retryDelaysMs));
    arm(schedule);
  }

  /** Nothing is due any more. One that was never due, because its time had passed before it was made, stays. */
  function completed(schedule: ScheduleRecord): void {
    const fired = schedule.firedUntil > schedule.changedAt - 1;
    if (!schedule.deleteAfterwards || !(fired || schedule.timing.endAt !== undefined)) return;
    remove(schedule);
    told(schedule, "is completed and deletes itself");
  }

  function remove(schedule: ScheduleRecord): void {
    stops.get(schedule.arn)?.();
    stops.delete(schedule.arn);
    delete storeOf(world, schedule).schedules[`${schedule.group}/${schedule.name}`];
  }

  function find(input: any, caller: Caller): ScheduleRecord {
    const found = storeOf(world, caller).schedules[`${input.GroupName ?? "default"}/${input.Name}`];
    if (!found) throw notFound(`Schedule ${input.Name}`);
    return found;
  }

  /** What a request says of a schedule, checked. What it leaves out has its usual value: an update replaces everything. */
  function settings(input: any, caller: Caller, createdAt: number) {
    const {
      ScheduleExpression: expression,
      ScheduleExpressionTimezone: zone = "UTC",
      FlexibleTimeWindow: flexible = {},
      Target: target,
    } = input;
    checkTiming({ expression, zone });
    const timing: Timing = { expression, zone, startAt: momentOf(input.StartDate), endAt: momentOf(input.EndDate), createdAt };
    if (isOneTime(expression)) Object.assign(timing, { startAt: undefined, endAt: undefined });
    if (timing.endAt !== undefined && timing.endAt <= (timing.startAt ?? world.now()))
      throw invalid("The EndDate you specify must come after the StartDate and lie in the future.");
    const minutes = flexible.MaximumWindowInMinutes;
    if (flexible.Mode === "OFF" ? minutes !== undefined : flexible.Mode !== "FLEXIBLE" || !(minutes >= 1 && minutes <= 1440))
      throw invalid("FlexibleTimeWindow is not valid: Mode OFF without MaximumWindowInMinutes, or FLEXIBLE with 1 to 1440.");
    if (!/^arn:aws:iam::\d{12}:role\/.+/.test(target.RoleArn ?? ""))
      throw invalid(`Provided RoleArn is not in correct format: ${target.RoleArn}.`);
    if (world.services.has("iam") && !serviceMayAssume(world, target.RoleArn, "scheduler.amazonaws.com"))
      throw invalid("The execution role you provide must allow AWS EventBridge Scheduler to assume the role.");
    let aim: string | undefined;
    try {
      aim = functionOf(target);
    } catch {
      throw invalid(`The Input of target ${target.Arn} is not JSON.`);
    }
    if (!aim) throw invalid(`Provided Arn is not in correct format: the lab's Scheduler delivers to functions, not to ${target.Arn}.`);
    if (aim.startsWith("arn:") && aim.split(":")[3] !== caller.region)
      throw invalid(`The target ${aim} is not in ${caller.region}: a schedule invokes in its own region.`);
    const { MaximumEventAgeInSeconds: age = 86_400, MaximumRetryAttempts: attempts = 185 } = target.RetryPolicy ?? {};
    if (age < 60 || age > 86_400) throw invalid(`MaximumEventAgeInSeconds must be from 60 to 86400, not ${age}.`);
    if (attempts < 0 || attempts > 185) throw invalid(`MaximumRetryAttempts must be from 0 to 185, not ${attempts}.`);
    return {
      description: input.Description,
      enabled: input.State !== "DISABLED",
      timing,
      windowMinutes: minutes ?? 0,
      deleteAfterwards: input.ActionAfterCompletion === "DELETE",
      target,
    };
  }

  /** The request without its token, in a form that survives a restart. */
  const requestOf = (input: any) => JSON.stringify({ ...input, ClientToken: undefined });

  /** Whether this very request was carried out before; another request with the same token is a conflict. */
  function repeated(schedule: ScheduleRecord | undefined, input: any): boolean {
    if (!schedule?.token || schedule.token.id !== input.ClientToken) return false;
    if (isDeepStrictEqual(JSON.parse(schedule.token.request), JSON.parse(requestOf(input)))) return true;
    throw new ServiceError("ConflictException", `The ClientToken was used before with another request for schedule ${schedule.name}.`, 409);
  }

  const tokenOf = (input: any) => (input.ClientToken ? { id: input.ClientToken, request: requestOf(input) } : undefined);

  return {
    name: "scheduler",
    start() {
      for (const regions of Object.values(everyStore(world)))
        for (const store of Object.values(regions))
          for (const schedule of Object.values(store.schedules)) {
            if (!isOneTime(schedule.timing.expression)) schedule.firedUntil = Math.max(schedule.firedUntil, world.now());
            arm(schedule);
          }
    },
    stop() {
      for (const stop of stops.values()) stop();
      stops.clear();
    },
    operations: {
      CreateSchedule(input, caller) {
        const store = storeOf(world, caller);
        const group = input.GroupName ?? "default";
        const key = `${group}/${input.Name}`;
        if (!/^[0-9a-zA-Z-_.]{1,64}$/.test(input.Name)) throw invalid(`Name ${input.Name} is not valid: 1 to 64 letters, digits, - _ or .`);
        if (!store.groups[group]) throw notFound(`Schedule group ${group}`);
        const known = store.schedules[key];
        if (repeated(known, input)) return { ScheduleArn: known!.arn };
        if (known) throw new ServiceError("ConflictException", `Schedule ${input.Name} already exists.`, 409);
        const now = world.now();
        const given = settings(input, caller, now);
        if (Object.keys(store.schedules).length >= quota)
          throw new ServiceError("ServiceQuotaExceededException", `You have reached the limit of ${quota} schedules in this region.`, 402);
        const schedule: ScheduleRecord = {
          name: input.Name,
          group,
          arn: `arn:aws:scheduler:${caller.region}:${caller.account}:schedule/${group}/${input.Name}`,
          account: caller.account,
          region: caller.region,
          createdAt: now,
          changedAt: now,
          firedUntil: now - 1,
          token: tokenOf(input),
          ...given,
        };
        store.schedules[key] = schedule;
        told(schedule, "is in place");
        arm(schedule);
        return { ScheduleArn: schedule.arn };
      },
      GetSchedule: (input, caller) => toSchedule(find(input, caller)),
      UpdateSchedule(input, caller) {
        const schedule = find(input, caller);
        if (repeated(schedule, input)) return { ScheduleArn: schedule.arn };
        const now = world.now();
        Object.assign(schedule, {
          ...settings(input, caller, now),
          changedAt: now,
          firedUntil: now - 1,
          token: tokenOf(input),
        });
        told(schedule, "is changed");
        arm(schedule);
        return { ScheduleArn: schedule.arn };
      },
      DeleteSchedule(input, caller) {
        const schedule = find(input, caller);
        remove(schedule);
        told(schedule, "is deleted");
        return {};
      },
      ListSchedules(input, caller) {
        const { schedules, groups } = storeOf(world, caller);
        if (input.GroupName && !groups[input.GroupName]) throw notFound(`Schedule group ${input.GroupName}`);
        const found = Object.values(schedules)
          .filter(({ group }) => !input.GroupName || group === input.GroupName)
          .filter(({ name }) => name.startsWith(input.NamePrefix ?? ""))
          .filter(({ enabled }) => !input.State || enabled === (input.State === "ENABLED"))
          .sort((a, b) => (a.arn < b.arn ? -1 : 1));
        const { page, NextToken } = paged(found, input);
        return { Schedules: page.map(toSummary), NextToken };
      },
      CreateScheduleGroup(input, caller) {
        const { groups } = storeOf(world, caller);
        if (groups[input.Name]) throw new ServiceError("ConflictException", `Schedule group ${input.Name} already exists.`, 409);
        const arn = `arn:aws:scheduler:${caller.region}:${caller.account}:schedule-group/${input.Name}`;
        groups[input.Name] = { arn, createdAt: world.now() };
        return { ScheduleGroupArn: arn };
      },
      DeleteScheduleGroup(input, caller) {
        const { groups, schedules } = storeOf(world, caller);
        if (input.Name === "default") throw invalid("The default schedule group cannot be deleted.");
        if (!groups[input.Name]) throw notFound(`Schedule group ${input.Name}`);
        for (const schedule of Object.values(schedules)) if (schedule.group === input.Name) remove(schedule);
        delete groups[input.Name];
        return {};
      },
      ListScheduleGroups(input, caller) {
        const found = Object.entries(storeOf(world, caller).groups).filter(([name]) => name.startsWith(input.NamePrefix ?? ""));
        const { page, NextToken } = paged(found, input);
        const ScheduleGroups = page.map(([Name, { arn, createdAt }]) => ({
          Arn: arn,
          Name,
          State: "ACTIVE",
          CreationDate: new Date(createdAt),
        }));
        return { ScheduleGroups, NextToken };
      },
    },
  };
}

function momentOf(date: Date | string | number | undefined): number | undefined {
  return date === undefined ? undefined : new Date(date).getTime();
}
