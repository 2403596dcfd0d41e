// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The operations on health checks: made once for a caller reference, updated under a version, listed in pages. What they are
 * found to be is the checkers' business.
 */
import { ServiceError } from "../wire/errors.ts";
import { uuid } from "./ids.ts";
import { alarmShape, watchedAlarm } from "./route53-alarms.ts";
import { type Checkers, checkersFor } from "./route53-checkers.ts";
import type { Checker, HealthCheck, HealthCheckConfig, Observation } from "./route53-health.ts";
import { configFrom, isEndpointType, updatedConfig } from "./route53-health-config.ts";
import { invalidInput } from "./route53-records.ts";
import { healthCheckOf, stateOf } from "./route53-state.ts";
import { pageSize } from "./route53-zones.ts";
import type { Operation, World } from "./world.ts";

const MAX_HEALTH_CHECKS = 200;
const PAGE = 1000;

export function healthOperations(world: World, checkers: Checkers): Record<string, Operation> {
  const state = () => stateOf(world);

  /** What the settings refer to: children that are there and are not their own parents, an alarm that can be followed. */
  async function followed(config: HealthCheckConfig, id: string): Promise<HealthCheck["alarm"]> {
    for (const child of config.ChildHealthChecks ?? []) {
      if (!state().healthChecks[child]) throw invalidInput(`Invalid parameter : The child health check ${child} does not exist.`);
      if (isAmong(child, id)) throw invalidInput(`Invalid parameter : The child health check ${child} would watch itself.`);
    }
    return config.AlarmIdentifier && (await watchedAlarm(world, config.AlarmIdentifier));
  }

  /** Whether `id` is the check `top` or a child of it, at any depth. */
  function isAmong(top: string, id: string): boolean {
    return top === id || (state().healthChecks[top]?.config.ChildHealthChecks ?? []).some((child) => isAmong(child, id));
  }

  return {
    async CreateHealthCheck(input) {
      const reference: string = input.CallerReference;
      if (!(reference.length >= 1 && reference.length <= 64)) throw invalidInput("CallerReference must have 1 to 64 characters.");
      const config = configFrom(input.HealthCheckConfig);
      const alarm = await followed(config, "");
      const before = Object.values(state().healthChecks).find((check) => check.callerReference === reference);
      if (before && sorted(before.config) === sorted(config)) return created(before);
      if (before || state().spentReferences.includes(reference))
        throw new ServiceError(
          "HealthCheckAlreadyExists",
          "A different health check has already been created with the specified caller reference.",
          409,
        );
      if (Object.keys(state().healthChecks).length >= MAX_HEALTH_CHECKS)
        throw new ServiceError(
          "TooManyHealthChecks",
          `Limits Exceeded: the account has ${MAX_HEALTH_CHECKS} health checks, which is its limit.`,
          400,
        );
      const check: HealthCheck = {
        id: uuid(world),
        callerReference: reference,
        config,
        version: 1,
        checkers: isEndpointType(config.Type) ? checkersFor(config.Regions) : [],
        alarm,
      };
      state().healthChecks[check.id] = check;
      checkers.watch(check.id);
      checkers.tellChanges();
      return created(check);
    },
    GetHealthCheck: (input) => ({ HealthCheck: shape(healthCheckOf(world, input.HealthCheckId)) }),
    GetHealthCheckCount: () => ({ HealthCheckCount: Object.keys(state().healthChecks).length }),
    ListHealthChecks(input) {
      const all = Object.values(state().healthChecks);
      const from = input.Marker ? all.findIndex((check) => check.id === input.Marker) : 0;
      if (from < 0) throw invalidInput(`The marker ${input.Marker} is no health check's id.`);
      const size = pageSize(input.MaxItems, PAGE);
      const next = all[from + size];
      return {
        HealthChecks: all.slice(from, from + size).map(shape),
        Marker: input.Marker ?? "",
        IsTruncated: Boolean(next),
        NextMarker: next?.id,
        MaxItems: size,
      };
    },
    async UpdateHealthCheck(input) {
      const check = healthCheckOf(world, input.HealthCheckId);
      sameVersion(check, input.HealthCheckVersion);
      const config = updatedConfig(check.config, input);
      const alarm = await followed(config, check.id);
      // Reading the alarm took its time: another update may have come first.
      sameVersion(healthCheckOf(world, check.id), input.HealthCheckVersion);
      if (sorted(check.config.Regions) !== sorted(config.Regions)) check.checkers = checkersFor(config.Regions);
      check.config = config;
      check.alarm = alarm;
      check.version += 1;
      checkers.tellChanges();
      return { HealthCheck: shape(check) };
    },
    /** Records that name it do not hinder it; a calculated health check that counts it does. */
    DeleteHealthCheck(input) {
      const { id, callerReference } = healthCheckOf(world, input.HealthCheckId);
      const parent = Object.values(state().healthChecks).find((check) => check.config.ChildHealthChecks?.includes(id));
      if (parent)
        throw new ServiceError(
          "HealthCheckInUse",
          `The health check ${id} is still a child of the calculated health check ${parent.id}: take it out of there first.`,
          400,
        );
      delete state().healthChecks[id];
      delete state().tags[`healthcheck/${id}`];
      state().spentReferences.push(callerReference);
      return {};
    },
    GetHealthCheckStatus: (input) => reports(healthCheckOf(world, input.HealthCheckId), ({ last }) => last),
    GetHealthCheckLastFailureReason: (input) => reports(healthCheckOf(world, input.HealthCheckId), ({ lastFailure }) => lastFailure),
  };
}

function sameVersion(check: HealthCheck, expected: unknown): void {
  if (expected !== undefined && Number(expected) !== check.version)
    throw new ServiceError(
      "HealthCheckVersionMismatch",
      `The HealthCheckVersion ${expected} does not match the health check's version, which is ${check.version}: read it again and decide anew.`,
      409,
    );
}

const created = (check: HealthCheck) => ({
  HealthCheck: shape(check),
  Location: `https://route53.amazonaws.com/2013-04-01/healthcheck/${check.id}`,
});

function shape({ id, callerReference, config, version, alarm }: HealthCheck): any {
  return {
    Id: id,
    CallerReference: callerReference,
    HealthCheckConfig: config,
    HealthCheckVersion: version,
    CloudWatchAlarmConfiguration: alarm && alarmShape(alarm),
  };
}

/** One element for each checker that has something to say of an endpoint; the metric's checks have no endpoint. */
function reports({ id, config, checkers }: HealthCheck, of: (checker: Checker) => Observation | undefined): any {
  if (config.Type === "CALCULATED")
    throw invalidInput(`The status of the calculated health check ${id} is to be read from its CloudWatch metric HealthCheckStatus.`);
  return {
    HealthCheckObservations: checkers.flatMap((checker) => {
      const seen = of(checker);
      return seen
        ? { Region: checker.region, IPAddress: checker.address, StatusReport: { Status: seen.status, CheckedTime: new Date(seen.at) } }
        : [];
    }),
  };
}

/** JSON that is the same whatever the order of members. */
const sorted = (value: unknown) =>
  JSON.stringify(value, (_, part) =>
    part && typeof part === "object" && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).sort()) : part,
  );
