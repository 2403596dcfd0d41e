/** Route 53 records, and the answers its servers and the VPC's resolver give. Route 53 is global; its API is signed for us-east-1. */
import { lookup, Resolver, resolveCname, resolveNs } from "node:dns/promises";
import { type Change, ChangeResourceRecordSetsCommand, ListResourceRecordSetsCommand, Route53Client } from "@aws-sdk/client-route-53";
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
  const found = await readSet(zone, name, "CNAME");
  return found && { target: bare(found.ResourceRecords?.[0]?.Value ?? ""), ttlSeconds: found.TTL ?? 0 };
}

/** The first value of the name's TXT record, with its quotes; null when the zone holds none. */
export async function readTxt(zone: string, name: string): Promise<string | null> {
  return (await readSet(zone, name, "TXT"))?.ResourceRecords?.[0]?.Value ?? null;
}

async function readSet(zone: string, name: string, type: "CNAME" | "TXT") {
  const { ResourceRecordSets } = await route53(REGION).send(
    new ListResourceRecordSetsCommand({ HostedZoneId: zone, StartRecordName: name, StartRecordType: type, MaxItems: 1 }),
  );
  const found = ResourceRecordSets?.[0];
  return found && bare(found.Name ?? "") === bare(name) && found.Type === type ? found : null;
}

export interface Pointing {
  readonly name: string;
  readonly target: string;
  readonly ttlSeconds: number;
}

/** A text record that is exchanged in the same batch: `old` must stand there to the letter, or the whole batch is refused. */
export interface Exchange {
  readonly name: string;
  readonly old: string | null;
  readonly new: string;
}

const STAMP_TTL_SECONDS = 60;

/** Points names at their targets in one atomic batch. Returns the change's id. InvalidChangeBatch: somebody else's stamp is there. */
export async function pointCnames(
  zone: string,
  pointings: readonly Pointing[],
  exchanges: readonly Exchange[],
  comment: string,
): Promise<string> {
  const txt = (name: string, value: string) => ({
    Name: name,
    Type: "TXT" as const,
    TTL: STAMP_TTL_SECONDS,
    ResourceRecords: [{ Value: value }],
  });
  const Changes: Change[] = [
    ...exchanges.flatMap((each): Change[] => [
      ...(each.old === null ? [] : [{ Action: "DELETE" as const, ResourceRecordSet: txt(each.name, each.old) }]),
      { Action: "CREATE" as const, ResourceRecordSet: txt(each.name, each.new) },
    ]),
    ...pointings.map(
      ({ name, target, ttlSeconds }): Change => ({
        Action: "UPSERT",
        ResourceRecordSet: { Name: name, Type: "CNAME", TTL: ttlSeconds, ResourceRecords: [{ Value: target }] },
      }),
    ),
  ];
  const { ChangeInfo } = await route53(REGION).send(
    new ChangeResourceRecordSetsCommand({ HostedZoneId: zone, ChangeBatch: { Comment: comment.slice(0, 256), Changes } }),
  );
  return ChangeInfo?.Id ?? "";
}

/** The address a client gets for the name now; null when it gets none. */
export async function resolve(name: string): Promise<string | null> {
  try {
    return (await lookup(name, { family: 4 })).address;
  } catch {
    return null;
  }
}

/** Where the name leads by its CNAME, as the VPC's resolver answers; null when it has none. */
export async function cnameOf(name: string): Promise<string | null> {
  try {
    return bare((await resolveCname(name))[0] ?? "") || null;
  } catch {
    return null;
  }
}

export interface ServerAnswer {
  readonly server: string;
  /** null: the server answered, and not with a CNAME. */
  readonly target: string | null;
}

const SERVER_PATIENCE = { timeout: 700, tries: 1 };
/** The name servers of a zone never change; an empty answer is asked for again. */
const serversOfZone = new Map<string, readonly string[]>();

/**
 * What each of the zone's own servers answers for a name with a CNAME. Servers that refuse or cannot be reached are left out: a private
 * zone's do, and there the VPC's resolver is the authority. An empty list says just that.
 */
export async function askAuthorities(name: string): Promise<ServerAnswer[]> {
  const answers = await Promise.all(
    (await authoritiesOf(name)).map(async (server): Promise<ServerAnswer | null> => {
      try {
        const resolver = new Resolver(SERVER_PATIENCE);
        resolver.setServers([server]);
        return { server, target: bare((await resolver.resolveCname(name))[0] ?? "") };
      } catch (error) {
        return ["ENODATA", "ENOTFOUND"].includes((error as { code?: string }).code ?? "") ? { server, target: null } : null;
      }
    }),
  );
  return answers.filter((answer) => answer !== null);
}

/** Addresses of the servers of the closest zone above the name. */
async function authoritiesOf(name: string): Promise<readonly string[]> {
  const labels = bare(name).split(".");
  for (let at = 1; at < labels.length; at++) {
    const zone = labels.slice(at).join(".");
    const known = serversOfZone.get(zone);
    if (known) return known;
    const servers = await resolveNs(zone).catch(() => []);
    if (servers.length === 0) continue;
    const addresses = (await Promise.all(servers.map(resolve))).filter((address) => address !== null);
    if (addresses.length > 0) serversOfZone.set(zone, addresses);
    return addresses;
  }
  return [];
}
