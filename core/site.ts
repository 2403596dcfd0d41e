/**
 * The rules of a site's moves: what its record holds, how far the dial is turned next, what is healthy enough, what its records must
 * look like. Knows nothing of how it is done. Pure.
 */
import type { SitePlan } from "./plan/schema.ts";

export type Direction = "evacuate" | "return";

/** What people call it in mails. */
export const movementOf = (direction: Direction): string => (direction === "evacuate" ? "evacuation" : "return");

/** The sizes of a group before it was raised, and what it was raised to. */
export interface GroupSizes {
  readonly min: number;
  readonly max: number;
  readonly desired: number;
}

export interface SiteClaim {
  /** Name of the durable execution that holds it, like "site-web-g1-a1". */
  readonly execution: string;
  readonly direction: Direction;
  readonly attempt: number;
  readonly takenAtMs: number;
  /** The request it came from, and everybody who agreed to it, as STS names them. */
  readonly request: string;
  readonly people: readonly string[];
  readonly reason: string;
}

/** What Understudy holds to be true of a site, kept in the recovery region. */
export interface SiteRecord {
  readonly site: string;
  /** Rises by one with every completed evacuation and return. */
  readonly generation: number;
  readonly stands: "primary" | "recovery";
  /** Attempts made, over all generations. */
  readonly attempts: number;
  readonly claim: SiteClaim | null;
  /** The group before it was raised; null when it has not been, or is back. */
  readonly groupBefore: GroupSizes | null;
  readonly lastMove: {
    readonly execution: string;
    readonly direction: Direction;
    readonly outcome: "succeeded" | "failed" | "refused";
    readonly endedAtMs: number;
    readonly sentence: string;
  } | null;
}

export const firstSiteRecord = (site: string): SiteRecord => ({
  site,
  generation: 1,
  stands: "primary",
  attempts: 0,
  claim: null,
  groupBefore: null,
  lastMove: null,
});

export const siteExecution = (site: string, generation: number, attempt: number): string => `site-${site}-g${generation}-a${attempt}`;

const USUAL_STEPS = [10, 50, 100];

export const dialOf = ({ dial }: SitePlan): { readonly steps: readonly number[]; readonly secondsBetween: number } => ({
  steps: dial?.steps ?? USUAL_STEPS,
  secondsBetween: dial?.secondsBetween ?? 60,
});

/** The shares of the recovery region still to be set, one after the other, from where the dial stands. A return goes the steps back. */
export function stepsFrom(steps: readonly number[], direction: Direction, stands: number): number[] {
  return direction === "evacuate"
    ? steps.filter((step) => step > stands)
    : [...steps.map((step) => 100 - step)].filter((step) => step < stands);
}

export const neededHealthy = ({ recovery }: SitePlan): number => Math.ceil((recovery.capacity * (recovery.minHealthyPercent ?? 100)) / 100);

/** Never less than there is: a group that serves is not made smaller. */
export const raised = (now: GroupSizes, capacity: number): GroupSizes => ({
  min: Math.max(now.min, capacity),
  max: Math.max(now.max, capacity),
  desired: Math.max(now.desired, capacity),
});

/** What the group goes back to; null when somebody has changed its limits since, who then knows better. */
export function lowered(now: GroupSizes, before: GroupSizes, capacity: number): GroupSizes | null {
  const ours = raised(before, capacity);
  return now.min === ours.min && now.max === ours.max ? before : null;
}

export interface Health {
  readonly enough: boolean;
  readonly words: string;
}

export interface GroupMember {
  readonly id: string;
  readonly serves: boolean;
}
export interface Target {
  readonly id: string;
  readonly state: string;
}

/** Counts what both the group and, where there is one, the load balancer find well. Another group's instances are no help. */
export function healthOf(needed: number, members: readonly GroupMember[], targets: readonly Target[] | null): Health {
  const serving = members.filter(({ serves }) => serves).map(({ id }) => id);
  if (targets === null)
    return { enough: serving.length >= needed, words: `${serving.length} instances in service and healthy, ${needed} needed` };
  const well = targets.filter(({ id, state }) => state === "healthy" && (!id.startsWith("i-") || serving.includes(id)));
  return { enough: well.length >= needed, words: `${well.length} of ${targets.length} targets healthy, ${needed} needed` };
}

/** The two records of one name. */
export const SIDES = { primary: "understudy-primary", recovery: "understudy-recovery" } as const;

/** A record set of a name as Route 53 lists it, in the parts that tell ours from others. */
export interface NamedSet {
  readonly type: string;
  readonly identifier: string | null;
  readonly weight: number | null;
  readonly ttlSeconds: number | null;
  /** As it stands, with or without a final dot. */
  readonly value: string | null;
  /** A health check or anything else that Understudy has not put there. */
  readonly more: boolean;
}

const target = ({ value }: NamedSet): string => (value ?? "").replace(/\.$/, "").toLowerCase();

export type Reading =
  /** `share`: how much of 100 leads to the recovery region. `sets`: as they stand, to be exchanged to the letter. */
  { readonly ok: true; readonly share: number; readonly sets: readonly NamedSet[] } | { readonly ok: false; readonly trouble: string };

/** How far the dial of a name is turned. A plain CNAME to the primary is taken over as one turned to 0. */
export function readDial(record: SitePlan["records"][number], found: readonly NamedSet[]): Reading {
  const sets = found.filter(({ type }) => ["CNAME", "A", "AAAA"].includes(type));
  const expected = `expected a CNAME to ${record.primary}, or the two weighted records of Understudy`;
  const bad = (what: string): Reading => ({ ok: false, trouble: `${record.name} ${what}; ${expected}` });
  if (sets.length === 0) return bad("does not exist");
  if (sets.some(({ type, more, value }) => type !== "CNAME" || more || value === null))
    return bad("is an alias, has an address, a health check or another policy than weights");
  const [only] = sets;
  if (sets.length === 1 && only?.identifier === null)
    return target(only) === record.primary ? { ok: true, share: 0, sets } : bad(`leads to ${target(only)}`);
  const side = (identifier: string) => sets.find((set) => set.identifier === identifier);
  const [primary, recovery] = [side(SIDES.primary), side(SIDES.recovery)];
  if (!primary || !recovery || sets.length !== 2) return bad("has weighted records that are not Understudy's");
  if (target(primary) !== record.primary || target(recovery) !== record.recovery)
    return bad(`leads to ${target(primary)} and ${target(recovery)}, and the plan says otherwise`);
  const [one, other] = [primary.weight ?? 0, recovery.weight ?? 0];
  if (one + other === 0) return bad("has no weight at all");
  return { ok: true, share: Math.round((100 * other) / (one + other)), sets };
}

/** What the records must be for a share: both always stand, so that turning back is a change of weights. */
export const wantedSets = (record: SitePlan["records"][number], share: number): NamedSet[] =>
  (["primary", "recovery"] as const).map((side) => ({
    type: "CNAME",
    identifier: SIDES[side],
    weight: side === "recovery" ? share : 100 - share,
    ttlSeconds: record.ttlSeconds,
    value: record[side],
    more: false,
  }));

/** Whether what servers answered agrees with a share: nothing but the two targets, and of these what the weights allow. */
export function agrees(record: SitePlan["records"][number], share: number, answers: readonly (string | null)[]): string | null {
  const strange = answers.find((answer) => answer !== record.primary && answer !== record.recovery);
  if (answers.length === 0) return `nobody answers for ${record.name}`;
  if (strange !== undefined) return `${record.name} is answered with ${strange ?? "no CNAME"}`;
  if (share < 100 && !answers.includes(record.primary)) return `${record.name} does not lead to ${record.primary} any more`;
  if (share > 0 && !answers.includes(record.recovery)) return `${record.name} does not lead to ${record.recovery} yet`;
  if (share === 100 && answers.includes(record.primary)) return `${record.name} still leads to ${record.primary}`;
  if (share === 0 && answers.includes(record.recovery)) return `${record.name} still leads to ${record.recovery}`;
  return null;
}

/** Whether records are what they should be, in whatever order they stand. */
export function sameSets(found: readonly NamedSet[], wanted: readonly NamedSet[]): boolean {
  const plain = (sets: readonly NamedSet[]) =>
    JSON.stringify(
      sets.map((set) => [set.identifier, set.weight, set.ttlSeconds, target(set)]).sort((a, b) => (`${a[0]}` < `${b[0]}` ? -1 : 1)),
    );
  return plain(found) === plain(wanted);
}
