/**
 * The evidence of one move: what was seen, decided, called and proven, and how long each part took. Puts together what the move has
 * noted; knows no clock and keeps nothing. Times are milliseconds since 1970 by the store's clock.
 */
import { type Diagnosis, diagnose } from "./diagnosis.ts";
import type { DatabaseRecord, Facts, Order, StandbyFacts, Vote } from "./facts.ts";
import { ASKED_FOR, type Climbed, type Rung, STEP_OF } from "./ladder.ts";
import { confirmationSeconds, type Policy, voteFreshSeconds } from "./policy.ts";
import { priceWords } from "./price.ts";
import { rdsSays, waitingTakes } from "./rds-word.ts";

/** A call to AWS, or several alike within one step. */
export interface Call {
  readonly service: string;
  readonly operation: string;
  readonly region: string;
  /** What it was about: an instance, a key, a zone. */
  readonly target: string | null;
  /** When the first of them began, and how long all of them took. */
  readonly atMs: number;
  readonly tookMs: number;
  readonly times: number;
  /** The SDK's own tries, all together. */
  readonly tries: number;
  /** "ok", or the error's code. */
  readonly answer: string;
}

/** A step of the move as its durable story holds it. */
export interface Step {
  readonly name: string;
  readonly atMs: number;
  readonly endedAtMs: number;
  readonly looks: number;
  /** What the last look saw, or why the step failed; null where a step only acts. */
  readonly seen: string | null;
  /** Whether what was looked for was seen; null where a step only acts. */
  readonly holds: boolean | null;
  readonly failed: boolean;
  readonly calls: readonly Call[];
}

export interface Proven {
  readonly holds: boolean;
  readonly seen: string;
  readonly atMs: number;
}

export interface Guard {
  readonly what: string;
  readonly value: string;
  readonly limit: string;
}

export interface Part {
  readonly part: string;
  readonly ms: number;
  /** Where both ends of it are written down. */
  readonly source: string;
}

/** Moments of a move, in their order; a part lasts from the moment before to its own. */
export type Moment = readonly [part: string, atMs: number | null | undefined, source: string];

export interface Price {
  /** Seconds between the last heartbeat the primary acknowledged and the newest one the standby had applied. */
  readonly seconds: number | null;
  readonly rows: number | null;
  readonly words: string;
}

export interface Evidence {
  readonly version: 1;
  readonly execution: string;
  readonly database: string;
  readonly kind: "failover" | "switchover" | "failback" | "restore" | "reboot with failover" | "global failover" | "global switchover";
  readonly outcome: "succeeded" | "failed";
  readonly sentence: string;
  readonly from: string;
  readonly to: string;
  readonly name: string;
  readonly generation: number;
  readonly rule: number;
  /** Why, in the rule's own sentence. */
  readonly because: string;
  readonly order: Order | null;
  /** An execution before this one had begun it; its calls are in that one's own story. */
  readonly resumed: boolean;
  readonly diagnosis: Diagnosis;
  readonly guards: readonly Guard[];
  readonly split: readonly Part[];
  readonly price: { readonly before: Price; readonly drained: Price | null };
  /** What RDS said of the primary, and what waiting for it would have taken. */
  readonly alone: { readonly says: string; readonly waiting: string };
  readonly proofs: readonly (Proven & { readonly what: string })[];
  /** The rungs of the fence a promotion waited for; empty for a planned move, which needs none before it. */
  readonly ladder: readonly Climbed[];
  readonly steps: readonly Step[];
  readonly calls: number;
  readonly confirmed: { readonly facts: Facts };
}

export interface Story {
  readonly execution: string;
  readonly kind: Evidence["kind"];
  readonly outcome: Evidence["outcome"];
  readonly sentence: string;
  readonly name: string;
  readonly policy: Policy;
  readonly confirmed: {
    readonly atMs: number;
    readonly rule: number;
    readonly sentence: string;
    readonly primary: string;
    readonly standby: string;
    readonly facts: Facts;
  };
  readonly moments: readonly Moment[];
  readonly proofs: Readonly<Record<string, Proven | null | undefined>>;
  /** Of the standby, when it had applied all it had received; null where nobody looked. */
  readonly drained: Pick<StandbyFacts, "heartbeatAtMs" | "rowsChanged"> | null;
  readonly steps: readonly Step[];
}

export function evidenceOf(story: Story): Evidence {
  const { execution, kind, outcome, sentence, name, policy, confirmed, steps } = story;
  const { facts, primary, standby } = confirmed;
  const diagnosis = diagnose({ ...facts, record: { ...facts.record, claim: null } }, policy);
  const { claim } = facts.record;
  return {
    version: 1,
    execution,
    database: facts.database,
    kind,
    outcome,
    sentence,
    from: primary,
    to: standby,
    name,
    generation: facts.record.generation,
    rule: confirmed.rule,
    because: confirmed.sentence,
    order: claim?.order ?? null,
    resumed: claim?.stage === "promoted",
    diagnosis,
    guards: guardsOf(facts, diagnosis, policy, standby, claim?.order ?? null),
    split: splitOf([...beginning(facts, confirmed.atMs), ...story.moments]),
    price: {
      before: priced(diagnosis.prices[standby]?.lagSeconds ?? null, diagnosis.prices[standby]?.rowsAtRisk ?? null),
      drained: story.drained ? afterDrain(facts, story.drained) : null,
    },
    alone: { says: rdsSays(facts), waiting: waitingTakes(facts) },
    proofs: Object.entries(story.proofs).flatMap(([what, proof]) =>
      proof ? [{ what, holds: proof.holds, seen: proof.seen, atMs: proof.atMs }] : [],
    ),
    ladder: ladderOf(steps),
    steps,
    calls: steps.reduce((sum, step) => sum + step.calls.reduce((all, { times }) => all + times, 0), 0),
    confirmed: { facts },
  };
}

const asked: Partial<Record<Rung, string>> = ASKED_FOR;

/** A rung takes from the step that asks for it to the one that proves it, or to where it failed. */
const ladderOf = (steps: readonly Step[]): Climbed[] =>
  Object.entries(STEP_OF).flatMap(([rung, name]) => {
    const climbing = steps.filter((step) => step.name === name || step.name === asked[rung as Rung]);
    const [first, last] = [climbing[0], climbing.at(-1)];
    if (!first || !last) return [];
    const { endedAtMs, holds, seen } = last;
    return { rung: rung as Rung, holds: holds === true, seen: seen ?? "", atMs: endedAtMs, tookMs: endedAtMs - first.atMs };
  });

/** Up to the move's own look. A planned move begins with its order: nothing was lost before it. */
function beginning({ record, vote, nearVote }: Facts, confirmedAtMs: number): Moment[] {
  const { claim } = record;
  const losses = [vote, nearVote].flatMap((each: Vote | null) => each?.primaryLostSinceMs ?? []);
  const lost: Moment = ["", losses.length > 0 ? Math.min(...losses) : null, "a probe's first look that failed"];
  const order = claim?.order ?? null;
  const begins = order && claim?.kind !== "failover" ? ["", order.atMs, "the order"] : lost;
  return [
    begins as Moment,
    ["detect", order ? null : claim?.takenAtMs, "to the claim in the record"],
    ["people", order && claim?.kind === "failover" ? order.atMs : null, "to the order, with its approvals"],
    ["decide", confirmedAtMs, "to the move's own look"],
  ];
}

/** Moments nobody saw are left out: their time goes to the next part. What lies before the moment above it took none of its own. */
export function splitOf(moments: readonly Moment[]): Part[] {
  const parts: Part[] = [];
  let fromMs: number | null = null;
  for (const [part, atMs, source] of moments) {
    if (atMs === null || atMs === undefined) continue;
    if (fromMs !== null && part !== "") parts.push({ part, ms: Math.max(0, atMs - fromMs), source });
    fromMs = Math.max(fromMs ?? atMs, atMs);
  }
  return parts;
}

const priced = (seconds: number | null, rows: number | null): Price => ({
  seconds,
  rows,
  words: priceWords({ lagSeconds: seconds, rowsAtRisk: rows }),
});

/** What the standby lacked once it had applied all it had received: the last acknowledged heartbeats against the newest it has. */
function afterDrain({ vote, nearVote }: Facts, has: NonNullable<Story["drained"]>): Price {
  const newest = (values: readonly (number | null | undefined)[]): number | null => {
    const known = values.flatMap((value) => value ?? []);
    return known.length > 0 ? Math.max(...known) : null;
  };
  const written = newest([vote?.lastHeartbeatAtMs, nearVote?.lastHeartbeatAtMs]);
  const counted = newest([vote?.rowsChanged, nearVote?.rowsChanged]);
  const seconds = written === null || has.heartbeatAtMs === null ? null : Math.max(0, (written - has.heartbeatAtMs) / 1000);
  const rows = counted === null || has.rowsChanged === null || counted < has.rowsChanged ? null : counted - has.rowsChanged;
  return priced(seconds, rows);
}

const number = (value: number | null | undefined, unit: string): string =>
  value === null || value === undefined ? "not known" : `${Math.round(value * 10) / 10} ${unit}`;

/** The figures the rules held against their limits. */
function guardsOf(facts: Facts, diagnosis: Diagnosis, policy: Policy, standby: string, order: Order | null): Guard[] {
  const { record, brake, atMs } = facts;
  const price = diagnosis.prices[standby];
  const recent = brake.moves.filter((move) => move.atMs > brake.releasedAtMs && atMs - move.atMs < policy.brake.withinMinutes * 60_000);
  const { lastMove } = record;
  return [
    { what: "age of the probe's vote", value: number(diagnosis.voteAgeSeconds, "s"), limit: `at most ${voteFreshSeconds(policy)} s` },
    { what: "lost for", value: number(diagnosis.lostForSeconds, "s"), limit: `at least ${confirmationSeconds(policy)} s` },
    { what: `lag of ${standby}`, value: number(price?.lagSeconds, "s"), limit: `at most ${policy.maxLagSeconds} s` },
    {
      what: "its link was lost earlier by",
      value: number(price?.linkLostEarlierSeconds, "s"),
      limit: `at most ${confirmationSeconds(policy) + policy.probeEverySeconds} s`,
    },
    {
      what: `automatic moves in ${policy.brake.withinMinutes} min`,
      value: String(recent.length),
      limit: `at most ${policy.brake.moves}`,
    },
    {
      what: "since the last move",
      value: lastMove ? `${number((atMs - lastMove.endedAtMs) / 60_000, "min")}, ${lastMove.outcome}` : "none before",
      limit: `${policy.cooldownMinutes} min after an automatic one`,
    },
    { what: "pause", value: pauseWords(record, atMs), limit: "none" },
    ...(order
      ? [{ what: "rules passed over by the order", value: order.overrides.join(", ") || "none", limit: "those marked overridable" }]
      : []),
  ];
}

const pauseWords = ({ pause }: DatabaseRecord, atMs: number): string =>
  pause && pause.untilMs > atMs ? `until ${new Date(pause.untilMs).toISOString()}, by ${pause.by}` : "none";

/** What became of the old primary, as far as the look afterwards saw. Written once, beside the pack. */
export interface Afterwards {
  readonly version: 1;
  readonly execution: string;
  readonly instance: string;
  /** When RDS called it available again, and how long after the move: what RDS alone would have taken, with what the fence added. */
  readonly back: { readonly holds: boolean; readonly seen: string; readonly atMs: number; readonly afterMs: number };
  /** Rungs of the fence that come after the move. */
  readonly rungs: readonly Climbed[];
  readonly steps: readonly Step[];
}

/** Where the pack, its page and what is learned later are kept. */
export const evidenceKey = (database: string, execution: string, kind: "json" | "html" | "after.json" | "actual.json"): string =>
  `evidence/${database}/${execution}.${kind}`;

/** Orders names like "move-shop-g7-a2" by generation and attempt. */
export function newestMove(one: string, other: string): number {
  const [a, b] = [one, other].map((name) => (/-g(\d+)-a(\d+)$/.exec(name) ?? []).slice(1).map(Number));
  return (a?.[0] ?? 0) - (b?.[0] ?? 0) || (a?.[1] ?? 0) - (b?.[1] ?? 0);
}
