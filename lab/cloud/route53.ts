// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Route 53: hosted zones, record changes that take their time to reach the name servers, and the account's five requests
 * a second. The DNS server answers from `served`, which lags behind the records until a change is INSYNC.
 * No health checks, no routing policies, no delegation sets of one's own.
 */
import { ServiceError } from "../wire/errors.ts";
import type { RecordSource } from "./dns.ts";
import { applyDeltas, compareSets, type Delta, domainName, invalidInput, planChanges } from "./route53-records.ts";
import { firstRecords, listZones, listZonesByName, NAME_SERVERS, pageSize, type Zone, zoneShape } from "./route53-zones.ts";
import type { Operation, Service, World } from "./world.ts";

export interface Route53Options {
  /** The account's limit of five requests a second. On unless switched off; calls inside the lab do not count. */
  readonly throttle?: boolean;
}

interface Change {
  readonly id: string;
  readonly zone: string;
  readonly at: number;
  readonly deltas: Delta[];
  readonly comment?: string;
  status: "PENDING" | "INSYNC";
}

interface State {
  zones: Record<string, Zone>;
  changes: Record<string, Change>;
}

const REQUESTS_A_SECOND = 5;
const PAGE = 300;

const stateOf = (world: World) => world.state<State>("route53", () => ({ zones: {}, changes: {} }));

/** What the DNS server may answer: the served records of the closest zone a name falls in. */
export function servedRecords(world: World): RecordSource {
  return (name) => {
    const inside = Object.values(stateOf(world).zones).filter((zone) => name === zone.name || name.endsWith(`.${zone.name}`));
    const zone = inside.sort((a, b) => b.name.length - a.name.length)[0];
    return zone && { zone: zone.name, records: zone.served };
  };
}

export function createRoute53(world: World, options: Route53Options = {}): Service {
  const state = () => stateOf(world);
  let tokens = REQUESTS_A_SECOND;
  let filledAt = world.now();

  /** A token bucket over every operation, as the limit is the account's. */
  function limited(run: Operation): Operation {
    return (input, caller) => {
      if ((options.throttle ?? true) && !caller.principal.startsWith("service:")) {
        const now = world.now();
        tokens = Math.min(REQUESTS_A_SECOND, tokens + ((now - filledAt) / 1000) * REQUESTS_A_SECOND);
        filledAt = now;
        if (tokens < 1) throw new ServiceError("Throttling", "Rate exceeded", 400);
        tokens -= 1;
      }
      return run(input, caller);
    };
  }

  function zoneOf(given: string): Zone {
    const id = given.replace(/^\/?hostedzone\//, "");
    const zone = state().zones[id];
    if (!zone) throw new ServiceError("NoSuchHostedZone", `No hosted zone found with ID: ${id}`, 404);
    return zone;
  }

  function submit(zone: Zone, deltas: Delta[], comment?: string): Change {
    const change: Change = { id: `C${world.id(20).toUpperCase()}`, zone: zone.id, at: world.now(), deltas, comment, status: "PENDING" };
    state().changes[change.id] = change;
    world.later(world.timings.dnsInsyncMs, `the change ${change.id}`, () => settle(change));
    return change;
  }

  function settle(change: Change): void {
    const zone = state().zones[change.zone];
    change.status = "INSYNC";
    if (!zone || change.deltas.length === 0) return;
    zone.served = applyDeltas(zone.served, change.deltas);
    for (const { name, type, set } of change.deltas) {
      const values = set?.ResourceRecords.map(({ Value }) => Value);
      const what = values ? `${name} ${type} is now answered with ${values.join(", ")}` : `${name} ${type} is no longer answered`;
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
      const zone = zoneOf(input.Id);
      return {
        HostedZone: zoneShape(zone),
        ...(zone.privateZone ? { VPCs: zone.vpcs } : { DelegationSet: { NameServers: NAME_SERVERS } }),
      };
    },
    DeleteHostedZone(input) {
      const zone = zoneOf(input.Id);
      if (zone.records.length > 2)
        throw new ServiceError(
          "HostedZoneNotEmpty",
          "The specified hosted zone contains non-required resource record sets and so cannot be deleted.",
          400,
        );
      const change = submit(zone, []);
      delete state().zones[zone.id];
      return { ChangeInfo: changeShape(change) };
    },
    ListHostedZones: (input) => listZones(Object.values(state().zones), input),
    ListHostedZonesByName: (input) => listZonesByName(Object.values(state().zones), input),
    ChangeResourceRecordSets(input, caller) {
      const zone = zoneOf(input.HostedZoneId);
      const changes: any[] = input.ChangeBatch?.Changes ?? [];
      if (changes.length === 0)
        throw invalidInput(
          "1 validation error detected: Value '[]' at 'changeBatch.changes' failed to satisfy constraint: Member must have length greater than or equal to 1",
        );
      const deltas = planChanges(zone.name, zone.records, changes);
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
      const zone = zoneOf(input.HostedZoneId);
      if (input.StartRecordType && !input.StartRecordName)
        throw invalidInput("StartRecordType without StartRecordName: name the record to start from.");
      const start = input.StartRecordName && { Name: domainName(input.StartRecordName), Type: input.StartRecordType ?? "" };
      const sets = [...zone.records].sort(compareSets).filter((set) => !start || compareSets(set, start) >= 0);
      const size = pageSize(input.MaxItems, PAGE);
      const next = sets[size];
      return {
        ResourceRecordSets: sets.slice(0, size),
        IsTruncated: Boolean(next),
        NextRecordName: next?.Name,
        NextRecordType: next?.Type,
        MaxItems: size,
      };
    },
  };

  return {
    name: "route53",
    operations: Object.fromEntries(Object.entries(operations).map(([name, run]) => [name, limited(run)])),
    /** Changes of a lab that closed before they were INSYNC. */
    start() {
      for (const change of Object.values(state().changes)) if (change.status === "PENDING") settle(change);
    },
  };
}

function changeShape(change: Change): any {
  return { Id: `/change/${change.id}`, Status: change.status, SubmittedAt: new Date(change.at), Comment: change.comment };
}
