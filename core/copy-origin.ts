/** Where a snapshot or a copy comes from: what it takes along, and whether one that is there already is the one that is wanted. Pure. */

export interface Origin {
  /** The instance whose data it holds. */
  readonly instanceId: string;
  /** Of what it is a copy; null for one that was taken from the instance itself, and within a region. */
  readonly copyOf: string | null;
  /** When the data was taken; null while RDS does not say. */
  readonly takenAtMs: number | null;
  readonly tags: Readonly<Record<string, string>>;
}

/** RDS takes nobody's tags under these (RDS API Reference, Tag). */
const isReserved = (key: string): boolean => /^(aws|rds):/i.test(key);

/** Every tag of the source that may be given, and ours over them. */
export const tagsOfCopy = (source: Readonly<Record<string, string>>, ours: Readonly<Record<string, string>>): Record<string, string> => ({
  ...Object.fromEntries(Object.entries(source).filter(([key]) => !isReserved(key))),
  ...ours,
});

/** Services cut off parts of a second in some places. */
const SAME_MOMENT_MS = 1000;

/** Why what is there is not what is wanted, of which it must have the tags; null when it is. */
export function notTheSame(there: Origin, wanted: Origin): string | null {
  if (Object.entries(wanted.tags).some(([key, value]) => there.tags[key] !== value)) return "does not carry our tags";
  if (!same(there.copyOf, wanted.copyOf))
    return wanted.copyOf === null
      ? `is a copy of ${there.copyOf}`
      : `is ${there.copyOf === null ? "no copy" : `a copy of ${there.copyOf}`}, not of ${wanted.copyOf}`;
  if (!same(there.instanceId, wanted.instanceId)) return `holds ${there.instanceId}, not ${wanted.instanceId}`;
  if (there.takenAtMs !== null && wanted.takenAtMs !== null && Math.abs(there.takenAtMs - wanted.takenAtMs) >= SAME_MOMENT_MS)
    return `holds ${there.instanceId} as of ${iso(there.takenAtMs)}, not as of ${iso(wanted.takenAtMs)}`;
  return null;
}

/** RDS keeps identifiers in lower case, whoever wrote them. */
const same = (one: string | null, other: string | null): boolean => one?.toLowerCase() === other?.toLowerCase();

const iso = (atMs: number): string => new Date(atMs).toISOString();
