// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** The rules of a security group: as sent, one source each, merged as shown, and by id. Keeps nothing. */
import { isIPv4, isIPv6 } from "node:net";
import { ServiceError } from "../wire/errors.ts";
import type { Caller } from "./world.ts";

const SOURCES = [
  ["IpRanges", "CidrIp"],
  ["Ipv6Ranges", "CidrIpv6"],
  ["UserIdGroupPairs", "GroupId"],
  ["PrefixListIds", "PrefixListId"],
] as const;

/** The default group's one rule: its members reach each other. */
export function membersOnly(GroupId: string, UserId: string): any[] {
  return [{ IpProtocol: "-1", IpRanges: [], Ipv6Ranges: [], UserIdGroupPairs: [{ UserId, GroupId }], PrefixListIds: [] }];
}

/** The older form names one CIDR and its ports beside the group. */
export function permissionsOf(input: any): any[] {
  if (input.IpPermissions) return input.IpPermissions;
  if (!input.CidrIp) return [];
  return [{ IpProtocol: input.IpProtocol, FromPort: input.FromPort, ToPort: input.ToPort, IpRanges: [{ CidrIp: input.CidrIp }] }];
}

/** Each permission as one rule a source, in JSON. A group named without its owner is one of `account`. */
export function singles(permissions: any[], account?: string): string[] {
  const whole = (source: any) => (source.GroupId && account ? { UserId: account, ...source } : source);
  return permissions.flatMap(({ IpProtocol, FromPort, ToPort, ...sources }) =>
    SOURCES.flatMap(([list]) =>
      (sources[list] ?? []).map((source: any) =>
        JSON.stringify({ IpProtocol: protocolName(IpProtocol), FromPort, ToPort, list, source: whole(source) }),
      ),
    ),
  );
}

export function merged(rules: string[]): any[] {
  const byPorts = new Map<string, any>();
  for (const rule of rules) {
    const { IpProtocol, FromPort, ToPort, list, source } = JSON.parse(rule);
    const key = `${IpProtocol} ${FromPort} ${ToPort}`;
    const permission = byPorts.get(key) ?? {
      IpProtocol,
      FromPort,
      ToPort,
      IpRanges: [],
      Ipv6Ranges: [],
      UserIdGroupPairs: [],
      PrefixListIds: [],
    };
    permission[list].push(source);
    byPorts.set(key, permission);
  }
  return [...byPorts.values()];
}

/** Two rules are the same when protocol, ports and source are; descriptions do not count. */
export function sameSource(a: string, b: string): boolean {
  return ruleText(a) === ruleText(b);
}

export function ruleText(rule: string): string {
  const { IpProtocol, FromPort, ToPort, list, source } = JSON.parse(rule);
  const key = SOURCES.find(([name]) => name === list)![1];
  return `peer: ${source[key]}, ${IpProtocol}, from port: ${FromPort ?? "all"}, to port: ${ToPort ?? "all"}, ALLOW`;
}

export function checkNetworks(rules: string[]): void {
  for (const rule of rules) {
    const { CidrIp, CidrIpv6 } = JSON.parse(rule).source;
    const [address = "", bits = "", ...more] = (CidrIp ?? CidrIpv6 ?? "0.0.0.0/0").split("/");
    const fits = CidrIpv6 === undefined ? isIPv4(address) && Number(bits) <= 32 : isIPv6(address) && Number(bits) <= 128;
    if (!fits || !/^\d+$/.test(bits) || more.length > 0)
      throw new ServiceError("InvalidParameterValue", `CIDR block ${CidrIp ?? CidrIpv6} is malformed`, 400);
  }
}

/** One rule as EC2 names it since rules have ids, which depend on what the rule says. */
export function ruleShape(caller: Caller, group: { readonly GroupId: string }, rule: string): any {
  const { IpProtocol, FromPort, ToPort, source } = JSON.parse(rule);
  const id = `sgr-${shortHash(`${group.GroupId} ${ruleText(rule)}`)}`;
  return {
    SecurityGroupRuleId: id,
    SecurityGroupRuleArn: `arn:aws:ec2:${caller.region}:${caller.account}:security-group-rule/${id}`,
    GroupId: group.GroupId,
    GroupOwnerId: caller.account,
    IsEgress: false,
    IpProtocol,
    FromPort: FromPort ?? -1,
    ToPort: ToPort ?? -1,
    CidrIpv4: source.CidrIp,
    CidrIpv6: source.CidrIpv6,
    PrefixListId: source.PrefixListId,
    ReferencedGroupInfo: source.GroupId && { GroupId: source.GroupId, UserId: source.UserId },
    Description: source.Description,
  };
}

function protocolName(given: unknown): string {
  return { 6: "tcp", 17: "udp", 1: "icmp" }[String(given)] ?? String(given);
}

/** Eight hex characters that are always the same for the same text, so that ids do not change between labs. */
export function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193) >>> 0;
  return hash.toString(16).padStart(8, "0");
}
