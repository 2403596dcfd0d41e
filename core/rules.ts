/**
 * The rules: facts and a diagnosis in, one decision out. A table, read from the top; the first row that matches decides.
 * Every decision carries its rule's number and sentence; they are what the operator reads in the mail, the log and the evidence.
 * All refusals stand before the rows that act. Which standby is fit is a table of its own (candidates.ts).
 */
import { type Candidate, rank } from "./candidates.ts";
import { DEAD, type Diagnosis, type DiagnosisName } from "./diagnosis.ts";
import type { Facts, Order } from "./facts.ts";
import { globalIsLost, isGlobal, isNative, nativeTrouble, rdsIsAtIt } from "./native.ts";
import { isWithin } from "./plan/window.ts";
import { confirmationSeconds, type Policy } from "./policy.ts";
import { fill, rounded } from "./sentence.ts";

export type DecisionKind =
  /** All is well, or it is too early: look again on the next lap. */
  | "hold"
  /** Something should be done and must not be: a person has to know why. */
  | "refuse"
  /** A person must approve it first. */
  | "ask"
  /** What would have been done; shadow mode does nothing. */
  | "shadow"
  /** Move to the target. */
  | "failover"
  /** Move to the target with the primary's help: nothing is lost. */
  | "switchover"
  /** Let RDS move the primary to its own standby. */
  | "native";

/** What a claim is taken for. */
export const MOVES: readonly DecisionKind[] = ["failover", "switchover", "native"];

export interface Situation {
  readonly facts: Facts;
  readonly diagnosis: Diagnosis;
  readonly policy: Policy;
  /** null: Understudy looks by itself. */
  readonly order: Order | null;
  /** Best first. */
  readonly candidates: readonly Candidate[];
}

export interface Rule {
  readonly number: number;
  readonly kind: DecisionKind;
  /** Whether people are told. Refusals always are. */
  readonly tell: boolean;
  /** Gives way, once, to an order of a person that names its number. */
  readonly overridable: boolean;
  /** In words, for the printed table. */
  readonly when: string;
  readonly matches: (situation: Situation) => boolean;
  /** What the operator reads; words in {braces} are filled from the facts. */
  readonly sentence: string;
}

export interface Decision {
  readonly rule: number;
  readonly kind: DecisionKind;
  readonly tell: boolean;
  readonly diagnosis: DiagnosisName;
  /** The instance to move to, or that would have been moved to. */
  readonly target: string | null;
  readonly sentence: string;
  /** The rules an order would have to name to get past this refusal; empty when none can. */
  readonly overridable: readonly number[];
}

const TELL_UNREACHABLE_AFTER_SECONDS = 120;

const is =
  (...names: DiagnosisName[]) =>
  ({ diagnosis }: Situation) =>
    names.includes(diagnosis.name);
const byItself = ({ order }: Situation) => order === null;
const ordered =
  (verb: Order["verb"]) =>
  ({ order }: Situation) =>
    order?.verb === verb || (verb === "switchover" && order?.verb === "failback");
const isCluster = ({ facts }: Situation) => facts.primary?.native?.kind === "cluster";
const best = ({ candidates }: Situation) => candidates[0];
const writers = ({ facts }: Situation) => facts.standbys.filter(({ answer }) => answer?.inRecovery === false);
const recentMoves = ({ facts, policy }: Situation) =>
  facts.brake.moves.filter(({ atMs }) => atMs > facts.brake.releasedAtMs && facts.atMs - atMs < policy.brake.withinMinutes * 60_000);
/** The former primary that a failback would leave behind with transactions of its own, as far as it has been asked. */
const unsettled = ({ facts: { record }, candidates: [target] }: Situation) =>
  record.retired.find(
    ({ instance, lossless, alone, acceptedBy }) =>
      lossless !== true &&
      acceptedBy === undefined &&
      alone &&
      alone.count !== 0 &&
      (!target || record.regions[instance] === target.standby.region),
  );
/** RDS is at work on the instance and will bring it back (aws-facts A1). */
const AT_WORK = ["rebooting", "modifying", "upgrading", "maintenance", "renaming", "starting", "configuring-enhanced-monitoring"];

const row = (
  number: number,
  kind: DecisionKind,
  when: string,
  sentence: string,
  matches: Rule["matches"],
  options: { tell?: boolean; overridable?: boolean } = {},
): Rule => ({
  number,
  kind,
  when,
  sentence,
  matches,
  tell: options.tell ?? kind !== "hold",
  overridable: options.overridable ?? false,
});

export const RULES: readonly Rule[] = [
  row(
    100,
    "hold",
    "the primary is reached, and a standby takes writes too",
    "Held: {writer} takes writes beside the primary {primary}. Two writable databases drift apart; find out who promoted {writer}, and stop its writers.",
    (s) =>
      byItself(s) && s.facts.record.claim === null && is("PrimaryHealthy", "ReplicationStopped", "PrimarySlow")(s) && writers(s).length > 0,
    { tell: true },
  ),
  row(
    101,
    "hold",
    "the primary is reached and a standby follows it, or there is no standby to follow",
    "Nothing to do: the primary {primary} answers.",
    (s) => byItself(s) && is("PrimaryHealthy")(s),
  ),
  row(
    102,
    "hold",
    "the primary is reached, but the standbys have lost their replication links",
    "Held: the primary {primary} answers, but {standbys} no longer follows it. A failover would lose data; repair the replication.",
    (s) => byItself(s) && is("ReplicationStopped")(s),
    { tell: true },
  ),
  row(
    103,
    "hold",
    "one witness has lost the primary, another still sees it",
    "Held: {lostBy} cannot reach the primary {primary}, but {seenBy} can. Unreachable is not down.",
    (s) => is("PrimaryUnreachable")(s) && byItself(s) && (s.diagnosis.unreachableForSeconds ?? 0) < TELL_UNREACHABLE_AFTER_SECONDS,
  ),
  row(
    104,
    "hold",
    "a probe and the links have lost the primary, but not yet for the confirmation window",
    "Waiting: both witnesses have lost the primary {primary} for {lostForSeconds} s, {windowSeconds} s are needed.",
    (s) => byItself(s) && is("PrimarySuspect")(s),
  ),
  row(
    105,
    "hold",
    "one witness has lost the primary for two minutes, another still sees it",
    "Held: {lostBy} has not reached the primary {primary} for {unreachableForSeconds} s, but {seenBy} still sees it. Find out which of them is right.",
    (s) => byItself(s) && is("PrimaryUnreachable")(s),
    { tell: true },
  ),
  row(
    106,
    "hold",
    "the primary answers, slowly",
    "Held: the primary {primary} is slow and answers. Slow is not dead.",
    (s) => byItself(s) && is("PrimarySlow")(s),
  ),
  row(
    107,
    "hold",
    "the primary answers and takes no writes: it is read-only",
    "Held: the primary {primary} answers and is read-only. Somebody made it so; a failover would take that decision from them.",
    (s) => byItself(s) && is("PrimaryReadOnly")(s) && !isCluster(s),
    { tell: true },
  ),
  row(
    108,
    "hold",
    "the primary answers and takes no writes: its disk is full",
    "Held: the disk of the primary {primary} is full. A standby's disk is as full; give {primary} more storage.",
    (s) => byItself(s) && is("PrimaryDiskFull")(s),
    { tell: true },
  ),
  row(
    109,
    "hold",
    "RDS is at work on the primary, for less than the plan's grace",
    'Waiting: RDS is at work on the primary {primary} ("{primaryStatus}") and has {restartGraceSeconds} s for it; lost for {lostForSeconds} s.',
    (s) =>
      byItself(s) &&
      DEAD.includes(s.diagnosis.name) &&
      AT_WORK.includes(s.facts.primary?.status ?? "") &&
      (s.diagnosis.lostForSeconds ?? 0) < s.policy.restartGraceSeconds,
  ),
  row(
    110,
    "hold",
    "RDS keeps a standby of its own for the primary, and has had less than the plan's grace to fail over to it",
    "Waiting: RDS fails the primary {primary} over to its own standby by itself; lost for {lostForSeconds} s, RDS has {nativeGraceSeconds} s for it. No replica is promoted meanwhile.",
    (s) => byItself(s) && rdsIsAtIt(s),
    { tell: true },
  ),
  row(
    111,
    "hold",
    "a cluster answers by its writer's name and takes no writes",
    "Held: the cluster {primary} answers and takes no writes. For a moment after a failover its name may lead to the former writer; if it stays so, somebody made it read-only.",
    (s) => byItself(s) && is("PrimaryReadOnly")(s),
    { tell: true },
  ),
  row(
    201,
    "hold",
    "a move already holds the database",
    "Held: the move {execution} is already running.",
    ({ facts }) => facts.record.claim !== null,
  ),
  row(
    202,
    "refuse",
    "an automatic move ended, or any move failed, within the cooldown, and nobody has acknowledged it",
    "Refused: the move {lastMove} ended {sinceLastMoveMinutes} min ago, the cooldown is {cooldownMinutes} min. A person must decide.",
    (s) => {
      const { lastMove } = s.facts.record;
      if (!byItself(s) || !lastMove || lastMove.outcome === "refused" || lastMove.acknowledgedBy !== null) return false;
      const counts = lastMove.automatic || lastMove.outcome === "failed";
      return counts && (s.facts.atMs - lastMove.endedAtMs) / 60_000 < s.policy.cooldownMinutes;
    },
  ),
  row(
    203,
    "refuse",
    "automation is paused",
    "Refused: {pausedBy} paused automation until {pausedUntil} ({pauseReason}). A person must decide.",
    (s) => byItself(s) && (s.facts.record.pause?.untilMs ?? 0) > s.facts.atMs,
  ),
  row(
    204,
    "refuse",
    "a maintenance window is open",
    "Refused: a maintenance window is open, in which people work on {primary}. A person must decide.",
    (s) => byItself(s) && s.policy.maintenance.some((window) => isWithin(window, s.facts.atMs)),
  ),
  row(
    205,
    "refuse",
    "the fleet has had as many automatic moves as the brake allows",
    "Refused: {recentMoves} automatic moves in {brakeMinutes} min, the brake allows {brakeMoves}. Something larger is wrong; a person must release it.",
    (s) => byItself(s) && recentMoves(s).length >= s.policy.brake.moves,
  ),
  row(
    206,
    "refuse",
    "the order is for another generation than the one on record",
    "Refused: the order {order} is for generation {orderGeneration}, the record is at {generation}. Look again before you order.",
    ({ order, facts }) => order !== null && order.generation !== facts.record.generation,
  ),
  row(
    207,
    "refuse",
    "a failover is ordered and the primary is not down",
    "Refused: the primary {primary} is not down ({diagnosis}), a failover would lose what it has. Order a switchover, which loses nothing.",
    (s) => ordered("failover")(s) && !DEAD.includes(s.diagnosis.name) && !globalIsLost(s),
    { overridable: true },
  ),
  row(
    208,
    "refuse",
    "a switchover is ordered and the primary does not take writes",
    "Refused: the primary {primary} is not fit for a switchover ({diagnosis}): it must answer, and a standby must follow it.",
    (s) => ordered("switchover")(s) && !is("PrimaryHealthy", "PrimarySlow")(s),
  ),
  row(
    209,
    "refuse",
    "a failback is ordered, and a former primary in the target's region holds what the primary lacks, or could not be asked",
    "Refused: the former primary {former} {formerHolds}. {rescue} Going back would leave that behind.",
    (s) => ordered("failback")(s) && unsettled(s) !== undefined,
    { overridable: true },
  ),
  row(
    210,
    "refuse",
    "a switchover is ordered where the plan names no drainSecurityGroups",
    "Refused: the plan names no drainSecurityGroups for the region of {primary}, so its writes cannot be stopped and started again.",
    (s) =>
      ordered("switchover")(s) && !isGlobal(s) && !s.policy.drainRegions.includes(s.facts.record.regions[s.facts.record.primary] ?? ""),
  ),
  row(
    211,
    "refuse",
    "a failover to RDS's own standby is ordered, and RDS keeps none, or cannot do it now",
    "Refused: {nativeTrouble}",
    (s) => isNative(s.order) && nativeTrouble(s.facts) !== null,
  ),
  row(
    212,
    "refuse",
    "a failover of a global database is ordered without --allow-data-loss",
    "Refused: a failover of the global database {globalCluster} gives up what {target} has not received. Say --allow-data-loss to order it.",
    (s) => ordered("failover")(s) && isGlobal(s) && s.order?.allowDataLoss !== true,
  ),
  row(
    213,
    "refuse",
    "a global database's primary is lost: only people move it to another region",
    "Refused: {lostBy} lost {primary} {lostForSeconds} s ago. A failover of the global database {globalCluster} to {target} gives up what has not arrived there; a person must order it.",
    (s) => byItself(s) && globalIsLost(s),
  ),
  row(300, "refuse", "there is no standby left", "Refused: {noStandby}.", (s) => !isNative(s.order) && best(s) === undefined),
  row(
    311,
    "refuse",
    "no standby is fit (the table below says why; the words of the best one are told)",
    "Refused: {unfit}",
    (s) => !isNative(s.order) && best(s)?.refusal !== null,
  ),
  row(312, "refuse", "the clients' name could not be moved to the standby now", "Refused: {nameTrouble}.", (s) =>
    Boolean(s.facts.nameTrouble),
  ),
  row(
    320,
    "shadow",
    "the primary is down, a standby is fit, and the plan is in shadow mode",
    "Would fail over to {target} now: {lostBy} lost {primary} {lostForSeconds} s ago; {target} is {lagSeconds} s behind. Shadow mode does nothing.",
    (s) => byItself(s) && DEAD.includes(s.diagnosis.name) && s.policy.mode === "shadow",
  ),
  row(
    330,
    "ask",
    "the primary is down, the best standby is in another region or the plan wants a person's word",
    "Approval is needed to fail over to {target} in {targetRegion}: {lostBy} lost {primary} {lostForSeconds} s ago; {target} is {lagSeconds} s behind.",
    (s) => byItself(s) && DEAD.includes(s.diagnosis.name) && (s.policy.mode === "approval" || best(s)?.hot === false),
  ),
  row(
    401,
    "failover",
    "a probe and the links have lost the primary for the confirmation window, nobody sees it alive, a standby in its region is fit",
    "Failover to {target}: {lostBy} have both lost {primary} for {lostForSeconds} s; the standby is {lagSeconds} s behind.",
    (s) => byItself(s) && DEAD.includes(s.diagnosis.name) && best(s)?.hot === true && s.policy.mode === "automatic",
  ),
  row(
    402,
    "failover",
    "a person orders a failover, and a standby is fit",
    'Failover to {target}, ordered by {by} ("{reason}"){overrides}; the primary {primary} is {diagnosis}; the standby is {lagSeconds} s behind.',
    (s) => ordered("failover")(s),
  ),
  row(
    403,
    "switchover",
    "a person orders a switchover or a failback, the primary takes writes, and a standby is fit",
    'Switchover to {target}, ordered by {by} ("{reason}"); the primary {primary} answers; the standby is {lagSeconds} s behind.',
    (s) => ordered("switchover")(s),
  ),
  row(
    404,
    "native",
    "a person orders a failover to RDS's own standby",
    'RDS moves {primary} to its own standby, ordered by {by} ("{reason}"); the primary is {diagnosis}.',
    (s) => isNative(s.order),
  ),
  row(
    499,
    "refuse",
    "anything else",
    "Refused: too few witnesses can be asked about the primary {primary} (probe {probe}, standbys' links {link}, own look {ownLook}).",
    () => true,
  ),
];

export function decide(facts: Facts, diagnosis: Diagnosis, policy: Policy, order: Order | null = null): Decision {
  const candidates = rank(facts, diagnosis, policy, order);
  const situation: Situation = { facts, diagnosis, policy, order, candidates };
  const rule = RULES.find((each) => each.matches(situation) && !(each.overridable && order?.overrides.includes(each.number))) as Rule;
  const refusal = rule.number === 311 ? best(situation)?.refusal : undefined;
  const number = refusal?.rule ?? rule.number;
  const acts = ["failover", "switchover", "ask", "shadow"].includes(rule.kind);
  const target = rule.kind === "native" ? facts.record.primary : acts ? (best(situation)?.standby.id ?? null) : null;
  return {
    rule: number,
    kind: rule.kind,
    tell: rule.tell,
    diagnosis: diagnosis.name,
    target,
    sentence: `${fill(rule.sentence, words(situation))} (rule ${number})`,
    overridable: (refusal?.overridable ?? rule.overridable) ? [number] : [],
  };
}

function words(situation: Situation): Record<string, string> {
  const { facts, diagnosis: d, policy, order } = situation;
  const { record } = facts;
  const target = best(situation);
  const former = unsettled(situation);
  const witnesses = [
    { name: "the probe", sight: d.probe },
    { name: "the primary network's probe", sight: d.nearProbe },
    { name: record.standbys.length > 1 ? "the standbys' replication links" : "the standby's replication link", sight: d.link },
    { name: "the watcher", sight: d.ownLook },
  ];
  const seeing = (sight: string, all = witnesses) =>
    all
      .filter((witness) => witness.sight === sight)
      .map((witness) => witness.name)
      .join(" and ") || "nobody";
  // Once all have lost it, the watcher's own look is no witness.
  const losers = DEAD.includes(d.name) ? witnesses.slice(0, -1) : witnesses;
  return {
    primary: record.primary,
    primaryStatus: facts.primary?.status ?? "not described",
    generation: String(record.generation),
    diagnosis: d.name,
    standbys: record.standbys.join(" and ") || "no standby",
    writer: writers(situation)[0]?.id ?? "(none)",
    target: target?.standby.id ?? "(none)",
    targetRegion: target?.standby.region ?? "(none)",
    lagSeconds: rounded(target ? (d.prices[target.standby.id]?.lagSeconds ?? null) : null),
    unfit: target?.refusal?.sentence ?? "",
    noStandby: order?.target
      ? `${order.target} is no standby of ${record.database}; its standbys are: ${record.standbys.join(", ") || "none"}`
      : order?.verb === "failback"
        ? `no standby of ${record.database} is where a former primary ran. Order a switchover to one of: ${record.standbys.join(", ") || "none"}`
        : isCluster(situation)
          ? `${record.database} has no standby but RDS's own, and RDS has not brought ${record.primary} back. Look at the cluster; restore it from its newest snapshot if it is lost`
          : `${record.database} has no standby left. Restore from the newest backup`,
    former: former?.instance ?? "(none)",
    formerHolds:
      former?.alone?.count === null
        ? `may hold what ${record.primary} lacks: ${former.alone.named}`
        : `holds ${former?.alone?.count} transactions that ${record.primary} lacks: ${former?.alone?.named}`,
    rescue: former?.alone?.rescue ? `The snapshot ${former.alone.rescue} keeps them.` : "No snapshot of it could be taken.",
    execution: record.claim?.execution ?? "(none)",
    lostBy: seeing("lost", losers),
    seenBy: seeing("alive"),
    lostForSeconds: rounded(d.lostForSeconds ?? d.unreachableForSeconds),
    unreachableForSeconds: rounded(d.unreachableForSeconds),
    windowSeconds: rounded(confirmationSeconds(policy)),
    nativeGraceSeconds: String(policy.nativeGraceSeconds),
    globalCluster: policy.globalCluster ?? "(none)",
    nativeTrouble: nativeTrouble(facts) ?? "",
    restartGraceSeconds: String(policy.restartGraceSeconds),
    lastMove: record.lastMove?.execution ?? "(none)",
    sinceLastMoveMinutes: record.lastMove ? rounded((facts.atMs - record.lastMove.endedAtMs) / 60_000) : "0",
    cooldownMinutes: String(policy.cooldownMinutes),
    pausedBy: record.pause?.by ?? "nobody",
    pausedUntil: record.pause ? new Date(record.pause.untilMs).toISOString() : "never",
    pauseReason: record.pause?.reason ?? "",
    recentMoves: String(recentMoves(situation).length),
    brakeMoves: String(policy.brake.moves),
    brakeMinutes: String(policy.brake.withinMinutes),
    order: order?.id ?? "(none)",
    orderGeneration: String(order?.generation ?? 0),
    by: order?.by ?? "nobody",
    reason: order?.reason ?? "",
    overrides: order && order.overrides.length > 0 ? `, overriding ${order.overrides.map((rule) => `rule ${rule}`).join(", ")}` : "",
    probe: d.probe,
    link: d.link,
    ownLook: d.ownLook,
    nameTrouble: facts.nameTrouble ?? "",
  };
}
