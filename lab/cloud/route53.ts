// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Route 53: hosted zones, record changes that take their time to reach the name servers, and what the name servers answer:
 * the records of `served`, which lags behind until a change is INSYNC. No delegation sets of one's own, no traffic policies.
 */
import { ServiceError } from "../wire/errors.ts";
import type { RecordSource } from "./dns.ts";
import { publishHealth } from "./route53-alarms.ts";
import { createCheckers } from "./route53-checkers.ts";
import { guarded } from "./route53-control.ts";
import { isHealthy } from "./route53-health.ts";
import { healthOperations } from "./route53-health-api.ts";
import { AWS_LIMITS, type Probe, type ProbeLimits, probe, type Verdict } from "./route53-probe.ts";
import { applyDeltas, compareSets, type Delta, domainName, invalidInput, planChanges, type RecordSet } from "./route53-records.ts";
import { answersOf } from "./route53-routing.ts";
import { type Change, healthCheckOf, stateOf, zoneOf } from "./route53-state.ts";
import { tagOperations } from "./route53-tags.ts";
import { firstRecords, listZones, listZonesByName, NAME_SERVERS, pageSize, type Zone, zoneShape } from "./route53-zones.ts";
import type { Operation, Service, World } from "./world.ts";

export { controlPlaneDark } from "./route53-control.ts";

export interface Route53Options {
  /** The account's limit of five requests a second. On unless switched off; calls inside the lab do not count. */
  readonly throttle?: boolean;
  /** How long a checker waits between two looks; the real interval unless told otherwise. */
  readonly healthCheckMs?: (requestIntervalSeconds: number) => number;
  /** How long an endpoint may take; AWS's limits where nothing is said. */
  readonly probeLimits?: Partial<ProbeLimits>;
  /** What looks at an endpoint; a real request unless told otherwise, as where time is virtual. */
  readonly probe?: (look: Probe) => Promise<Verdict>;
  /** How often the health checks' own metrics are written. */
  readonly metricsEveryMs?: number;
}

/** Faults a test or a drill sets; forgotten when the lab closes. */
export interface Route53Faults {
  /** So many of the next record changes meet a prior one that is still being worked on. */
  priorRequestNotComplete: number;
}

export interface Route53 extends Service {
  readonly faults: Route53Faults;
}

const PAGE = 300;
/** How often a change that the dark control plane holds back is looked at again. */
const HELD_LOOK_MS = 100;

/** What the DNS server may answer: the served records of the closest zone a name falls in, chosen by policy and health. */
export function servedRecords(world: World): RecordSource {
  return (name) => {
    const { zones, healthChecks } = stateOf(world);
    const inside = Object.values(zones).filter((zone) => name === zone.name || name.endsWith(`.${zone.name}`));
    const zone = inside.sort((a, b) => b.name.length - a.name.length)[0];
    if (!zone) return undefined;
    const routing = { records: zone.served, healthy: (id: string) => isHealthy(healthChecks, id), random: () => world.random() };
    return { zone: zone.name, records: zone.served, answersOf: (sets) => answersOf(routing, sets as readonly RecordSet[]) };
  };
}

export function createRoute53(world: World, options: Route53Options = {}): Route53 {
  const state = () => stateOf(world);
  const faults: Route53Faults = { priorRequestNotComplete: 0 };
  const metricsEveryMs = options.metricsEveryMs ?? 60_000;
  const checkers = createCheckers(world, {
    everyMs: options.healthCheckMs ?? ((seconds) => seconds * 1000),
    limits: { ...AWS_LIMITS, ...options.probeLimits },
    probe: options.probe ?? probe,
    records: servedRecords(world),
  });

  function publishAgain(): void {
    world.later(metricsEveryMs, "the health checks' metrics", async () => {
      try {
        await publishHealth(world);
      } finally {
        if (!world.closed) publishAgain();
      }
    });
  }

  function submit(zone: Zone, deltas: Delta[], comment?: string): Change {
    const change: Change = { id: `C${world.id(20).toUpperCase()}`, zone: zone.id, at: world.now(), deltas, comment, status: "PENDING" };
    state().changes[change.id] = change;
    settleAfter(world.timings.dnsInsyncMs, change);
    return change;
  }

  function settleAfter(ms: number, change: Change): void {
    world.later(ms, `the change ${change.id}`, () => settleOrHold(change));
  }

  function settleOrHold(change: Change): void {
    if (state().dark) settleAfter(HELD_LOOK_MS, change);
    else settle(change);
  }

  function settle(change: Change): void {
    const zone = state().zones[change.zone];
    change.status = "INSYNC";
    if (!zone || change.deltas.length === 0) return;
    zone.served = applyDeltas(zone.served, change.deltas);
    for (const { name, type, identifier, set } of change.deltas) {
      const named = identifier === undefined ? `${name} ${type}` : `${name} ${type} (${identifier})`;
      const values = set?.ResourceRecords?.map(({ Value }) => Value) ?? [`the records of ${set?.AliasTarget?.DNSName}`];
      const what = set ? `${named} is now answered with ${values.join(", ")}` : `${named} is no longer answered`;
      world.tell({
        kind: "dns",
        region: "us-east-1",
        service: "route53",
        what,
        detail: { zone: zone.name, change: change.id, ttl: set?.TTL },
      });
    }
  }

  const operations: Record<string, Operation> = {
    CreateHostedZone(input, caller) {
      const name = domainName(input.Name);
      if (Object.values(state().zones).some((zone) => zone.callerReference === input.CallerReference)) {
        throw new ServiceError(
          "HostedZoneAlreadyExists",
          `A hosted zone has already been created with the specified caller reference ${input.CallerReference}.`,
          409,
        );
      }
      const privateZone = input.HostedZoneConfig?.PrivateZone ?? Boolean(input.VPC);
      if (privateZone && !input.VPC) throw invalidInput("When you're creating a private hosted zone, you must specify a VPC.");
      const records = firstRecords(name);
      const zone: Zone = {
        id: `Z${world.id(20).toUpperCase()}`,
        name,
        callerReference: input.CallerReference,
        comment: input.HostedZoneConfig?.Comment,
        vpcs: input.VPC ? [input.VPC] : [],
        privateZone,
        records,
        served: records,
      };
      state().zones[zone.id] = zone;
      world.tell({
        kind: "dns",
        region: "us-east-1",
        service: "route53",
        what: `the ${privateZone ? "private" : "public"} zone ${name} exists`,
        detail: { id: zone.id, by: caller.principal },
      });
      const change = submit(zone, []);
      return {
        HostedZone: zoneShape(zone),
        ChangeInfo: changeShape(change),
        ...(privateZone ? { VPC: input.VPC } : { DelegationSet: { NameServers: NAME_SERVERS } }),
        Location: `https://route53.amazonaws.com/2013-04-01/hostedzone/${zone.id}`,
      };
    },
    GetHostedZone(input) {
      const zone = zoneOf(world, input.Id);
      return {
        HostedZone: zoneShape(zone),
        ...(zone.privateZone ? { VPCs: zone.vpcs } : { DelegationSet: { NameServers: NAME_SERVERS } }),
      };
    },
    DeleteHostedZone(input) {
      const zone = zoneOf(world, input.Id);
      if (zone.records.length > 2)
        throw new ServiceError(
          "HostedZoneNotEmpty",
          "The specified hosted zone contains non-required resource record sets and so cannot be deleted.",
          400,
        );
      const change = submit(zone, []);
      delete state().zones[zone.id];
      delete state().tags[`hostedzone/${zone.id}`];
      return { ChangeInfo: changeShape(change) };
    },
    ListHostedZones: (input) => listZones(Object.values(state().zones), input),
    ListHostedZonesByName: (input) => listZonesByName(Object.values(state().zones), input),
    ChangeResourceRecordSets(input, caller) {
      const zone = zoneOf(world, input.HostedZoneId);
      if (faults.priorRequestNotComplete > 0) {
        faults.priorRequestNotComplete--;
        throw new ServiceError(
          "PriorRequestNotComplete",
          "The request was rejected because Route 53 was still processing a prior request.",
          400,
        );
      }
      const changes: any[] = input.ChangeBatch?.Changes ?? [];
      if (changes.length === 0)
        throw invalidInput(
          "1 validation error detected: Value '[]' at 'changeBatch.changes' failed to satisfy constraint: Member must have length greater than or equal to 1",
        );
      const deltas = planChanges(zone, changes);
      for (const { set } of deltas) if (set?.HealthCheckId !== undefined) healthCheckOf(world, set.HealthCheckId);
      zone.records = applyDeltas(zone.records, deltas);
      const change = submit(zone, deltas, input.ChangeBatch.Comment);
      const detail = {
        zone: zone.name,
        change: change.id,
        by: caller.principal,
        changes: changes.map(({ Action, ResourceRecordSet: set }) => `${Action} ${set.Name} ${set.Type}`),
      };
      world.tell({
        kind: "dns",
        region: "us-east-1",
        service: "route53",
        what: `${changes.length} record change${changes.length === 1 ? "" : "s"} accepted for ${zone.name}`,
        detail,
      });
      return { ChangeInfo: changeShape(change) };
    },
    GetChange(input) {
      const id = input.Id.replace(/^\/?change\//, "");
      const change = state().changes[id];
      if (!change) throw new ServiceError("NoSuchChange", `Could not find resource with ID: ${id}`, 404);
      return { ChangeInfo: changeShape(change) };
    },
    ListResourceRecordSets(input) {
      const zone = zoneOf(world, input.HostedZoneId);
      if (input.StartRecordType && !input.StartRecordName)
        throw invalidInput("StartRecordType without StartRecordName: name the record to start from.");
      if (input.StartRecordIdentifier && !input.StartRecordType)
        throw invalidInput("StartRecordIdentifier without StartRecordType: name the record and the type to start from.");
      const start = input.StartRecordName && {
        Name: domainName(input.StartRecordName),
        Type: input.StartRecordType ?? "",
        SetIdentifier: input.StartRecordIdentifier,
      };
      const sets = [...zone.records].sort(compareSets).filter((set) => !start || compareSets(set, start) >= 0);
      const size = pageSize(input.MaxItems, PAGE);
      const next = sets[size];
      return {
        ResourceRecordSets: sets.slice(0, size),
        IsTruncated: Boolean(next),
        NextRecordName: next?.Name,
        NextRecordType: next?.Type,
        NextRecordIdentifier: next?.SetIdentifier,
        MaxItems: size,
      };
    },
  };

  const guard = guarded(world, options.throttle ?? true);
  Object.assign(operations, healthOperations(world, checkers), tagOperations(world));
  return {
    name: "route53",
    faults,
    operations: Object.fromEntries(Object.entries(operations).map(([name, run]) => [name, guard(run)])),
    /** Goes on with what an earlier lab left: changes that were not yet INSYNC, and health checks. */
    start() {
      // The zones' name servers are all one server here; LAB_DNS says at which port.
      const hosts = world.state<Record<string, string>>("hosts", () => ({}));
      for (const server of NAME_SERVERS) hosts[server] = "127.0.0.1";
      for (const change of Object.values(state().changes)) if (change.status === "PENDING") settleOrHold(change);
      for (const id of Object.keys(state().healthChecks)) checkers.watch(id);
      publishAgain();
    },
    stop: () => checkers.stop(),
  };
}

function changeShape(change: Change): any {
  return { Id: `/change/${change.id}`, Status: change.status, SubmittedAt: new Date(change.at), Comment: change.comment };
}
