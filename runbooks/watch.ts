/**
 * One lap of the watcher: read the world, decide, and only when a rule says so claim the database and start the move.
 * Harmless when run twice or by several at once: the claim is a conditional write, the execution's name is the claim's.
 */
import { executionStatus } from "../aws/functions.ts";
import { diagnose } from "../core/diagnosis.ts";
import type { Claim, DatabaseRecord } from "../core/facts.ts";
import { decisionNews, type News } from "../core/news.ts";
import { type Policy, policyOf } from "../core/policy.ts";
import { type Decision, decide } from "../core/rules.ts";
import { observe } from "./observe.ts";
import { remindOfPause } from "./pauses.ts";
import { changeBrake, claim, endClaim, executionName, readBrake, readRecord } from "./record.ts";
import { askForApproval } from "./requests.ts";
import type { Protected, Settings } from "./settings.ts";
import { startMove } from "./start.ts";
import { tell } from "./tell.ts";

export interface WatchResult {
  readonly database: string;
  readonly rule: number;
  readonly sentence: string;
  /** The execution this lap started, joined or found; null when there is none. */
  readonly execution: string | null;
}

export async function watchLap(settings: Settings, database: Protected): Promise<WatchResult> {
  const found = (await readRecord(settings, database)).value;
  await remindOfPause(settings, found);
  if (found.claim) return await tendClaim(settings, database, found, found.claim);

  const { facts, stored } = await observe(settings, database);
  const policy = policyOf(settings.plan, database.plan);
  const diagnosis = diagnose(facts, policy);
  const decision = decide(facts, diagnosis, policy);
  console.log(JSON.stringify({ what: "decision", database: database.name, ...decision }));
  if (decision.kind !== "failover" || decision.target === null) {
    if (decision.kind === "ask") await askForApproval(settings, facts, diagnosis, decision);
    else if (decision.tell) await tell(settings, decisionNews(decision, facts, diagnosis));
    return result(database, decision, null);
  }
  if (!(await countOnBrake(settings, policy, facts.record))) {
    const braked = decide({ ...facts, brake: (await readBrake(settings)).value }, diagnosis, policy);
    return result(database, braked, null);
  }
  const { target, rule, sentence } = decision;
  const taken = await claim(settings, stored, { kind: "failover", target, rule, sentence, order: null }, Date.now());
  if (!taken) {
    const now = (await readRecord(settings, database)).value;
    return {
      database: database.name,
      rule: 201,
      sentence: "Held: another watcher claimed the move first. (rule 201)",
      execution: now.claim?.execution ?? null,
    };
  }
  await startMove(settings, facts.record, taken);
  return result(database, decision, taken.execution);
}

/**
 * Counts the move before it is claimed, so that of several databases that go down at once no more move than the brake allows. false:
 * others were faster. A move that is counted and then not claimed is one too many on the brake, which errs on the safe side.
 */
async function countOnBrake(settings: Settings, policy: Policy, record: DatabaseRecord): Promise<boolean> {
  const execution = executionName(record.database, record.generation, record.attempts + 1);
  const counted = await changeBrake(settings, (brake) => {
    const fromMs = Math.max(brake.releasedAtMs, Date.now() - policy.brake.withinMinutes * 60_000);
    const moves = brake.moves.filter(({ atMs }) => atMs > fromMs);
    if (moves.length >= policy.brake.moves || moves.some((move) => move.execution === execution)) return { ...brake, moves };
    return { ...brake, moves: [...moves, { execution, atMs: Date.now() }] };
  });
  return counted.moves.some((move) => move.execution === execution);
}

const result = (database: Protected, decision: Decision, execution: string | null): WatchResult => ({
  database: database.name,
  rule: decision.rule,
  sentence: decision.sentence,
  execution,
});

/** A claim is left alone while its execution runs, started when its claimer died before doing so, and ended with an execution that ended without it. */
async function tendClaim(settings: Settings, database: Protected, record: DatabaseRecord, held: Claim): Promise<WatchResult> {
  const status = await executionStatus(settings.region, settings.functions.move, held.execution);
  const answer = (sentence: string): WatchResult => ({
    database: database.name,
    rule: 201,
    sentence: `${sentence} (rule 201)`,
    execution: held.execution,
  });
  if (status === null) {
    await startMove(settings, record, held);
    return answer(`Held: the claim ${held.execution} had no execution; it is started now.`);
  }
  if (status === "RUNNING") return answer(`Held: the move ${held.execution} is already running.`);
  // The move ends its own claim as its last act; seen a moment later it is gone.
  const now = (await readRecord(settings, database)).value;
  if (now.claim?.execution !== held.execution) return answer(`Held: the move ${held.execution} has just ended.`);
  await endClaim(settings, database, held.execution, "failed", Date.now());
  await tell(settings, diedNews(record, held, status));
  return answer(`The move ${held.execution} ended as ${status} without releasing its claim; it is released now.`);
}

function diedNews(record: DatabaseRecord, held: Claim, status: string): News {
  return {
    kind: "Move Failed",
    id: `${held.execution}-${status}`,
    database: record.database,
    atMs: Date.now(),
    sentence: `The move ${held.execution} ended as ${status} before it was done. The claim is released; no automatic move follows until the cooldown has passed.`,
    details: [
      ["Asked for by", held.sentence],
      ["Target", held.target],
      ["Primary on record", record.primary],
    ],
    next: "See how far the execution came in the Lambda console, then look at both instances and the DNS record before anything else.",
  };
}
