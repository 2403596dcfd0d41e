// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Hosted zones: their shape, the records each one begins with, and the two listings. Changes nothing.
 */
import { compareNames, domainName, invalidInput, type RecordSet } from "./route53-records.ts";

export interface Zone {
  readonly id: string;
  readonly name: string;
  readonly callerReference: string;
  readonly comment?: string;
  readonly vpcs: any[];
  readonly privateZone: boolean;
  records: RecordSet[];
  /** What the name servers answer: the records of changes that are INSYNC. */
  served: RecordSet[];
}

export const NAME_SERVERS = ["ns-1.awsdns-00.com", "ns-513.awsdns-00.net", "ns-1025.awsdns-00.org", "ns-1537.awsdns-00.co.uk"];

/** The NS and SOA records no zone is without. */
export function firstRecords(name: string): RecordSet[] {
  const values = (...list: string[]) => list.map((Value) => ({ Value }));
  return [
    { Name: name, Type: "NS", TTL: 172_800, ResourceRecords: values(...NAME_SERVERS.map((server) => `${server}.`)) },
    {
      Name: name,
      Type: "SOA",
      TTL: 900,
      ResourceRecords: values(`${NAME_SERVERS[0]}. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400`),
    },
  ];
}

export function listZones(zones: Zone[], input: any): any {
  const from = input.Marker ? zones.findIndex((zone) => zone.id === input.Marker) : 0;
  if (from < 0) throw invalidInput(`The marker ${input.Marker} is no zone's id.`);
  const size = pageSize(input.MaxItems, 100);
  const next = zones[from + size];
  const HostedZones = zones.slice(from, from + size).map(zoneShape);
  return { HostedZones, Marker: input.Marker, IsTruncated: Boolean(next), NextMarker: next?.id, MaxItems: size };
}

export function listZonesByName(zones: Zone[], input: any): any {
  const start = input.DNSName ? domainName(input.DNSName) : undefined;
  const left = [...zones]
    .sort((a, b) => compareNames(a.name, b.name) || (a.id < b.id ? -1 : 1))
    .filter((zone) => !start || compareNames(zone.name, start) > 0 || (zone.name === start && zone.id >= (input.HostedZoneId ?? "")));
  const size = pageSize(input.MaxItems, 100);
  const next = left[size];
  return {
    HostedZones: left.slice(0, size).map(zoneShape),
    DNSName: input.DNSName,
    HostedZoneId: input.HostedZoneId,
    IsTruncated: Boolean(next),
    NextDNSName: next?.name,
    NextHostedZoneId: next?.id,
    MaxItems: size,
  };
}

export function zoneShape(zone: Zone): any {
  return {
    Id: `/hostedzone/${zone.id}`,
    Name: zone.name,
    CallerReference: zone.callerReference,
    Config: { Comment: zone.comment, PrivateZone: zone.privateZone },
    ResourceRecordSetCount: zone.records.length,
  };
}

export function pageSize(given: unknown, most: number): number {
  if (given === undefined) return most;
  const size = Number(given);
  if (!(Number.isInteger(size) && size >= 1)) throw invalidInput(`MaxItems ${given} is invalid: a whole number from 1 up is expected.`);
  return Math.min(size, most);
}
