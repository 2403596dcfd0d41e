/**
 * The snapshots of a machine's volumes that were taken by one call, as one thing: what bears the tags of one slot in one region is one set,
 * and a set in which a volume's snapshot is missing or has failed has failed as a whole. Pure.
 */
import { INCOMPLETE, type Listed } from "./catalogue.ts";
import { tagsOfCopy } from "./copy-origin.ts";

/** An EBS snapshot, as its region lists it. */
export interface Member {
  readonly id: string;
  readonly region: string;
  /** "pending", "completed", "error" (Snapshot: State). */
  readonly status: string;
  /** Why it failed, by EBS's own word. */
  readonly reason: string | null;
  /** The moment the data is of; of a copy, when it was copied. */
  readonly startedAtMs: number;
  /** Of a copy it means nothing (CopySnapshot): `volumeOf` knows. */
  readonly volumeId: string;
  readonly sizeGiB: number;
  readonly encrypted: boolean;
  readonly kmsKeyId: string | null;
  readonly tags: Readonly<Record<string, string>>;
}

export interface MachineSet {
  readonly machine: string;
  readonly slot: string;
  readonly region: string;
  /** So many volumes the machine had: one snapshot of each makes the set whole. */
  readonly volumes: number;
  /** One a volume, the first by its time. */
  readonly members: readonly Member[];
  /** Every snapshot that bears its tags: a copy whose reply was lost may be there twice. */
  readonly all: readonly Member[];
}

export const setName = (machine: string, slot: string): string => `${machine}-${slot}`;
export const machineExecution = (machine: string, slot: string): string => `machine-${machine}-${slot}`;

/** On what is no copy: a volume may have been made of a copy, and hand its tags on. */
const NO_COPY = "none";

/** What every member of a set bears. How many there are stands on each, so that a missing one is missed without any record. */
export const setTags = (plan: string, machine: string, slot: string, volumes: number): Record<string, string> => ({
  "understudy:plan": plan,
  "understudy:machine": machine,
  "understudy:slot": slot,
  "understudy:volumes": String(volumes),
  "understudy:source": NO_COPY,
});

/** A copy keeps the tags of its source (R15), and says what it is a copy of: EBS does not. */
export const tagsOfMember = (source: Member): Record<string, string> =>
  tagsOfCopy(source.tags, { "understudy:source": source.id, "understudy:volume": volumeOf(source) });

/** Of what it is a copy; null: of nothing. */
export const sourceOf = ({ tags: { "understudy:source": source = NO_COPY } }: Member): string | null =>
  source === NO_COPY ? null : source;
export const volumeOf = (member: Member): string =>
  (sourceOf(member) === null ? undefined : member.tags["understudy:volume"]) ?? member.volumeId;

/** Of one region or of several; what bears no tags of a set is left out. */
export function setsOf(listed: readonly Member[]): MachineSet[] {
  const tagged = listed.filter(({ tags }) => tags["understudy:machine"] !== undefined && tags["understudy:slot"] !== undefined);
  const groups = Map.groupBy(tagged, ({ region, tags }) => [region, tags["understudy:machine"], tags["understudy:slot"]].join("/"));
  return [...groups.values()].map((all) => {
    const sorted = all.toSorted(earliestFirst);
    const [{ region, tags }] = sorted as [Member];
    const members = [...Map.groupBy(sorted, volumeOf).values()].map(([first]) => first as Member);
    const volumes = Math.max(...sorted.map((member) => Number(member.tags["understudy:volumes"]) || 0), 1);
    return {
      machine: tags["understudy:machine"] as string,
      slot: tags["understudy:slot"] as string,
      region,
      volumes,
      members,
      all: sorted,
    };
  });
}

const earliestFirst = (one: Member, other: Member): number => one.startedAtMs - other.startedAtMs || (one.id < other.id ? -1 : 1);

/** The members' own word: no longer on their way, and not all of them there. */
export const failedMember = ({ members }: MachineSet): Member | undefined =>
  members.find(({ status }) => status !== "completed" && status !== "pending");
export const isUnderWay = ({ members }: MachineSet): boolean => members.some(({ status }) => status === "pending");
export const isWhole = ({ members, volumes }: MachineSet): boolean =>
  members.length >= volumes && members.every(({ status }) => status === "completed");
const isShort = ({ members, volumes }: MachineSet): boolean => members.length < volumes;

/** What earlier looks and the set's own note say of it. */
export interface Known {
  /** It was whole in this region once. */
  readonly wasWhole: boolean;
  readonly nowMs: number;
}

/** One call makes all of a set, so they are listed together within moments. */
const LISTED_MINUTES = 10;
/** Copies are started one by one, and may wait for their turn. */
const COPY_HOURS = 24;

/** A member is gone: of a set that was whole, of one that is made at once, or of one whose copies should all be there. */
export function isIncomplete(set: MachineSet, { wasWhole, nowMs }: Known): boolean {
  if (!isShort(set)) return false;
  const copied = set.members.some((member) => sourceOf(member) !== null);
  const sinceMs = Math.min(...set.members.map(({ startedAtMs }) => startedAtMs));
  return wasWhole || nowMs - sinceMs > (copied ? COPY_HOURS * 60 : LISTED_MINUTES) * 60_000;
}

function statusOf(set: MachineSet, known: Known): string {
  if (failedMember(set)) return "failed";
  if (isIncomplete(set, known)) return known.wasWhole ? INCOMPLETE : "failed";
  return isWhole(set) ? "available" : "pending";
}

/** The set as the catalogue takes backups: one thing in one place. */
export function asListed(set: MachineSet, known: Known): Omit<Listed, "tags"> {
  const { machine, slot, region, members } = set;
  const keys = new Set(members.map(({ kmsKeyId }) => kmsKeyId));
  const taken = members.filter((member) => sourceOf(member) === null).map(({ startedAtMs }) => startedAtMs);
  return {
    id: setName(machine, slot),
    region,
    status: statusOf(set, known),
    // A copy's own time says when it was copied.
    takenAtMs: taken.length === 0 ? null : Math.min(...taken),
    encrypted: members.every(({ encrypted }) => encrypted),
    kmsKeyId: keys.size === 1 ? (members[0]?.kmsKeyId ?? null) : [...keys].join(", "),
  };
}
