/**
 * Which records answer a query: one set of each name and type, chosen by its policy and by health, aliases followed inside the
 * zone. Route 53 never answers nothing because all is unhealthy: it then treats everything as healthy. Changes nothing.
 *
 * | primary   | secondary              | answer    |
 * |-----------|------------------------|-----------|
 * | healthy   | either                 | primary   |
 * | unhealthy | healthy, or no check   | secondary |
 * | unhealthy | unhealthy              | primary   |
 */
import type { ZoneRecord } from "./dns.ts";
import type { RecordSet } from "./route53-records.ts";

export interface Routing {
  /** The zone's sets that are in sync. */
  readonly records: readonly RecordSet[];
  healthy(healthCheckId: string): boolean;
  /** Chance in [0, 1). */
  random(): number;
}

/** An alias may lead to an alias; a ring of them answers nothing. */
const MAX_ALIASES = 8;

/** One answer for each type among the sets of one name. */
export function answersOf(routing: Routing, sets: readonly RecordSet[], depth = 0): ZoneRecord[] {
  const types = [...new Set(sets.map(({ Type }) => Type))];
  return types.flatMap((type) => {
    const chosen = choose(
      routing,
      sets.filter(({ Type }) => Type === type),
    );
    return chosen ? concrete(routing, chosen, depth) : [];
  });
}

function choose(routing: Routing, group: readonly RecordSet[]): RecordSet | undefined {
  const healthy = (set: RecordSet) => setIsHealthy(routing, set);
  const primary = group.find(({ Failover }) => Failover === "PRIMARY");
  const secondary = group.find(({ Failover }) => Failover === "SECONDARY");
  if (primary || secondary) {
    if (primary && healthy(primary)) return primary;
    return secondary && healthy(secondary) ? secondary : (primary ?? secondary);
  }
  if (group.some(({ Weight }) => Weight !== undefined)) return chooseByWeight(routing, group, group.filter(healthy));
  return group[0];
}

/** Sets of weight 0 are asked only when no other healthy one is left; when all are 0, each is as likely as the next. */
function chooseByWeight(routing: Routing, all: readonly RecordSet[], healthy: readonly RecordSet[]): RecordSet | undefined {
  const candidates = healthy.length > 0 ? healthy : all;
  const weighted = candidates.filter(({ Weight = 0 }) => Weight > 0);
  if (weighted.length === 0) return candidates[Math.floor(routing.random() * candidates.length)];
  let left = routing.random() * weighted.reduce((sum, { Weight = 0 }) => sum + Weight, 0);
  for (const set of weighted) {
    left -= set.Weight ?? 0;
    if (left < 0) return set;
  }
  return weighted.at(-1);
}

/** Without a health check, and without a target whose health is evaluated, a set is healthy. */
function setIsHealthy(routing: Routing, { HealthCheckId, AliasTarget, Type }: RecordSet, depth = 0): boolean {
  if (HealthCheckId !== undefined && !routing.healthy(HealthCheckId)) return false;
  if (!AliasTarget?.EvaluateTargetHealth || depth >= MAX_ALIASES) return true;
  const targets = targetsOf(routing, AliasTarget.DNSName, Type);
  return targets.length === 0 || targets.some((target) => setIsHealthy(routing, target, depth + 1));
}

const targetsOf = (routing: Routing, name: string, type: string) => routing.records.filter((set) => set.Name === name && set.Type === type);

/** The set's own values, or its target's, under the set's name. An alias has its target's TTL. */
function concrete(routing: Routing, { Name, Type, AliasTarget, TTL = 0, ResourceRecords = [] }: RecordSet, depth: number): ZoneRecord[] {
  if (!AliasTarget) return [{ Name, Type, TTL, ResourceRecords }];
  if (depth >= MAX_ALIASES) return [];
  return answersOf(routing, targetsOf(routing, AliasTarget.DNSName, Type), depth + 1).map((record) => ({ ...record, Name }));
}
