/** Route 53 records and the answers clients get. Route 53 is global; its API is signed for us-east-1. */
import { lookup } from "node:dns/promises";
import { ChangeResourceRecordSetsCommand, GetChangeCommand, ListResourceRecordSetsCommand, Route53Client } from "@aws-sdk/client-route-53";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";

const route53 = perRegion((region) => new Route53Client({ region, ...CLIENT_SETTINGS }));
const REGION = "us-east-1";

const bare = (name: string) => name.replace(/\.$/, "").toLowerCase();

export interface CnameRecord {
  readonly target: string;
  readonly ttlSeconds: number;
}

/** null when the zone holds no CNAME of that name. */
export async function readCname(zone: string, name: string): Promise<CnameRecord | null> {
  const { ResourceRecordSets } = await route53(REGION).send(
    new ListResourceRecordSetsCommand({ HostedZoneId: zone, StartRecordName: name, StartRecordType: "CNAME", MaxItems: 1 }),
  );
  const found = ResourceRecordSets?.[0];
  if (!found || bare(found.Name ?? "") !== bare(name) || found.Type !== "CNAME") return null;
  return { target: bare(found.ResourceRecords?.[0]?.Value ?? ""), ttlSeconds: found.TTL ?? 0 };
}

/** Points the name at the target, in one atomic change. Returns the change's id. */
export async function pointCname(zone: string, name: string, target: string, ttlSeconds: number, comment: string): Promise<string> {
  const { ChangeInfo } = await route53(REGION).send(
    new ChangeResourceRecordSetsCommand({
      HostedZoneId: zone,
      ChangeBatch: {
        Comment: comment.slice(0, 256),
        Changes: [
          { Action: "UPSERT", ResourceRecordSet: { Name: name, Type: "CNAME", TTL: ttlSeconds, ResourceRecords: [{ Value: target }] } },
        ],
      },
    }),
  );
  return ChangeInfo?.Id ?? "";
}

/** PENDING or INSYNC: whether all authoritative servers have the change. */
export async function changeStatus(id: string): Promise<string> {
  return (await route53(REGION).send(new GetChangeCommand({ Id: id }))).ChangeInfo?.Status ?? "UNKNOWN";
}

/** The address a client gets for the name now; null when it gets none. */
export async function resolve(name: string): Promise<string | null> {
  try {
    return (await lookup(name, { family: 4 })).address;
  } catch {
    return null;
  }
}
