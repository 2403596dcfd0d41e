/**
 * Whether a health check is healthy: from what its checkers saw, its children, or its metric, turned round by Inverted and
 * overruled by Disabled. Pure: reads what others have noted, asks nobody.
 */
import type { AlarmState, Rule } from "./cloudwatch-evaluation.ts";

export type HealthCheckType = "HTTP" | "HTTPS" | "HTTP_STR_MATCH" | "HTTPS_STR_MATCH" | "TCP" | "CALCULATED" | "CLOUDWATCH_METRIC";

/** As the API gives it, with the defaults filled in. */
export interface HealthCheckConfig {
  Type: HealthCheckType;
  IPAddress?: string;
  Port?: number;
  ResourcePath?: string;
  FullyQualifiedDomainName?: string;
  SearchString?: string;
  RequestInterval?: number;
  FailureThreshold?: number;
  MeasureLatency?: boolean;
  EnableSNI?: boolean;
  Regions?: string[];
  Inverted: boolean;
  Disabled: boolean;
  HealthThreshold?: number;
  ChildHealthChecks?: string[];
  AlarmIdentifier?: { Region: string; Name: string };
  InsufficientDataHealthStatus?: "Healthy" | "Unhealthy" | "LastKnownStatus";
}

export interface Observation {
  readonly at: number;
  readonly status: string;
}

/** One of the places the endpoint is looked at from. It changes its mind after FailureThreshold answers in a row. */
export interface Checker {
  readonly region: string;
  readonly address: string;
  healthy: boolean;
  /** Answers in a row that speak against `healthy`. */
  against: number;
  last?: Observation;
  lastFailure?: Observation;
}

/** The alarm as it was when the health check was made or last updated: later changes of the alarm are not followed. */
export interface WatchedAlarm {
  readonly namespace: string;
  readonly metricName: string;
  readonly dimensions: readonly { readonly Name: string; readonly Value: string }[];
  readonly statistic: string;
  readonly unit?: string;
  readonly periodS: number;
  readonly rule: Rule;
}

export interface HealthCheck {
  readonly id: string;
  readonly callerReference: string;
  config: HealthCheckConfig;
  version: number;
  checkers: Checker[];
  alarm?: WatchedAlarm;
  /** What the metric says, and what it said when it last said anything. */
  metric?: { state: AlarmState; lastKnown?: "OK" | "ALARM" };
  /** The verdict last told in the story. */
  told?: boolean;
}

export type HealthChecks = Readonly<Record<string, HealthCheck>>;

/** An endpoint is healthy when more than this share of its checkers say so. */
const HEALTHY_SHARE = 0.18;

/** A check that is gone counts as healthy: AWS promises nothing for it. */
export function isHealthy(checks: HealthChecks, id: string): boolean {
  const check = checks[id];
  if (!check) return true;
  const { Disabled, Inverted } = check.config;
  return (Disabled || seen(checks, check)) !== Inverted;
}

function seen(checks: HealthChecks, { config, checkers, metric }: HealthCheck): boolean {
  switch (config.Type) {
    case "CALCULATED": {
      const healthy = (config.ChildHealthChecks ?? []).filter((child) => isHealthy(checks, child)).length;
      return healthy >= (config.HealthThreshold ?? 0);
    }
    case "CLOUDWATCH_METRIC":
      return metricHealth(metric, config.InsufficientDataHealthStatus);
    default:
      return shareHealthy(checkers) > HEALTHY_SHARE;
  }
}

export function shareHealthy(checkers: readonly Checker[]): number {
  return checkers.filter(({ healthy }) => healthy).length / checkers.length;
}

function metricHealth(metric: HealthCheck["metric"], whenInsufficient: HealthCheckConfig["InsufficientDataHealthStatus"]): boolean {
  if (!metric) return true;
  if (metric.state !== "INSUFFICIENT_DATA") return metric.state === "OK";
  if (whenInsufficient === "Healthy") return true;
  if (whenInsufficient === "Unhealthy") return false;
  return metric.lastKnown !== "ALARM";
}

/** What one answer makes of a checker's mind. */
export function observe(checker: Checker, passed: boolean, observation: Observation, threshold: number): void {
  checker.last = observation;
  if (!passed) checker.lastFailure = observation;
  checker.against = passed === checker.healthy ? 0 : checker.against + 1;
  if (checker.against < threshold) return;
  checker.healthy = passed;
  checker.against = 0;
}
