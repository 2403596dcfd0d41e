// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * What a batch of changes is refused for: its size, the values of a set, the company a set keeps under its name and type, and
 * where an alias leads. Gives the reasons in Route 53's words; refuses nothing by itself.
 */
import { isIPv4, isIPv6 } from "node:net";
import type { RecordSet, ZoneRecords } from "./route53-records.ts";

const MAX_RECORDS = 1000;
const MAX_VALUE_CHARACTERS = 32_000;
const MAX_RECORDS_A_SET = 400;
const MAX_WEIGHTED = 100;

/** An UPSERT counts twice. */
export function batchSizeProblem(changes: any[]): string | undefined {
  let records = 0;
  let characters = 0;
  for (const { Action, ResourceRecordSet } of changes) {
    const weight = Action === "UPSERT" ? 2 : 1;
    for (const { Value } of ResourceRecordSet?.ResourceRecords ?? []) {
      records += weight;
      characters += weight * String(Value).length;
    }
  }
  if (records > MAX_RECORDS) return `Number of records limit of ${MAX_RECORDS} exceeded.`;
  if (characters > MAX_VALUE_CHARACTERS) return `Number of characters limit of ${MAX_VALUE_CHARACTERS} exceeded.`;
  return undefined;
}

export function valueProblems({ Name, Type, ResourceRecords = [] }: RecordSet): string[] {
  const values = ResourceRecords.map(({ Value }) => Value);
  const problems: string[] = [];
  const fatal = (code: string, text: string, value: string) =>
    problems.push(`Invalid Resource Record: 'FATAL problem: ${code} (${text}) encountered with '${value}''`);
  if (values.length > MAX_RECORDS_A_SET)
    problems.push(
      `RRSet with DNS name ${Name}, type ${Type} has ${values.length} records, which exceeds the limit of ${MAX_RECORDS_A_SET}`,
    );
  if (new Set(values).size < values.length)
    problems.push(`Duplicate Resource Record: '${values.find((value, at) => values.indexOf(value) !== at)}'`);
  if ((Type === "CNAME" || Type === "SOA") && values.length > 1)
    problems.push(`${Type} RRSets can have only one value, not ${values.length}`);
  for (const value of values) {
    if (Type === "A" && !isIPv4(value)) fatal("ARRDATAIllegalIPv4Address", "Value is not a valid IPv4 address", value);
    if (Type === "AAAA" && !isIPv6(value)) fatal("AAAARRDATAIllegalIPv6Address", "Value is not a valid IPv6 address", value);
    if (Type === "TXT" && !/^"[^"]{0,255}"( +"[^"]{0,255}")*$/.test(value))
      fatal("InvalidCharacterString", "Value should be enclosed in quotation marks", value);
    if (["CNAME", "NS", "PTR"].includes(Type) && !/^([\w*-]{1,63}\.)*[\w-]{1,63}\.?$/.test(value))
      fatal("RRDATANotValidDomainName", "Value is not a valid domain name", value);
    if (Type === "SOA" && value.trim().split(/\s+/).length !== 7)
      fatal("SOARRDATAIllegalFieldCount", "Value should have seven fields", value);
  }
  return problems;
}

type Policy = "simple" | "weighted" | "failover";

const policyOf = (set: RecordSet): Policy => (set.Failover !== undefined ? "failover" : set.Weight !== undefined ? "weighted" : "simple");

/** The zone as it would be after the batch; `changed` are the sets the batch makes, which are the ones to blame. */
export function groupProblems(zoneName: string, after: readonly RecordSet[], changed: readonly RecordSet[]): string[] {
  return changed.flatMap((set) => {
    const { Name, Type, SetIdentifier } = set;
    const others = after.filter((each) => each.Name === Name && each.Type === Type && each !== set);
    const policy = policyOf(set);
    const named = `RRSet with DNS name ${Name}, type ${Type}, SetIdentifier ${SetIdentifier}`;
    const problems: string[] = [];
    if (policy === "simple" && others.length > 0)
      problems.push(`RRSet with DNS name ${Name}, type ${Type} cannot be created as other RRSets exist with the same name and type.`);
    if (policy !== "simple" && others.some((other) => policyOf(other) !== policy))
      problems.push(`${named} cannot be created as a non-${policy} set exists with the same name and type.`);
    if (policy === "failover" && others.some(({ Failover }) => Failover === set.Failover))
      problems.push(
        `${named}, and Failover ${set.Failover} cannot be created because a failover RRSet with the same name, type and failover role already exists.`,
      );
    const weighted = others.filter((other) => policyOf(other) === "weighted");
    if (policy === "weighted" && set.TTL !== undefined && weighted.some(({ TTL }) => TTL !== undefined && TTL !== set.TTL))
      problems.push(`${named} cannot be created as weighted sets must contain the same TTL.`);
    if (policy === "weighted" && weighted.length >= MAX_WEIGHTED)
      problems.push(`${named} cannot be created as ${MAX_WEIGHTED} weighted sets exist with the same name and type.`);
    return [...problems, ...cnameProblems(zoneName, after, set)];
  });
}

/** A CNAME stands alone under its name, and never at the zone's own. */
function cnameProblems(zoneName: string, after: readonly RecordSet[], { Name, Type }: RecordSet): string[] {
  if (Type === "CNAME" && Name === zoneName)
    return [`RRSet of type CNAME with DNS name ${Name} is not permitted at apex in zone ${zoneName}`];
  const clash = after.some((other) => other.Name === Name && other.Type !== Type && (Type === "CNAME" || other.Type === "CNAME"));
  return clash
    ? [
        `RRSet of type ${Type} with DNS name ${Name} is not permitted as it conflicts with other records with the same DNS name in zone ${zoneName}`,
      ]
    : [];
}

/** An alias leads to a set of the same type, in the same zone, that is there when the batch is done. */
export function aliasProblems(zone: ZoneRecords, after: readonly RecordSet[], changed: readonly RecordSet[]): string[] {
  return changed.flatMap(({ Name, Type, AliasTarget: target }) => {
    if (!target) return [];
    const tried = `Tried to create an alias that targets ${target.DNSName}, type ${Type} in zone ${target.HostedZoneId}`;
    const inside = target.HostedZoneId === zone.id && (target.DNSName === zone.name || target.DNSName.endsWith(`.${zone.name}`));
    const found = inside && target.DNSName !== Name && after.some((set) => set.Name === target.DNSName && set.Type === Type);
    return [
      ...(inside ? [] : [`${tried}, but the alias target name does not lie within the target zone`]),
      ...(found ? [] : [`${tried}, but that target was not found`]),
    ];
  });
}
