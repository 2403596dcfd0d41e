/**
 * The record sets of a site's names in Route 53: as they stand, and exchanged in one batch. What stands there is deleted to the letter and
 * what is wanted created, so a writer whose idea of the old records is out of date is refused by Route 53 itself.
 */
import {
  type Change,
  ChangeResourceRecordSetsCommand,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
  Route53Client,
  type RRType,
} from "@aws-sdk/client-route-53";
import type { NamedSet } from "../core/site.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";

const route53 = perRegion((region) => new Route53Client({ region, ...CLIENT_SETTINGS }));
const REGION = "us-east-1";

const bare = (name: string) => name.replace(/\.$/, "").toLowerCase();

/** A name has few sets; those of the names after it are left out. */
const PAGE = 50;
const PLAIN = ["Name", "Type", "TTL", "ResourceRecords", "SetIdentifier", "Weight"];

export async function setsOf(zone: string, name: string): Promise<NamedSet[]> {
  const { ResourceRecordSets } = await route53(REGION).send(
    new ListResourceRecordSetsCommand({ HostedZoneId: zone, StartRecordName: name, MaxItems: PAGE }),
  );
  return (ResourceRecordSets ?? [])
    .filter((set) => bare(set.Name ?? "") === name)
    .map((set) => ({
      type: set.Type ?? "",
      identifier: set.SetIdentifier ?? null,
      weight: set.Weight ?? null,
      ttlSeconds: set.TTL ?? null,
      value: set.ResourceRecords?.length === 1 ? (set.ResourceRecords[0]?.Value ?? null) : null,
      more: Object.entries(set).some(([field, value]) => value !== undefined && !PLAIN.includes(field)),
    }));
}

export interface Exchanged {
  readonly name: string;
  readonly old: readonly NamedSet[];
  readonly wanted: readonly NamedSet[];
}

/** All of it or nothing. InvalidChangeBatch: the records are not what `old` says. */
export async function exchangeSets(zone: string, exchanged: readonly Exchanged[], comment: string): Promise<void> {
  const Changes = exchanged.flatMap(({ name, old, wanted }): Change[] => [
    ...old.map((set): Change => ({ Action: "DELETE", ResourceRecordSet: toSet(name, set) })),
    ...wanted.map((set): Change => ({ Action: "CREATE", ResourceRecordSet: toSet(name, set) })),
  ]);
  await route53(REGION).send(
    new ChangeResourceRecordSetsCommand({ HostedZoneId: zone, ChangeBatch: { Comment: comment.slice(0, 256), Changes } }),
  );
}

const toSet = (name: string, { type, identifier, weight, ttlSeconds, value }: NamedSet): ResourceRecordSet => ({
  Name: name,
  Type: type as RRType,
  ...(identifier === null ? {} : { SetIdentifier: identifier }),
  ...(weight === null ? {} : { Weight: weight }),
  TTL: ttlSeconds ?? 60,
  ResourceRecords: [{ Value: value ?? "" }],
});
