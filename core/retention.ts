/**
 * Which backups of one resource in one place stay, which go, and why: grandfather, father and son by the calendar, over a floor that
 * nothing breaks. It knows no clock: asked tomorrow about the same backups it answers the same, so a prune that is repeated, late or
 * asked for twice changes nothing. It deletes nothing either; what it says can be looked at first.
 */
import { tzOffset } from "@date-fns/tz";

/** From the finest to the coarsest. A week is the calendar's, from Monday on (ISO 8601). */
export const TIERS = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
export type Tier = (typeof TIERS)[number];

/** How many of each tier stay; a tier that is left out keeps none. */
export interface Retention extends Readonly<Partial<Record<Tier, number>>> {
  /** The calendar days are of: an IANA name, like "Europe/Berlin". */
  readonly timeZone: string;
  /** So many good ones stay whatever the tiers say; at least 1. */
  readonly floor: number;
}

/** "verified": it was restored and looked at. "good": it is complete. */
export type BackupState = "verified" | "good" | "failed" | "unfinished";

export interface Backup {
  readonly id: string;
  /** When it was taken, by the service's own word: never from a name or a tag. */
  readonly atMs: number;
  readonly state: BackupState;
  /** Why a person holds it; it stays for as long as there is one. */
  readonly hold?: string;
}

export interface Verdict {
  readonly backup: Backup;
  readonly keep: boolean;
  /** Never empty. */
  readonly reasons: readonly string[];
}

const isGood = ({ state }: Backup): boolean => state === "good" || state === "verified";

/** The newest first; of two of one moment the one whose name comes first. */
export const newestFirst = (one: Backup, other: Backup): number =>
  other.atMs - one.atMs || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);

/** A verdict for each, the newest first. Only complete backups count for a tier or the floor. */
export function retained(backups: readonly Backup[], retention: Retention): readonly Verdict[] {
  const sorted = backups.toSorted(newestFirst);
  const good = sorted.filter(isGood);
  const reasons = new Map<Backup, string[]>(sorted.map((backup) => [backup, []]));
  const keep = (backup: Backup | undefined, reason: string): void => {
    if (backup) reasons.get(backup)?.push(reason);
  };
  const calendar = new Calendar(retention.timeZone);
  const standsFor = new Map<string, Backup>();
  for (const tier of TIERS) {
    let left = retention[tier] ?? 0;
    let before: string | null = null;
    for (const [index, backup] of good.entries()) {
      if (left <= 0) break;
      const bucket = calendar.bucket(tier, backup, index);
      const oldest = index === good.length - 1;
      if (bucket === before && !oldest) continue;
      // With counts left over there is less history than the tier asks for: the oldest is the only one that reaches back.
      keep(backup, bucket === before ? `the oldest, as ${tier} has room` : `${tier} ${bucket}`);
      if (bucket !== before) standsFor.set(`${tier} ${bucket}`, backup);
      before = bucket;
      left--;
    }
  }
  keep(good[0], "the newest that is complete");
  keep(
    good.find(({ state }) => state === "verified"),
    "the newest that is verified",
  );
  // Before any hold is looked at: what is held takes nobody's place.
  const floor = Math.max(1, retention.floor);
  let kept = good.filter((backup) => reasons.get(backup)?.length).length;
  for (const backup of good) {
    if (kept >= floor) break;
    if (reasons.get(backup)?.length) continue;
    keep(backup, `the floor of ${floor}`);
    kept++;
  }
  for (const backup of sorted) {
    if (backup.hold !== undefined) keep(backup, `held: ${backup.hold}`);
    if (backup.state === "unfinished") keep(backup, "it is not finished");
    if (backup.state === "failed" && !good.some((other) => newestFirst(other, backup) < 0))
      keep(backup, "failed, and nothing newer is complete");
  }
  return sorted.map((backup) => {
    const why = reasons.get(backup) as string[];
    if (why.length > 0) return { backup, keep: true, reasons: why };
    return { backup, keep: false, reasons: [isGood(backup) ? whyNot(backup) : "failed, and a newer one is complete"] };
  });

  function whyNot(backup: Backup): string {
    const index = good.indexOf(backup);
    for (const tier of TIERS.toReversed()) {
      if (tier === "last" || !retention[tier]) continue;
      const bucket = `${tier} ${calendar.bucket(tier, backup, index)}`;
      const other = standsFor.get(bucket);
      if (other) return `${other.id} stands for ${bucket}`;
    }
    return "older than every tier reaches";
  }
}

const DAY_MS = 86_400_000;
/** Every zone's clock is set at a quarter of an hour of UTC, and by whole minutes. */
const QUARTER_MS = 15 * 60_000;

/** The calendar of a time zone: in which hour, day, week, month and year a moment lies. */
class Calendar {
  private readonly timeZone: string;
  private readonly offsets = new Map<number, number>();

  constructor(timeZone: string) {
    this.timeZone = timeZone;
  }

  bucket(tier: Tier, { atMs }: Backup, index: number): string {
    if (tier === "last") return String(index + 1);
    const offset = this.offsetAt(atMs);
    const local = new Date(atMs + offset * 60_000).toISOString();
    switch (tier) {
      // The hour that comes twice when the clocks go back is two hours.
      case "hourly":
        return `${local.slice(0, 10)} ${local.slice(11, 13)}:00 ${offset < 0 ? "-" : "+"}${Math.abs(offset)} min`;
      case "daily":
        return local.slice(0, 10);
      case "weekly":
        return weekOf(atMs + offset * 60_000);
      case "monthly":
        return local.slice(0, 7);
      case "yearly":
        return local.slice(0, 4);
    }
  }

  /** In minutes. Asking for it takes long, and a fleet has hundreds of thousands of backups. */
  private offsetAt(atMs: number): number {
    const quarter = Math.floor(atMs / QUARTER_MS);
    const known = this.offsets.get(quarter) ?? tzOffset(this.timeZone, new Date(quarter * QUARTER_MS));
    this.offsets.set(quarter, known);
    return known;
  }
}

/** A week belongs to the year that has its Thursday (ISO 8601). */
function weekOf(localMs: number): string {
  const day = Math.floor(localMs / DAY_MS);
  // The first day of 1970 was a Thursday.
  const thursday = Math.floor((day + 3) / 7) * 7;
  const year = new Date(thursday * DAY_MS).getUTCFullYear();
  const week = 1 + Math.floor((thursday - Date.UTC(year, 0, 1) / DAY_MS) / 7);
  return `${year}-W${String(week).padStart(2, "0")}`;
}

/** How many stay in the long run, when one is taken at least once an hour. */
export const steadyState = (retention: Retention): number =>
  Math.max(
    retention.floor,
    TIERS.reduce((sum, tier) => sum + (retention[tier] ?? 0), 0),
  );

export interface PruneLimits {
  /** Of those there are. */
  readonly percent: number;
  readonly most: number;
}

/** Why so many are not deleted at once without a person's word; null when it is no more than usual. */
export function pruneBrake(gone: number, all: number, { percent, most }: PruneLimits): string | null {
  if (gone > most) return `${gone} of ${all} would be deleted at once, the limit is ${most}`;
  if (gone * 100 > percent * all)
    return `${gone} of ${all} would be deleted at once, that is ${Math.round((gone * 100) / all)} %, the limit is ${percent} %`;
  return null;
}
