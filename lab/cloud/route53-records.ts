// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Record sets, and a batch of changes to them, which holds as a whole or not at all. Simple, failover and weighted routing, and
 * aliases to records of the same zone; every other policy is refused by name. Keeps no state.
 */
import { ServiceError } from "../wire/errors.ts";
import { aliasProblems, batchSizeProblem, groupProblems, valueProblems } from "./route53-rules.ts";

export interface AliasTarget {
  readonly HostedZoneId: string;
  readonly DNSName: string;
  readonly EvaluateTargetHealth: boolean;
}

/** Either TTL and ResourceRecords, or AliasTarget. SetIdentifier comes with Weight or Failover. */
export interface RecordSet {
  readonly Name: string;
  readonly Type: string;
  readonly SetIdentifier?: string;
  readonly Weight?: number;
  readonly Failover?: "PRIMARY" | "SECONDARY";
  readonly TTL?: number;
  readonly ResourceRecords?: readonly { readonly Value: string }[];
  readonly AliasTarget?: AliasTarget;
  readonly HealthCheckId?: string;
}

/** What a batch makes of one name, type and identifier: the new set, or nothing. */
export interface Delta {
  readonly name: string;
  readonly type: string;
  readonly identifier?: string;
  readonly set: RecordSet | null;
}

export interface ZoneRecords {
  readonly id: string;
  readonly name: string;
  readonly records: readonly RecordSet[];
}

const TYPES = ["A", "AAAA", "CNAME", "NS", "PTR", "SOA", "TXT"];
const ROUTED_TYPES = ["A", "AAAA", "CNAME", "PTR", "TXT"];
const POLICIES = ["Weight", "Region", "Failover", "GeoLocation", "MultiValueAnswer"];
const REFUSED_MEMBERS = [
  "Region",
  "GeoLocation",
  "MultiValueAnswer",
  "CidrRoutingConfig",
  "GeoProximityLocation",
  "TrafficPolicyInstanceId",
];

export const invalidInput = (message: string) => new ServiceError("InvalidInput", message, 400);
const invalidBatch = (problems: readonly string[]) => new ServiceError("InvalidChangeBatch", `[${problems.join(", ")}]`, 400);

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
  return compareTexts(turned(a), turned(b));
}

const compareTexts = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

type SetName = Pick<RecordSet, "Name" | "Type" | "SetIdentifier">;

export function compareSets(a: SetName, b: SetName): number {
  return compareNames(a.Name, b.Name) || compareTexts(a.Type, b.Type) || compareTexts(a.SetIdentifier ?? "", b.SetIdentifier ?? "");
}

const concerns = (delta: Delta, set: SetName) =>
  delta.name === set.Name && delta.type === set.Type && delta.identifier === set.SetIdentifier;

/** `[name='x.', type='A', set-identifier='s']`, as the messages name a set. */
const labelOf = ({ Name, Type, SetIdentifier }: SetName) =>
  `resource record set [name='${Name}', type='${Type}'${SetIdentifier === undefined ? "" : `, set-identifier='${SetIdentifier}'`}]`;

/** The batch as deltas. Throws InvalidInput for a malformed change, InvalidChangeBatch with every reason otherwise. */
export function planChanges(zone: ZoneRecords, changes: any[]): Delta[] {
  const tooLarge = batchSizeProblem(changes);
  if (tooLarge) throw invalidBatch([tooLarge]);
  const wanted = changes.map((change, at) => ({ action: change.Action as string, set: setFrom(change, at) }));
  const problems: string[] = [];
  let deltas: Delta[] = [];
  for (const { action, set } of wanted) {
    const { Name: name, Type: type, SetIdentifier: identifier } = set;
    const earlier = deltas.find((delta) => concerns(delta, set));
    const current = zone.records.find((each) => compareSets(each, set) === 0);
    if (action !== "DELETE") problems.push(...valueProblems(set));
    // A set may be deleted and made anew in one batch; any other second change to it is refused.
    if (earlier && (earlier.set !== null || action === "DELETE"))
      problems.push(`The request contains an invalid set of changes for a resource record set '${type} ${name}'`);
    if (name !== zone.name && !name.endsWith(`.${zone.name}`))
      problems.push(`RRSet with DNS name ${name} is not permitted in zone ${zone.name}`);
    if (action === "CREATE" && current && !earlier) problems.push(`Tried to create ${labelOf(set)} but it already exists`);
    if (action === "DELETE" && !current) problems.push(`Tried to delete ${labelOf(set)} but it was not found`);
    if (action === "DELETE" && current && !sameSet(current, set))
      problems.push(`Tried to delete ${labelOf(set)} but the values provided do not match the current values`);
    if (action === "DELETE" && name === zone.name && type === "SOA") problems.push("A HostedZone must contain exactly one SOA record.");
    if (action === "DELETE" && name === zone.name && type === "NS")
      problems.push("A HostedZone must contain at least one NS record for the zone itself.");
    deltas = [...deltas.filter((delta) => delta !== earlier), { name, type, identifier, set: action === "DELETE" ? null : set }];
  }
  if (problems.length === 0) {
    const after = applyDeltas(zone.records, deltas);
    const changed = deltas.flatMap(({ set }) => set ?? []);
    problems.push(...groupProblems(zone.name, after, changed), ...aliasProblems(zone, after, changed));
  }
  if (problems.length > 0) throw invalidBatch([...new Set(problems)]);
  return deltas;
}

export function applyDeltas(records: readonly RecordSet[], deltas: readonly Delta[]): RecordSet[] {
  const left = records.filter((set) => !deltas.some((delta) => concerns(delta, set)));
  return [...left, ...deltas.flatMap((delta) => delta.set ?? [])].sort(compareSets);
}

function setFrom({ Action, ResourceRecordSet: set }: any, at: number): RecordSet {
  if (!["CREATE", "DELETE", "UPSERT"].includes(Action))
    throw invalidInput(`Invalid request: Action ${Action} is not CREATE, DELETE or UPSERT.`);
  const where = `Change with [Action=${Action}, Name=${set?.Name}, Type=${set?.Type}, SetIdentifier=${set?.SetIdentifier ?? null}]`;
  if (!set?.Name || !set.Type) throw invalidInput(`Invalid request: Name and Type are required in ${where}`);
  checkRouting(set, where, `changeBatch.changes.${at + 1}.member.resourceRecordSet`);
  if (!TYPES.includes(set.Type)) throw invalidInput(`The lab serves ${TYPES.join(", ")} records only, in ${where}`);
  const base = {
    Name: domainName(set.Name),
    Type: set.Type,
    ...(set.SetIdentifier === undefined ? {} : { SetIdentifier: set.SetIdentifier }),
    ...(set.Weight === undefined ? {} : { Weight: Number(set.Weight) }),
    ...(set.Failover === undefined ? {} : { Failover: set.Failover }),
    ...(set.HealthCheckId === undefined ? {} : { HealthCheckId: set.HealthCheckId }),
  };
  const one = "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or TrafficPolicyInstanceId]";
  const valued = set.TTL !== undefined || (set.ResourceRecords?.length ?? 0) > 0;
  if (set.AliasTarget) {
    if (valued) throw invalidInput(`${one}, but found more than one in ${where}`);
    const { HostedZoneId, DNSName, EvaluateTargetHealth } = set.AliasTarget;
    if (!HostedZoneId || !DNSName || EvaluateTargetHealth === undefined)
      throw invalidInput(`Invalid request: AliasTarget takes HostedZoneId, DNSName and EvaluateTargetHealth, all of them, in ${where}`);
    if (["NS", "SOA"].includes(set.Type)) throw invalidInput(`Invalid request: ${set.Type} records cannot be aliases, in ${where}`);
    return { ...base, AliasTarget: { HostedZoneId: bareId(HostedZoneId), DNSName: domainName(DNSName), EvaluateTargetHealth } };
  }
  if (set.TTL === undefined || !set.ResourceRecords?.length) throw invalidInput(`${one}, but found none in ${where}`);
  const TTL = Number(set.TTL);
  if (!(Number.isInteger(TTL) && TTL >= 0 && TTL <= 2_147_483_647))
    throw invalidInput(`Invalid request: TTL must be a whole number of seconds from 0 to 2147483647 in ${where}`);
  return { ...base, TTL, ResourceRecords: set.ResourceRecords.map(({ Value }: any) => ({ Value: String(Value) })) };
}

const bareId = (given: string) => given.replace(/^\/?hostedzone\//, "");

function checkRouting(set: any, where: string, path: string): void {
  const given = POLICIES.filter((policy) => set[policy] !== undefined);
  const one = "Invalid request: Expected exactly one of [Weight, Region, Failover, GeoLocation, or MultiValueAnswer]";
  if (given.length > 1) throw invalidInput(`${one}, but found more than one in ${where}`);
  if (set.SetIdentifier !== undefined && given.length === 0) throw invalidInput(`${one}, but found none in ${where}`);
  if (set.SetIdentifier === undefined && given.length > 0) throw invalidInput(`Invalid request: Missing field 'SetIdentifier' in ${where}`);
  const refused = REFUSED_MEMBERS.find((member) => set[member] !== undefined);
  if (refused) throw invalidInput(`The lab routes simple, Failover and Weight record sets only: no ${refused} in ${where}`);
  const unfit = (member: string, value: unknown, constraint: string) =>
    invalidInput(
      `1 validation error detected: Value '${value}' at '${path}.${member}' failed to satisfy constraint: Member must ${constraint}`,
    );
  const { SetIdentifier, Weight, Failover } = set;
  if (SetIdentifier !== undefined && !(SetIdentifier.length >= 1 && SetIdentifier.length <= 128))
    throw unfit("setIdentifier", SetIdentifier, "have a length from 1 to 128");
  if (Weight !== undefined && !(Number.isInteger(Number(Weight)) && Number(Weight) >= 0))
    throw unfit("weight", Weight, "have value greater than or equal to 0");
  if (Number(Weight) > 255) throw unfit("weight", Weight, "have value less than or equal to 255");
  if (Failover !== undefined && !["PRIMARY", "SECONDARY"].includes(Failover))
    throw unfit("failover", Failover, "satisfy enum value set: [PRIMARY, SECONDARY]");
  if (given.length > 0 && !ROUTED_TYPES.includes(set.Type))
    throw invalidInput(`Invalid request: ${set.Type} records have no routing policy but simple, in ${where}`);
}

function sameSet(a: RecordSet, b: RecordSet): boolean {
  const plain = ({ ResourceRecords, AliasTarget, ...set }: RecordSet) =>
    JSON.stringify([
      [set.TTL, set.Weight, set.Failover, set.HealthCheckId],
      ResourceRecords?.map(({ Value }) => Value).sort(),
      AliasTarget && [AliasTarget.HostedZoneId, AliasTarget.DNSName, AliasTarget.EvaluateTargetHealth],
    ]);
  return plain(a) === plain(b);
}
