// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Record sets: names, values and the rules of a batch of changes, which holds as a whole or not at all.
 * Simple routing only: aliases and sets with a SetIdentifier (weighted, failover, …) are refused. Keeps no state.
 */
import { isIPv4, isIPv6 } from "node:net";
import { ServiceError } from "../wire/errors.ts";

export interface RecordSet {
  readonly Name: string;
  readonly Type: string;
  readonly TTL: number;
  readonly ResourceRecords: readonly { readonly Value: string }[];
}

/** What one change makes of its name and type: the new set, or nothing. */
export interface Delta {
  readonly name: string;
  readonly type: string;
  readonly set: RecordSet | null;
}

const TYPES = ["A", "AAAA", "CNAME", "NS", "PTR", "SOA", "TXT"];
const MAX_RECORDS = 1000;
const MAX_VALUE_CHARACTERS = 32_000;

export const invalidInput = (message: string) => new ServiceError("InvalidInput", message, 400);

/** Lower case, with the final dot, `*` as AWS writes it. */
export function domainName(given: string): string {
  const name = given.toLowerCase().replace(/\.?$/, ".").replace(/^\*\./, "\\052.");
  const labels = name.slice(0, -1).split(".");
  if (name.length > 255 || labels.some((label) => !/^(\\052|[!-~]{1,63})$/.test(label) || label === "")) {
    throw new ServiceError("InvalidDomainName", `${given} is not a valid domain name.`, 400);
  }
  return name;
}

/** Route 53's order: by labels from the right. */
export function compareNames(a: string, b: string): number {
  const turned = (name: string) => name.split(".").reverse().join(".");
  const [left, right] = [turned(a), turned(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

export function compareSets(a: { Name: string; Type: string }, b: { Name: string; Type: string }): number {
  return compareNames(a.Name, b.Name) || (a.Type < b.Type ? -1 : a.Type > b.Type ? 1 : 0);
}

/** The batch as deltas. Throws InvalidInput for a malformed change, InvalidChangeBatch with every reason otherwise. */
export function planChanges(zoneName: string, records: readonly RecordSet[], changes: any[]): Delta[] {
  checkSize(changes);
  const wanted = changes.map((change) => ({ action: change.Action as string, set: setFrom(change) }));
  const problems: string[] = [];
  const deltas: Delta[] = [];
  for (const { action, set } of wanted) {
    const { Name: name, Type: type } = set;
    const current = records.find((each) => each.Name === name && each.Type === type);
    const label = `resource record set [name='${name}', type='${type}']`;
    problems.push(...valueProblems(set));
    if (deltas.some((delta) => delta.name === name && delta.type === type)) {
      problems.push(`The request contains an invalid set of changes for a resource record set '${type} ${name}'`);
    }
    if (name !== zoneName && !name.endsWith(`.${zoneName}`))
      problems.push(`RRSet with DNS name ${name} is not permitted in zone ${zoneName}`);
    if (action === "CREATE" && current) problems.push(`Tried to create ${label} but it already exists`);
    if (action === "DELETE" && !current) problems.push(`Tried to delete ${label} but it was not found`);
    if (action === "DELETE" && current && !sameSet(current, set))
      problems.push(`Tried to delete ${label} but the values provided do not match the current values`);
    if (action === "DELETE" && name === zoneName && type === "SOA") problems.push("A HostedZone must contain exactly one SOA record.");
    if (action === "DELETE" && name === zoneName && type === "NS")
      problems.push("A HostedZone must contain at least one NS record for the zone itself.");
    deltas.push({ name, type, set: action === "DELETE" ? null : set });
  }
  if (problems.length === 0) problems.push(...nameConflicts(zoneName, applyDeltas(records, deltas)));
  if (problems.length > 0) throw new ServiceError("InvalidChangeBatch", `[${problems.join(", ")}]`, 400);
  return deltas;
}

export function applyDeltas(records: readonly RecordSet[], deltas: readonly Delta[]): RecordSet[] {
  const left = records.filter((set) => !deltas.some((delta) => delta.name === set.Name && delta.type === set.Type));
  return [...left, ...deltas.flatMap((delta) => delta.set ?? [])].sort(compareSets);
}

function setFrom({ Action, ResourceRecordSet: set }: any): RecordSet {
  if (!["CREATE", "DELETE", "UPSERT"].includes(Action))
    throw invalidInput(`Invalid request: Action ${Action} is not CREATE, DELETE or UPSERT.`);
  const where = `Change with [Action=${Action}, Name=${set?.Name}, Type=${set?.Type}, SetIdentifier=${set?.SetIdentifier ?? null}]`;
  if (!set?.Name || !set.Type) throw invalidInput(`Invalid request: Name and Type are required in ${where}`);
  if (set.AliasTarget || set.SetIdentifier)
    throw invalidInput(`The lab knows simple records only: no AliasTarget, no SetIdentifier in ${where}`);
  if (!TYPES.includes(set.Type)) throw invalidInput(`The lab serves ${TYPES.join(", ")} records only, in ${where}`);
  if (set.TTL === undefined || !set.ResourceRecords?.length) {
    throw invalidInput(
      `Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId], but found none in ${where}`,
    );
  }
  const TTL = Number(set.TTL);
  if (!(Number.isInteger(TTL) && TTL >= 0 && TTL <= 2_147_483_647))
    throw invalidInput(`Invalid request: TTL must be a whole number of seconds from 0 to 2147483647 in ${where}`);
  return {
    Name: domainName(set.Name),
    Type: set.Type,
    TTL,
    ResourceRecords: set.ResourceRecords.map(({ Value }: any) => ({ Value: String(Value) })),
  };
}

/** An UPSERT counts twice. */
function checkSize(changes: any[]): void {
  let records = 0;
  let characters = 0;
  for (const { Action, ResourceRecordSet } of changes) {
    const weight = Action === "UPSERT" ? 2 : 1;
    for (const { Value } of ResourceRecordSet?.ResourceRecords ?? []) {
      records += weight;
      characters += weight * String(Value).length;
    }
  }
  if (records > MAX_RECORDS) throw new ServiceError("InvalidChangeBatch", `[Number of records limit of ${MAX_RECORDS} exceeded.]`, 400);
  if (characters > MAX_VALUE_CHARACTERS)
    throw new ServiceError("InvalidChangeBatch", `[Number of characters limit of ${MAX_VALUE_CHARACTERS} exceeded.]`, 400);
}

function valueProblems({ Type, ResourceRecords }: RecordSet): string[] {
  const values = ResourceRecords.map(({ Value }) => Value);
  const problems: string[] = [];
  const fatal = (code: string, text: string, value: string) =>
    problems.push(`Invalid Resource Record: 'FATAL problem: ${code} (${text}) encountered with '${value}''`);
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

function nameConflicts(zoneName: string, records: readonly RecordSet[]): string[] {
  return records
    .filter((set) => set.Type === "CNAME")
    .flatMap(({ Name }) => {
      if (Name === zoneName) return [`RRSet of type CNAME with DNS name ${Name} is not permitted at apex in zone ${zoneName}`];
      const others = records.filter((set) => set.Name === Name && set.Type !== "CNAME");
      return others.length > 0
        ? [
            `RRSet of type CNAME with DNS name ${Name} is not permitted as it conflicts with other records with the same DNS name in zone ${zoneName}`,
          ]
        : [];
    });
}

function sameSet(a: RecordSet, b: RecordSet): boolean {
  const values = (set: RecordSet) => JSON.stringify(set.ResourceRecords.map(({ Value }) => Value).sort());
  return a.TTL === b.TTL && values(a) === values(b);
}
