/**
 * Which recovery point a restore starts from, what the new instance is called, and when a restored one may become the primary: one table
 * of rules. Asks nobody, changes nothing. Times are milliseconds since 1970.
 */
import { rank } from "./candidates.ts";
import { DEAD, type Diagnosis } from "./diagnosis.ts";
import type { Facts, Order } from "./facts.ts";
import { confirmationSeconds, type Policy } from "./policy.ts";
import { fill, rounded } from "./sentence.ts";

/** What a person asked for. All null: the newest good copy. */
export interface RestoreWish {
  /** A snapshot's identifier. */
  readonly from: string | null;
  /** A moment, or "latest": as late as the automated backups go. */
  readonly at: number | "latest" | null;
  readonly region: string | null;
}

/** A snapshot of one of the database's instances. */
export interface Copy {
  readonly id: string;
  readonly region: string;
  readonly instanceId: string;
  readonly status: string;
  readonly takenAtMs: number | null;
}

/** An instance with automated backups: how far it can be restored. */
export interface Source {
  readonly instance: string;
  readonly region: string;
  readonly latestMs: number;
}

export type RecoveryPoint =
  | { readonly kind: "snapshot"; readonly snapshot: string; readonly region: string; readonly atMs: number }
  /** `latest`: as late as RDS can by then. */
  | { readonly kind: "time"; readonly source: string; readonly region: string; readonly atMs: number; readonly latest: boolean };

export type Chosen =
  | { readonly point: RecoveryPoint; readonly reason: string }
  | { readonly point: null; readonly reason: string; readonly hint: string };

/** What could be seen. A region that did not answer is named: what lies there is not known to be missing. */
export interface Found {
  readonly copies: readonly Copy[];
  readonly sources: readonly Source[];
  readonly dark: readonly string[];
}

/** The newest good copy in the recovery region, else in the primary's or the vault; another only when a person names it. */
export function chooseRecoveryPoint(wish: RestoreWish, { copies, sources, dark }: Found, recovery: string): Chosen {
  const silent = dark.length > 0 ? ` ${dark.join(" and ")} did not answer, so what lies there is not known.` : "";
  const none = (reason: string, hint: string): Chosen => ({ point: null, reason: `${reason}${silent}`, hint });
  // What a vault is called begins with its region.
  const here = ({ region }: { readonly region: string }) => wish.region === null || region.split(" ")[0] === wish.region;
  if (wish.at !== null) {
    const [source] = sources.filter(here).sort((a, b) => b.latestMs - a.latestMs);
    if (!source) return none("No instance of this database has automated backups.", "Restore from a snapshot: leave --at out.");
    const latest = wish.at === "latest";
    const atMs = wish.at === "latest" ? source.latestMs : wish.at;
    if (atMs > source.latestMs)
      return none(
        `${source.instance} can be restored up to ${iso(source.latestMs)}, and ${iso(atMs)} is later.`,
        "Take an earlier time, or --at latest.",
      );
    const point: RecoveryPoint = { kind: "time", source: source.instance, region: source.region, atMs, latest };
    return { point, reason: `the automated backups of ${source.instance} reach ${iso(source.latestMs)}` };
  }
  const good = copies.filter((copy) => here(copy) && copy.status === "available" && copy.takenAtMs !== null);
  if (wish.from !== null) {
    const named = copies.filter((copy) => here(copy) && copy.id === wish.from);
    const usable = good.filter(({ id }) => id === wish.from);
    const [best] = [...usable.filter(({ region }) => region === recovery), ...usable];
    if (best) return { point: snapshot(best), reason: "it was named" };
    return named[0]
      ? none(`The snapshot ${wish.from} is ${named[0].status} in ${named[0].region}.`, "Wait for it, or name another.")
      : none(`There is no snapshot ${wish.from} of this database.`, "See the backups: npm run understudy -- status --json");
  }
  const newest = [...good].sort((a, b) => (b.takenAtMs as number) - (a.takenAtMs as number));
  const away = newest.find(({ region }) => region === recovery);
  if (away) return { point: snapshot(away), reason: `the newest good copy in ${recovery}` };
  const [other] = newest;
  if (other) return { point: snapshot(other), reason: `the newest good snapshot; there is none in ${recovery}` };
  return none("There is no good snapshot of this database.", "Look at the backups' mails: which of them failed, and why.");
}

const snapshot = (copy: Copy): RecoveryPoint => ({
  kind: "snapshot",
  snapshot: copy.id,
  region: copy.region,
  atMs: copy.takenAtMs as number,
});

const iso = (ms: number): string => new Date(ms).toISOString();

export const pointWords = (point: RecoveryPoint): string =>
  point.kind === "snapshot"
    ? `the snapshot ${point.snapshot} in ${point.region}, taken at ${iso(point.atMs)}`
    : `the automated backups of ${point.source} in ${point.region}, as of ${point.latest ? `the latest they reach, ${iso(point.atMs)} or later` : iso(point.atMs)}`;

/** "12 min", "3.5 h": how much would be lost. */
export function ageWords(ms: number): string {
  const minutes = Math.max(0, ms) / 60_000;
  if (minutes < 2) return `${Math.round(minutes * 60)} s`;
  return minutes < 120 ? `${Math.round(minutes)} min` : `${Math.round(minutes / 6) / 10} h`;
}

/** Start of the name of everything restored beside a database: roles are given this much. */
export const restoredPrefix = (database: string): string => `${database}-restored-`;
/** Start of the name of every instance a drill makes: the drill's role may delete these and nothing else. */
export const DRILL = "understudy-drill-";
const drillPrefix = (database: string): string => `${DRILL}${database}-`;

/** And of every instance an offsite dump is taken from: its role may delete these and nothing else. */
export const OFFSITE = "understudy-offsite-";

/** Like "20261121t150112". */
const stampOf = (atMs: number): string => iso(atMs).slice(0, 19).replace(/[-:]/g, "").toLowerCase();
export const restoredName = (database: string, atMs: number): string => `${restoredPrefix(database)}${stampOf(atMs)}`;
export const drillName = (database: string, atMs: number): string => `${drillPrefix(database)}${stampOf(atMs)}`;
/** A day is enough: there is one a day at most. */
export const offsiteName = (database: string, atMs: number): string => `${OFFSITE}${database}-${stampOf(atMs).slice(0, 8)}`;
export const bucketName = (bucket: string, atMs: number): string => `understudy-bucket-${bucket}-${stampOf(atMs).slice(0, 8)}`;
export const isRestoredName = (database: string, name: string): boolean =>
  name.startsWith(restoredPrefix(database)) && /^\d{8}t\d{6}$/.test(name.slice(restoredPrefix(database).length));

/** Kept by each backup where every function may read it: databases/NAME/recovery-point.json. */
export interface NewestPoint {
  readonly snapshot: string;
  readonly region: string;
  readonly takenAtMs: number;
}
export const newestPointKey = (database: string): string => `databases/${database}/recovery-point.json`;

interface Standing {
  readonly facts: Facts;
  readonly diagnosis: Diagnosis;
  readonly policy: Policy;
  readonly order: Order;
  /** Why the clients could not get to the restored instance, or the name not be moved to it; null when nothing speaks against it. */
  readonly trouble: string | null;
}

export interface RestoreRule {
  readonly number: number;
  readonly overridable: boolean;
  readonly when: string;
  readonly matches: (standing: Standing) => boolean;
  readonly sentence: string;
}

/** A standby is a witness; without one, the probe for the whole window and the watcher's own look must do, and people have agreed. */
function isLost({ facts, diagnosis, policy }: Standing): boolean {
  if (facts.primaryRegion === "answers" && facts.primary === null) return true;
  if (DEAD.includes(diagnosis.name)) return true;
  const lostFor = diagnosis.unreachableForSeconds ?? 0;
  return diagnosis.name === "Blind" && facts.ownLook !== "alive" && diagnosis.probe === "lost" && lostFor >= confirmationSeconds(policy);
}

const fitOf = ({ facts, diagnosis, policy }: Standing) => rank(facts, diagnosis, policy, null).find(({ refusal }) => refusal === null);

export const RESTORE_RULES: readonly RestoreRule[] = [
  {
    number: 601,
    overridable: false,
    when: "a move holds the database",
    matches: ({ facts }) => facts.record.claim !== null,
    sentence: "Refused: the move {execution} holds {database}.",
  },
  {
    number: 602,
    overridable: false,
    when: "the order is for another generation than the one on record",
    matches: ({ facts, order }) => facts.record.generation !== order.generation,
    sentence: "Refused: the order {order} is for generation {orderGeneration}, the record is at {generation}.",
  },
  {
    number: 603,
    overridable: true,
    when: "the primary is not lost",
    matches: (standing) => !isLost(standing),
    sentence: "Refused: the primary {primary} is not lost ({diagnosis}), and what it has is newer than any backup.",
  },
  {
    number: 604,
    overridable: true,
    when: "a standby is fit",
    matches: (standing) => fitOf(standing) !== undefined,
    sentence: "Refused: the standby {fit} is fit, and a failover to it loses less than a backup.",
  },
  {
    number: 605,
    overridable: false,
    when: "the clients could not reach the restored instance, or their name could not be moved to it",
    matches: ({ trouble }) => trouble !== null,
    sentence: "Refused: {trouble}.",
  },
];

/** The row under which a restored instance becomes the primary. */
export const RESTORE_ACTS = 610;

export interface RestoreJudged {
  readonly refused: boolean;
  readonly rule: number;
  readonly sentence: string;
  readonly overridable: readonly number[];
}

/** Whether the instance the order names may become the primary now. */
export function judgeRestore(standing: Standing): RestoreJudged {
  const { facts, diagnosis, order } = standing;
  const { record } = facts;
  const rule = RESTORE_RULES.find((each) => each.matches(standing) && !(each.overridable && order.overrides.includes(each.number)));
  const words = {
    execution: record.claim?.execution ?? "(none)",
    database: record.database,
    order: order.id,
    orderGeneration: String(order.generation),
    generation: String(record.generation),
    primary: record.primary,
    diagnosis: diagnosis.name,
    fit: fitOf(standing)?.standby.id ?? "(none)",
    trouble: standing.trouble ?? "",
    target: order.target ?? "(none)",
    by: order.by,
    reason: order.reason,
    lostFor: rounded(diagnosis.unreachableForSeconds),
    overrides: order.overrides.length > 0 ? `, overriding ${order.overrides.map((number) => `rule ${number}`).join(", ")}` : "",
  };
  if (rule)
    return {
      refused: true,
      rule: rule.number,
      sentence: `${fill(rule.sentence, words)} (rule ${rule.number})`,
      overridable: rule.overridable ? [rule.number] : [],
    };
  const acts = 'The restored {target} becomes the primary, ordered by {by} ("{reason}"){overrides}; {primary} is {diagnosis}.';
  return { refused: false, rule: RESTORE_ACTS, sentence: `${fill(acts, words)} (rule ${RESTORE_ACTS})`, overridable: [] };
}
