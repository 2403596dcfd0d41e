/**
 * Moves that people order. A move is never started here: it is a request, which `watch` decides about as soon as enough people have
 * agreed. Who orders is proven before (identity.ts).
 */
import { approveCommand, waysPast, withdrawCommand } from "../core/commands.ts";
import type { Order } from "../core/facts.ts";
import { seen } from "../core/news.ts";
import type { MoveAsked, RequestNamed } from "../core/order.ts";
import { calledAs } from "../core/people.ts";
import { policyOf } from "../core/policy.ts";
import { Problem } from "../core/problem.ts";
import { recordDecision } from "../core/recorded.ts";
import { agreed, approve, isEnough, type MoveRequest, requestId, waits } from "../core/requests.ts";
import { MOVES } from "../core/rules.ts";
import { type OrderAnswer, taken, yes } from "./answers.ts";
import { handOver, lookThrough } from "./hand-over.ts";
import { keepDecision } from "./kept.ts";
import { startApproved } from "./order-restores.ts";
import { readRecord } from "./record.ts";
import { changeRequest, createRequest, expireMinutes, requestFor, requestNews } from "./requests.ts";
import type { Protected, Settings } from "./settings.ts";
import { tell } from "./tell.ts";

/** A move: refused at once when the rules would refuse it, else a request that counts its asker. */
export async function ask(settings: Settings, database: Protected, asked: MoveAsked, by: string, nowMs: number): Promise<OrderAnswer> {
  const { verb, target, overrides, reason, generation } = asked;
  const notBeforeMs = timeOf(asked, nowMs);
  const dataLoss = asked.allowDataLoss ? { allowDataLoss: true } : {};
  const order: Order = { id: asked.id, verb, target, overrides, reason, by: calledAs(by), atMs: nowMs, generation, ...dataLoss };
  const { facts, diagnosis, decision } = await lookThrough(settings, database, order);
  await keepDecision(settings, recordDecision(facts, policyOf(settings.plan, database.plan), order, decision));
  if (!MOVES.includes(decision.kind) || decision.target === null) {
    const commands = waysPast(decision, database.name, order);
    const next = commands.length > 0 ? `Nothing was changed. To pass over it this once:` : "Nothing was changed.";
    await tell(settings, {
      kind: "Order Refused",
      id: `${asked.id}-refused`,
      database: database.name,
      atMs: nowMs,
      sentence: decision.sentence,
      details: [["Ordered", `${verb} of ${database.name}, by ${by}: ${reason}`], ...seen(facts, diagnosis)],
      next,
      commands,
    });
    return { accepted: false, sentence: decision.sentence, next, commands, request: null, execution: null };
  }
  const request = requestFor(
    settings.plan,
    facts,
    diagnosis,
    { ...decision, target: decision.target },
    {
      id: requestId(database.name, generation, asked.id),
      verb,
      overrides,
      ...dataLoss,
      reason,
      askedBy: by,
      expiresAtMs: (notBeforeMs ?? nowMs) + expireMinutes(settings.plan) * 60_000,
      notBeforeMs,
    },
  );
  await createRequest(settings, request);
  if (isEnough(request)) return await enough(settings, request, decision.sentence, nowMs);
  await tell(settings, requestNews(request, facts, diagnosis, database.plan));
  return waiting(request, decision.sentence);
}

/** How far ahead a move may be scheduled. */
const AHEAD_DAYS = 30;

/** Of a scheduled move; null: at once. */
function timeOf({ notBefore, verb }: MoveAsked, nowMs: number): number | null {
  if (notBefore === null) return null;
  const atMs = Date.parse(notBefore);
  if (atMs > nowMs && atMs <= nowMs + AHEAD_DAYS * 86_400_000) return atMs;
  throw new Problem("BadTime", `Refused: a ${verb} at ${notBefore} is ${atMs <= nowMs ? "in the past" : "too far ahead"}.`, {
    hint: `Name a time in UTC, from now (${new Date(nowMs).toISOString()}) to ${AHEAD_DAYS} days ahead, or none to move at once.`,
  });
}

/** Carried out now, or noted for its time: the watcher looks for it each minute, and decides anew when that has come. */
async function enough(settings: Settings, request: MoveRequest, sentence: string, nowMs: number): Promise<OrderAnswer> {
  const { id, database, verb, target, notBeforeMs } = request;
  if (!notBeforeMs || !waits(request, nowMs)) return await handOver(settings, request);
  const at = new Date(notBeforeMs).toISOString();
  const scheduled = `Scheduled: the ${verb} of ${database} to ${target} begins at ${at}, or within the minute after it.`;
  const command = withdrawCommand(id);
  await tell(settings, taken(`${id}-scheduled`, database, `${scheduled} ${sentence}`, nowMs, command));
  const next = "It is decided anew then, and is void if the primary changes before. To call it off:";
  return yes(scheduled, next, { commands: [command], request: id });
}

const waiting = (request: MoveRequest, sentence: string): OrderAnswer =>
  yes(
    sentence,
    `${agreed(request)} of ${request.people} people have agreed. Until ${new Date(request.expiresAtMs).toISOString()} another may approve:`,
    {
      commands: [approveCommand(request.id)],
      request: request.id,
    },
  );

export async function agree(
  settings: Settings,
  database: Protected,
  { request: id }: RequestNamed,
  by: string,
  nowMs: number,
): Promise<OrderAnswer> {
  const { generation } = (await readRecord(settings, database)).value;
  let refusal: string | null = null;
  const changed = await changeRequest(settings, database.name, id, (request) => {
    const judged = approve(request, { by, atMs: nowMs }, generation);
    refusal = judged.counts ? null : judged.sentence;
    return judged.counts ? judged.request : null;
  });
  if (!changed) throw unknownRequest(id, database);
  if (refusal !== null) throw new Problem("ApprovalRefused", refusal, { hint: `See what is open: ${moveList(database.name)}` });
  if (changed.verb === "restore" && isEnough(changed)) return await startApproved(settings, changed, nowMs);
  if (isEnough(changed)) return await enough(settings, changed, changed.decision.sentence, nowMs);
  await tell(
    settings,
    taken(
      `${id}-${agreed(changed)}`,
      database.name,
      `${calledAs(by)} approved the request ${id}: ${agreed(changed)} of ${changed.people} people have agreed.`,
      nowMs,
      approveCommand(id),
    ),
  );
  return waiting(changed, `${calledAs(by)} approved: ${changed.decision.sentence}`);
}

export async function withdraw(
  settings: Settings,
  database: Protected,
  { request: id }: RequestNamed,
  by: string,
  nowMs: number,
): Promise<OrderAnswer> {
  const changed = await changeRequest(settings, database.name, id, (request) =>
    request.usedBy === null && request.withdrawnBy === null ? { ...request, withdrawnBy: by } : null,
  );
  if (!changed) throw unknownRequest(id, database);
  if (changed.usedBy !== null)
    throw new Problem("RequestUsed", `Refused: the request ${id} was used already, by ${changed.usedBy}.`, {
      hint: "A move that runs is not called back; see how it goes.",
    });
  const sentence = `${calledAs(changed.withdrawnBy ?? by)} withdrew the request ${id}: nobody can approve it any more.`;
  await tell(settings, taken(`${id}-withdrawn`, database.name, sentence, nowMs));
  return yes(sentence, "Nothing.", { request: id });
}

const moveList = (database: string): string => `npm run understudy -- requests ${database}`;

const unknownRequest = (id: string, database: Protected): Problem =>
  new Problem("UnknownRequest", `Refused: there is no request ${id}.`, { hint: `See what is open: ${moveList(database.name)}` });
