/**
 * How a request with enough approvals becomes a claimed move: looked at anew, decided anew with the order, marked as used, claimed,
 * started. Only `watch` does this, and it believes the request's document alone, never whoever handed it over.
 */
import { randomUUID } from "node:crypto";
import { storeNowMs } from "../aws/store-clock.ts";
import { statusCommand, waysPast } from "../core/commands.ts";
import type { Diagnosis } from "../core/diagnosis.ts";
import type { DatabaseRecord, Facts, Order } from "../core/facts.ts";
import { seen } from "../core/news.ts";
import { policyOf } from "../core/policy.ts";
import { recordDecision } from "../core/recorded.ts";
import { isDue, type MoveRequest, orderOf, wasDropped } from "../core/requests.ts";
import { type Decision, MOVES } from "../core/rules.ts";
import { type OrderAnswer, yes } from "./answers.ts";
import { decideNow } from "./decisions.ts";
import { keepDecision } from "./kept.ts";
import { observe } from "./observe.ts";
import { claim, executionName, readRecord } from "./record.ts";
import { changeRequest, readRequest, requestsOf } from "./requests.ts";
import type { Protected, Settings } from "./settings.ts";
import { startMove } from "./start.ts";
import { tell } from "./tell.ts";

/** The request that was handed over. What is not due is left alone: nobody can have it tried by naming it. */
export async function answerRequest(settings: Settings, database: Protected, id: string): Promise<OrderAnswer> {
  const request = await readRequest(settings, database.name, id);
  const { generation } = (await readRecord(settings, database)).value;
  if (request && isMove(request) && isDue(request, generation, storeNowMs())) return await act(settings, database, request);
  if (request?.usedBy) return started(request.id, request.usedBy, `The request ${id} became ${request.usedBy}.`);
  return {
    accepted: false,
    sentence: request
      ? `The request ${id} was answered before, or is no longer open, or too few have agreed.`
      : `There is no request ${id}.`,
    next: `See what is open: npm run understudy -- requests ${database.name}`,
    commands: [],
    request: request ? id : null,
    execution: null,
  };
}

/** A restore looks for its own request (restore-steps.ts). */
const isMove = ({ verb }: MoveRequest): boolean => verb !== "restore";

/** What `order` could not hand over, or what nobody lived to answer. Not to be able to look for it stops no watcher. */
export async function dueRequests(settings: Settings, database: Protected, record: DatabaseRecord): Promise<MoveRequest[]> {
  const { generation, attempts } = record;
  const next = executionName(database.name, generation, attempts + 1);
  try {
    const all = (await requestsOf(settings, database.name, generation)).filter(isMove);
    const taken = await Promise.all(all.map((request) => takeUp(settings, request, next)));
    return taken.filter((request) => isDue(request, generation, storeNowMs()));
  } catch (error) {
    console.error(JSON.stringify({ what: "requests not looked through", database: database.name, error: String(error) }));
    return [];
  }
}

/** What somebody used, and died before it was claimed, is due once more. */
async function takeUp(settings: Settings, request: MoveRequest, next: string): Promise<MoveRequest> {
  if (!wasDropped(request, next, storeNowMs())) return request;
  const changed = await changeRequest(settings, request.database, request.id, (now) =>
    wasDropped(now, next, storeNowMs()) ? { ...now, usedBy: null, mark: null, due: true } : null,
  );
  return changed ?? request;
}

const started = (request: string, execution: string, sentence: string): OrderAnswer =>
  yes(sentence, `The move ${execution} has started; mails say how it goes.`, { request, execution, commands: [statusCommand()] });

/** The rules decide, once more, and the move starts or the reason is told. Refused, it stays open for another approval until it expires. */
export async function act(settings: Settings, database: Protected, request: MoveRequest): Promise<OrderAnswer> {
  const { decision, execution, order, facts, diagnosis } = await carryOut(settings, database, request);
  // Another watcher may have carried it out while this one would have refused.
  const became = decision.target === null ? `The request ${request.id} became ${execution}.` : decision.sentence;
  if (execution !== null) return started(request.id, execution, became);
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

interface CarriedOut {
  /** The one that decided. */
  readonly decision: Decision;
  readonly order: Order;
  readonly facts: Facts;
  readonly diagnosis: Diagnosis;
  /** null: it was not started, and the decision says why. */
  readonly execution: string | null;
}

const LOOKS = 3;

/** A request with enough approvals becomes an order. What was approved an hour ago is decided again by what is seen now. */
async function carryOut(settings: Settings, database: Protected, request: MoveRequest): Promise<CarriedOut> {
  const policy = policyOf(settings.plan, database.plan);
  for (let look = 1; ; look++) {
    const { facts: seenNow, stored } = await observe(settings, database);
    const order = orderOf(request, seenNow.atMs);
    const { facts, diagnosis, decision } = await decideNow(settings, database, seenNow, policy, order);
    console.log(JSON.stringify({ what: "decision", database: database.name, order: order.id, by: order.by, ...decision }));
    await keepDecision(settings, recordDecision(facts, policy, order, decision));
    const done = (execution: string | null): CarriedOut => ({ decision, order, facts, diagnosis, execution });
    if (!MOVES.includes(decision.kind) || decision.target === null) {
      const answered = await changeRequest(settings, database.name, request.id, (now) =>
        now.usedBy === null && now.due ? { ...now, due: false } : null,
      );
      // Another watcher was faster: what holds this one back is the very move that was ordered.
      return done(answered?.usedBy ?? null);
    }
    const { record } = facts;
    const execution = executionName(record.database, record.generation, record.attempts + 1);
    // Used before it is claimed: whatever dies in between, it counts once. The mark tells two apart who come at the same moment.
    const mark = randomUUID();
    const used = await changeRequest(settings, record.database, request.id, (now) =>
      isDue(now, record.generation, storeNowMs()) ? { ...now, usedBy: execution, usedAtMs: storeNowMs(), mark, due: false } : null,
    );
    if (used?.mark !== mark) return done(used?.usedBy ?? null);
    const { target, rule, sentence } = decision;
    const taken = await claim(settings, stored, { kind: order.verb, target, rule, sentence, order }, storeNowMs());
    if (taken) {
      await startMove(settings, record, taken);
      return done(taken.execution);
    }
    // The record changed under the look: whoever set the mark takes it back, and looks again.
    const last = look >= LOOKS;
    await changeRequest(settings, record.database, request.id, (now) =>
      now.mark === mark ? { ...now, usedBy: null, mark: null, due: !last } : null,
    );
    if (last) return done(null);
  }
}
