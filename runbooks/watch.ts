/**
 * One lap of the watcher: read the world, decide, and only when a rule says so claim the database and start the move.
 * Harmless when run twice or by several at once: the claim is a conditional write, the execution's name is the claim's.
 */
import type { Stored } from "../aws/documents.ts";
import { executionStatus } from "../aws/functions.ts";
import { describeInstance, setSecurityGroups } from "../aws/rds.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import type { Brake, Claim, DatabaseRecord, Facts } from "../core/facts.ts";
import { decisionNews, type News } from "../core/news.ts";
import { type Policy, policyOf, voteFreshSeconds } from "../core/policy.ts";
import { recordDecision } from "../core/recorded.ts";
import { type Decision, decide } from "../core/rules.ts";
import { act, dueRequests } from "./carry-out.ts";
import { decideNow } from "./decisions.ts";
import { groupsOf, keepFences } from "./fences.ts";
import { keepDecision } from "./kept.ts";
import { withLastResort } from "./last-resort.ts";
import { metricLine } from "./metrics.ts";
import { noticeNative } from "./native-watch.ts";
import { observe } from "./observe.ts";
import { remindOfPause } from "./pauses.ts";
import { endReadOnly } from "./read-only.ts";
import { changeBrake, claim, endClaim, executionName, readBrake, readRecord, succeed } from "./record.ts";
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
  const known = await readRecord(settings, database);
  const found = known.value;
  await remindOfPause(settings, found);
  if (found.claim) return await tendClaim(settings, database, found, found.claim);
  await keepFences(settings, database, found);

  const [{ facts: seen, stored, brake }, due] = await Promise.all([
    // What keeping fences took, or noted, is not in the record read before.
    observe(settings, database, found.retired.length === 0 ? known : undefined),
    dueRequests(settings, database, found),
  ]);
  for (const request of due) {
    const { sentence, execution } = await act(settings, database, request);
    if (execution !== null) return { database: database.name, rule: ruleIn(sentence), sentence, execution };
  }
  const policy = policyOf(settings.plan, database.plan);
  const { facts, diagnosis, decision } = await decideNow(settings, database, seen, policy, null);
  noteNearVote(settings, facts, policy);
  await noticeNative(settings, facts);
  console.log(JSON.stringify({ what: "decision", database: database.name, ...decision }));
  const keep = () => keepDecision(settings, recordDecision(facts, policy, null, decision));
  if (decision.kind !== "failover" || decision.target === null) {
    await keep();
    if (decision.kind === "ask") await askForApproval(settings, facts, diagnosis, decision);
    else if (decision.tell) await tell(settings, await told(settings, decision, decisionNews(decision, facts, diagnosis)));
    return result(database, decision, null);
  }
  // Nothing waits for what is kept for people, but the end of the lap.
  const kept = keep();
  kept.catch(() => {});
  const counted = await countOnBrake(settings, policy, facts.record, brake);
  if (!counted) {
    await kept;
    const braked = decide({ ...facts, brake: (await readBrake(settings)).value }, diagnosis, policy);
    return result(database, braked, null);
  }
  const { target, rule, sentence } = decision;
  const taken = await claim(settings, stored, { kind: "failover", target, rule, sentence, order: null }, storeNowMs());
  if (!taken) {
    await kept;
    const now = (await readRecord(settings, database)).value;
    return {
      database: database.name,
      rule: 201,
      sentence: "Held: another watcher claimed the move first. (rule 201)",
      execution: now.claim?.execution ?? null,
    };
  }
  await startMove(settings, facts.record, taken);
  await kept;
  return result(database, decision, taken.execution);
}

/**
 * Counts the move before it is claimed, so that of several databases that go down at once no more move than the brake allows. false:
 * others were faster. A move that is counted and then not claimed is one too many on the brake, which errs on the safe side.
 */
async function countOnBrake(settings: Settings, policy: Policy, record: DatabaseRecord, seen: Stored<Brake>): Promise<boolean> {
  const execution = executionName(record.database, record.generation, record.attempts + 1);
  const count = (brake: Brake): Brake => {
    const fromMs = Math.max(brake.releasedAtMs, storeNowMs() - policy.brake.withinMinutes * 60_000);
    const moves = brake.moves.filter(({ atMs }) => atMs > fromMs);
    if (moves.length >= policy.brake.moves || moves.some((move) => move.execution === execution)) return { ...brake, moves };
    return { ...brake, moves: [...moves, { execution, atMs: storeNowMs() }] };
  };
  const counted = await changeBrake(settings, count, seen);
  return counted.moves.some((move) => move.execution === execution);
}

/** Said here, because an alarm hears no metric of another region: the silence of the near probe reaches people all the same (infra/alarms.ts). */
function noteNearVote(settings: Settings, facts: Facts, policy: Policy): void {
  const { database, nearVote, atMs } = facts;
  if (nearVote && (atMs - nearVote.atMs) / 1000 <= voteFreshSeconds(policy))
    console.log(metricLine(settings, database, "near", atMs, { NearVoteHeard: 1 }));
}

/** Where no standby is left a person can do one more thing. */
const told = async (settings: Settings, { rule }: Decision, news: News): Promise<News> =>
  rule === 300 ? await withLastResort(settings, news) : news;

/** Every decision's sentence ends with its rule. */
const ruleIn = (sentence: string): number => Number(/\(rule (\d+)\)$/.exec(sentence)?.[1] ?? 0);

const result = (database: Protected, decision: Decision, execution: string | null): WatchResult => ({
  database: database.name,
  rule: decision.rule,
  sentence: decision.sentence,
  execution,
});

/** After its claim was taken, a dead execution's last call may still be on its way for so long. */
const LAST_CALLS_MS = 45_000;

/** A claim is left alone while its execution runs, started when its claimer died before doing so, and taken over when it died itself. */
async function tendClaim(settings: Settings, database: Protected, record: DatabaseRecord, held: Claim): Promise<WatchResult> {
  const { execution } = held;
  const answer = (sentence: string): WatchResult => ({ database: database.name, rule: 201, sentence: `${sentence} (rule 201)`, execution });
  if (held.stage === "undoing") return answer(await undo(settings, database, record, held));
  const status = await executionStatus(settings.region, settings.functions.move, execution);
  if (status === null) {
    await startMove(settings, record, held);
    return answer(`Held: the claim ${execution} had no execution; it is started now.`);
  }
  if (status === "RUNNING") return answer(`Held: the move ${execution} is already running.`);
  // The move ends its own claim as its last act; seen a moment later it is gone.
  const now = (await readRecord(settings, database)).value;
  if (now.claim?.execution !== execution) return answer(`Held: the move ${execution} has just ended.`);
  const { stage } = now.claim;
  if (stage === "claimed") {
    // Told first: whoever dies in between tells it again, under the same name, and never leaves it untold.
    await tell(settings, diedNews(record, now.claim, status, `nothing was changed, and the claim is released`));
    await endClaim(settings, database, execution, "failed", storeNowMs());
    return answer(`The move ${execution} ended as ${status} without releasing its claim; it is released now.`);
  }
  const successor = await succeed(settings, database, execution, stage === "promoted" ? "promoted" : "undoing", storeNowMs());
  if (!successor) return answer(`Held: another watcher has taken over from ${execution}.`);
  if (stage === "promoted") {
    await startMove(settings, record, successor);
    await tell(settings, diedNews(record, now.claim, status, `${successor.execution} goes on where it ended`));
    return answer(`The move ${execution} ended as ${status} after the promotion; ${successor.execution} goes on where it ended.`);
  }
  await tell(settings, diedNews(record, now.claim, status, `${record.primary} gets its network back, within two minutes`));
  return answer(`The move ${execution} ended as ${status} before the promotion; what it did is undone.`);
}

/** A move that died between the fence and the promotion left the only primary there is without a network. It is given back. */
async function undo(settings: Settings, database: Protected, record: DatabaseRecord, held: Claim): Promise<string> {
  if (storeNowMs() - held.takenAtMs < LAST_CALLS_MS) return `Held: ${held.execution} is about to undo a move that died.`;
  const target = await describeInstance(record.regions[held.target] as string, held.target);
  if (target?.sourceId === null && held.kind !== "restore") {
    // Its last call was the promotion: there is no way back.
    const successor = await succeed(settings, database, held.execution, "promoted", storeNowMs());
    if (successor) await startMove(settings, record, successor);
    return `Held: ${held.target} was promoted after all; ${successor?.execution ?? "another execution"} goes on from there.`;
  }
  if (held.network) {
    const region = record.regions[record.primary] as string;
    try {
      const primary = await describeInstance(region, record.primary);
      await endReadOnly(database, record, record.primary);
      if (primary && groupsOf(primary).join() !== held.network.join()) await setSecurityGroups(region, record.primary, held.network);
    } catch (error) {
      const so = `${record.primary} is still fenced: its groups ${held.network.join(", ")} could not be given back (${(error as Error).message}). It is tried again each minute`;
      await tell(settings, diedNews(record, held, "FENCED", so));
      return `Held: ${so}.`;
    }
  }
  await tell(settings, diedNews(record, held, "UNDONE", `nothing was promoted, and ${record.primary} has its network back`));
  await endClaim(settings, database, held.execution, "failed", storeNowMs());
  return `The move that died is undone: ${record.primary} has its network back.`;
}

function diedNews(record: DatabaseRecord, held: Claim, status: string, so: string): News {
  return {
    kind: "Move Failed",
    id: `${held.execution}-${status}`,
    database: record.database,
    atMs: storeNowMs(),
    sentence: `A move of ${record.database} to ${held.target} died before it was done (${status}): ${so}.`,
    details: [
      ["Asked for by", held.sentence],
      ["Target", held.target],
      ["Primary on record", record.primary],
      ["Stage", held.stage],
    ],
    next: "See how far the execution came in the Lambda console, then look at both instances and the DNS record before anything else.",
  };
}
