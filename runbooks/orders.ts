/**
 * What becomes of a person's order: who ordered is proven first, then it is done or refused, and both are told. A move is never started
 * here directly: it is a request, which the rules decide about as soon as enough people have agreed.
 */
import {
  acknowledgeCommand,
  approveCommand,
  moveCommand,
  releaseBrakeCommand,
  resumeCommand,
  statusCommand,
  waysPast,
  withdrawCommand,
} from "../core/commands.ts";
import { diagnose } from "../core/diagnosis.ts";
import type { DatabaseRecord, Order } from "../core/facts.ts";
import { type News, seen } from "../core/news.ts";
import type { DatabaseNamed, MoveAsked, OperatorOrder, PauseAsked, RequestNamed } from "../core/order.ts";
import { calledAs, personOf } from "../core/people.ts";
import { policyOf } from "../core/policy.ts";
import { Problem } from "../core/problem.ts";
import { recordDecision } from "../core/recorded.ts";
import { agreed, approve, databaseOfRequest, isEnough, isOpen, type MoveRequest, requestId } from "../core/requests.ts";
import { decide } from "../core/rules.ts";
import { keepDecision } from "./decisions.ts";
import { audience, identify } from "./identity.ts";
import { observe } from "./observe.ts";
import { changeBrake, changeRecord, readRecord } from "./record.ts";
import { carryOut, changeRequest, createRequest, expireMinutes, requestFor, requestNews, requestsOf } from "./requests.ts";
import { type Protected, protectedDatabase, protectedDatabases, type Settings } from "./settings.ts";
import { tell } from "./tell.ts";

export interface OrderAnswer {
  readonly accepted: boolean;
  readonly sentence: string;
  readonly next: string;
  readonly commands: readonly string[];
  /** The request's name, when there is one. */
  readonly request: string | null;
  /** The move that was started. */
  readonly execution: string | null;
}

export interface ListAnswer {
  readonly audience: string;
  readonly databases: Readonly<
    Record<
      string,
      { readonly generation: number; readonly primary: string; readonly requests: readonly (MoveRequest & { open: boolean })[] }
    >
  >;
}

const yes = (sentence: string, next = "Nothing.", more: Partial<OrderAnswer> = {}): OrderAnswer => ({
  accepted: true,
  sentence,
  next,
  commands: [],
  request: null,
  execution: null,
  ...more,
});

export async function takeOrder(settings: Settings, order: OperatorOrder): Promise<OrderAnswer | ListAnswer> {
  const nowMs = Date.now();
  let by: string | null = null;
  try {
    by = await identify(settings, order, nowMs);
    return await done(settings, order, by, nowMs);
  } catch (error) {
    // A Problem is an answer; anything else is Lambda's to report.
    if (!(error instanceof Problem)) throw error;
    const { name, message, hint } = error;
    console.warn(JSON.stringify({ what: "order refused", verb: order.verb, by, name, message }));
    if (name === "NotAllowed") await tell(settings, strangerNews(order, message, hint, nowMs));
    return {
      accepted: false,
      sentence: message,
      next: hint,
      commands: name === "ProofMissing" ? commandsFor(order) : [],
      request: null,
      execution: null,
    };
  }
}

async function done(settings: Settings, order: OperatorOrder, by: string | null, nowMs: number): Promise<OrderAnswer | ListAnswer> {
  const database = (name: string) => protectedDatabase(settings.plan, name);
  switch (order.verb) {
    case "requests":
      return await list(settings, order.database === null ? protectedDatabases(settings.plan) : [database(order.database)], nowMs);
    case "pause":
      return await pause(settings, database(order.database), order, by, nowMs);
    case "release-brake":
      return await releaseBrake(settings, order.id, proven(by), nowMs);
    case "resume":
    case "acknowledge":
      return await setFree(settings, database(order.database), order, proven(by), nowMs);
    case "approve":
    case "withdraw": {
      const known = database(databaseOfRequest(order.request) ?? "");
      return order.verb === "approve"
        ? await agree(settings, known, order, proven(by), nowMs)
        : await withdraw(settings, known, order, proven(by), nowMs);
    }
    default:
      return await ask(settings, database(order.database), order, proven(by), nowMs);
  }
}

/** Only what needs a proof comes here, and identify() lets nothing else through. */
function proven(by: string | null): string {
  if (by !== null) return by;
  throw new Problem("ProofMissing", "Refused: this needs a proof of who orders it.", { hint: "Order with npm run understudy." });
}

/** A move: refused at once when the rules would refuse it, else a request that counts its asker. */
async function ask(settings: Settings, database: Protected, asked: MoveAsked, by: string, nowMs: number): Promise<OrderAnswer> {
  const { facts } = await observe(settings, database);
  const policy = policyOf(settings.plan, database.plan);
  const diagnosis = diagnose(facts, policy);
  const { verb, target, overrides, reason, generation } = asked;
  const order: Order = { id: asked.id, verb, target, overrides, reason, by: calledAs(by), atMs: nowMs, generation };
  const decision = decide(facts, diagnosis, policy, order);
  await keepDecision(settings, recordDecision(facts, policy, order, decision));
  if ((decision.kind !== "failover" && decision.kind !== "switchover") || decision.target === null) {
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
      reason,
      askedBy: by,
      expiresAtMs: nowMs + expireMinutes(settings.plan) * 60_000,
    },
  );
  await createRequest(settings, request);
  if (isEnough(request)) return await act(settings, database, request);
  await tell(settings, requestNews(request, facts, diagnosis, database.plan));
  return waiting(request, decision.sentence);
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

async function agree(
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
    return judged.counts && judged.request !== request ? judged.request : null;
  });
  if (!changed) throw unknownRequest(id, database);
  if (refusal !== null) throw new Problem("ApprovalRefused", refusal, { hint: `See what is open: ${moveList(database.name)}` });
  if (isEnough(changed)) return await act(settings, database, changed);
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

/** Enough people have agreed: the rules decide, once more, and the move starts or the reason is told. The request stays open for another try until it expires. */
async function act(settings: Settings, database: Protected, request: MoveRequest): Promise<OrderAnswer> {
  const { decision, execution, order, facts, diagnosis } = await carryOut(settings, database, request);
  if (execution !== null)
    return yes(decision.sentence, `The move ${execution} has started; mails say how it goes.`, {
      request: request.id,
      execution,
      commands: [statusCommand()],
    });
  const commands = waysPast(decision, database.name, order);
  const next = `Nothing was changed. The request ${request.id} can be approved again until ${new Date(request.expiresAtMs).toISOString()}, if the reason above is gone by then.`;
  await tell(settings, {
    kind: "Order Refused",
    id: `${request.id}-refused-${decision.rule}`,
    database: database.name,
    atMs: facts.atMs,
    sentence: decision.sentence,
    details: [["Ordered", `${order.verb} of ${database.name}, by ${order.by}: ${order.reason}`], ...seen(facts, diagnosis)],
    next,
    commands,
  });
  return { accepted: false, sentence: decision.sentence, next, commands, request: request.id, execution: null };
}

async function withdraw(
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

async function pause(settings: Settings, database: Protected, order: PauseAsked, by: string | null, nowMs: number): Promise<OrderAnswer> {
  const who = by === null ? "somebody without a proof" : calledAs(by);
  const untilMs = nowMs + order.minutes * 60_000;
  const record = await changeRecord(settings, database, (now) =>
    // Without a proof nothing may end earlier than it would have.
    by === null && (now.pause?.untilMs ?? 0) >= untilMs
      ? null
      : { ...now, pause: { sinceMs: nowMs, untilMs, by: who, reason: order.reason } },
  );
  if (record.pause?.untilMs !== untilMs)
    throw new Problem(
      "PausedLonger",
      `Refused: ${database.name} is paused until ${new Date(record.pause?.untilMs ?? 0).toISOString()} already, which is longer.`,
      {
        hint: "Only an order with a proof makes a pause shorter.",
      },
    );
  const sentence = `${who} paused the automation of ${database.name} until ${new Date(untilMs).toISOString()} ("${order.reason}"). Understudy looks and tells all the same; it ends by itself.`;
  await tell(settings, taken(order.id, database.name, sentence, nowMs, resumeCommand(database.name)));
  return yes(sentence, "To end it before:", { commands: [resumeCommand(database.name)] });
}

async function setFree(settings: Settings, database: Protected, order: DatabaseNamed, by: string, nowMs: number): Promise<OrderAnswer> {
  const who = calledAs(by);
  let sentence = "";
  await changeRecord(settings, database, (record) => {
    const change = order.verb === "resume" ? resumed(record, who, nowMs) : acknowledged(record, who);
    sentence = change.sentence;
    return change.record;
  });
  await tell(settings, taken(order.id, database.name, sentence, nowMs));
  return yes(sentence);
}

function resumed(record: DatabaseRecord, who: string, nowMs: number): { record: DatabaseRecord | null; sentence: string } {
  if ((record.pause?.untilMs ?? 0) <= nowMs) return { record: null, sentence: `The automation of ${record.database} was not paused.` };
  return { record: { ...record, pause: null }, sentence: `${who} ended the pause of ${record.database}: Understudy acts by itself again.` };
}

function acknowledged(record: DatabaseRecord, who: string): { record: DatabaseRecord | null; sentence: string } {
  const { lastMove } = record;
  if (!lastMove || lastMove.acknowledgedBy !== null)
    return {
      record: null,
      sentence: `There is nothing to acknowledge: ${lastMove ? `${lastMove.acknowledgedBy} did for ${lastMove.execution}` : "no move has ended yet"}.`,
    };
  return {
    record: { ...record, lastMove: { ...lastMove, acknowledgedBy: who } },
    sentence: `${who} acknowledged the move ${lastMove.execution} (${lastMove.outcome}): the cooldown of ${record.database} is over.`,
  };
}

async function releaseBrake(settings: Settings, id: string, by: string, nowMs: number): Promise<OrderAnswer> {
  await changeBrake(settings, (brake) => ({ ...brake, releasedAtMs: nowMs }));
  const sentence = `${calledAs(by)} released the fleet's brake: automatic moves before now no longer count.`;
  await tell(settings, taken(id, "(all)", sentence, nowMs));
  return yes(sentence);
}

async function list(settings: Settings, databases: readonly Protected[], nowMs: number): Promise<ListAnswer> {
  const entries = await Promise.all(
    databases.map(async (database) => {
      const { generation, primary } = (await readRecord(settings, database)).value;
      const requests = (await requestsOf(settings, database.name, generation)).map((request) => ({
        ...request,
        open: isOpen(request, generation, nowMs),
      }));
      return [database.name, { generation, primary, requests }] as const;
    }),
  );
  return { audience: audience(settings), databases: Object.fromEntries(entries) };
}

const moveList = (database: string): string => `npm run understudy -- requests ${database}`;

const unknownRequest = (id: string, database: Protected): Problem =>
  new Problem("UnknownRequest", `Refused: there is no request ${id}.`, { hint: `See what is open: ${moveList(database.name)}` });

const taken = (id: string, database: string, sentence: string, atMs: number, ...commands: string[]): News => ({
  kind: "Order Taken",
  id: `order-${id}`,
  database,
  atMs,
  sentence,
  details: [],
  next: commands.length > 0 ? "Nothing, unless you want otherwise:" : "Nothing.",
  commands,
});

/** Told once a day for each, however often they try. */
function strangerNews(order: OperatorOrder, sentence: string, hint: string, nowMs: number): News {
  const who = /arn:\S+/.exec(sentence)?.[0] ?? "unknown";
  return {
    kind: "Order Refused",
    id: `stranger-${personOf(who).replaceAll("/", "-")}-${new Date(nowMs).toISOString().slice(0, 10)}`,
    database: "database" in order && order.database !== null ? order.database : "(all)",
    atMs: nowMs,
    sentence,
    details: [["Ordered", order.verb]],
    next: `Find out who that is. ${hint}`,
  };
}

/** The command that signs what came without a proof. */
function commandsFor(order: OperatorOrder): string[] {
  switch (order.verb) {
    case "approve":
      return [approveCommand(order.request)];
    case "withdraw":
      return [withdrawCommand(order.request)];
    case "resume":
      return [resumeCommand(order.database)];
    case "acknowledge":
      return [acknowledgeCommand(order.database)];
    case "release-brake":
      return [releaseBrakeCommand()];
    case "failover":
    case "switchover":
    case "failback":
      return [moveCommand(order.verb, order.database, order)];
    default:
      return [];
  }
}
