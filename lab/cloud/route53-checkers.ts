/**
 * The health checkers: some for each health check, spread over the regions, each looking at its own pace and making up its own
 * mind. Uncoordinated, so an endpoint sees several requests an interval. Data plane: it goes on while the control plane is dark.
 */

import { addressOf, type RecordSource } from "./dns.ts";
import { readAlarm } from "./route53-alarms.ts";
import { type Checker, type HealthCheck, isHealthy, observe } from "./route53-health.ts";
import { CHECKER_REGIONS, isEndpointType } from "./route53-health-config.ts";
import type { Probe, ProbeLimits, Verdict } from "./route53-probe.ts";
import { stateOf } from "./route53-state.ts";
import type { World } from "./world.ts";

export interface CheckerOptions {
  /** The pace of one checker; AWS's is the interval itself. */
  readonly everyMs: (requestIntervalSeconds: number) => number;
  readonly limits: ProbeLimits;
  readonly probe: (look: Probe) => Promise<Verdict>;
  readonly records: RecordSource;
}

/** One for each region by default: a single healthy one is 12.5 %, too few; two are 25 %, enough. */
const CHECKERS = 8;
/** Metrics are of standard resolution; they are looked at as often as the fastest endpoint. */
const METRIC_INTERVAL_S = 10;

/** Where checkers look from. All of 127.0.0.0/8 is loopback on Linux; elsewhere a checker has no address of its own. */
const addressOfChecker = (at: number) => (process.platform === "linux" ? `127.0.53.${at + 1}` : "127.0.0.1");

export function checkersFor(regions: readonly string[] = CHECKER_REGIONS): Checker[] {
  return Array.from({ length: CHECKERS }, (_, at) => ({
    region: regions[at % regions.length]!,
    address: addressOfChecker(at),
    healthy: true,
    against: 0,
  }));
}

export interface Checkers {
  /** Begins to look; again for the same check does nothing. */
  watch(id: string): void;
  /** Puts changes of verdict into the story. */
  tellChanges(): void;
  stop(): void;
}

export function createCheckers(world: World, options: CheckerOptions): Checkers {
  const watched = new Set<string>();
  const closing = new AbortController();
  const checks = () => stateOf(world).healthChecks;

  function tellChanges(): void {
    for (const check of Object.values(checks())) {
      const healthy = isHealthy(checks(), check.id);
      if (check.told === healthy) continue;
      const first = check.told === undefined;
      check.told = healthy;
      if (first && healthy) continue;
      world.tell({
        kind: "state",
        region: "us-east-1",
        service: "route53",
        what: `health check ${check.id} is now ${healthy ? "healthy" : "unhealthy"}`,
        detail: { id: check.id, type: check.config.Type, inverted: check.config.Inverted, disabled: check.config.Disabled },
      });
    }
  }

  /** Looks again and again, until the check is gone. A disabled check is not looked at. */
  function keepLooking(id: string, everyMs: number, phase: number, look: (check: HealthCheck) => Promise<void>): void {
    const next = (ms: number) =>
      world.later(ms, `health check ${id}`, async () => {
        const check = checks()[id];
        if (!check) {
          watched.delete(id);
          return;
        }
        try {
          if (!check.config.Disabled) await look(check);
          if (!closing.signal.aborted) tellChanges();
        } finally {
          if (!world.closed) next(everyMs);
        }
      });
    next(everyMs * phase);
  }

  async function lookFrom(at: number, { id, config }: HealthCheck): Promise<void> {
    const from = checks()[id]?.checkers[at]?.address ?? "";
    const address = config.IPAddress ?? addressOf(world, options.records, config.FullyQualifiedDomainName ?? "");
    const { passed, status } = await options.probe({
      config,
      checkId: id,
      address,
      from,
      limits: options.limits,
      signal: closing.signal,
    });
    // Settings may have changed meanwhile: what was seen of another endpoint is not held against this one.
    const now = checks()[id];
    const checker = now?.checkers[at];
    if (closing.signal.aborted || !now || !checker || now.config !== config) return;
    observe(checker, passed, { at: world.now(), status }, config.FailureThreshold ?? 3);
  }

  return {
    watch(id) {
      const check = checks()[id];
      if (!check || watched.has(id)) return;
      watched.add(id);
      const { Type, RequestInterval = 30 } = check.config;
      if (isEndpointType(Type))
        for (const at of check.checkers.keys())
          keepLooking(id, options.everyMs(RequestInterval), world.random(), (found) => lookFrom(at, found));
      else if (Type === "CLOUDWATCH_METRIC") {
        const everyMs = Math.min(options.everyMs(METRIC_INTERVAL_S), world.timings.metricMinuteMs / 6);
        keepLooking(id, everyMs, 0, (found) => readAlarm(world, found));
      }
    },
    tellChanges,
    stop: () => closing.abort(),
  };
}
