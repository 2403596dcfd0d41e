/**
 * Requests for moves in the recovery region's bucket, and how one becomes a claimed move: looked at anew, decided anew with the order,
 * marked as used, claimed, started. Every change is a conditional write. Who may approve is judged elsewhere (orders.ts).
 */
import { randomUUID } from "node:crypto";
import { createDocument, listKeys, readDocument, replaceDocument } from "../aws/documents.ts";
import { approveCommand, withdrawCommand } from "../core/commands.ts";
import type { Diagnosis } from "../core/diagnosis.ts";
import type { Facts, Order } from "../core/facts.ts";
import { type News, seen } from "../core/news.ts";
import type { DatabasePlan, Plan } from "../core/plan/schema.ts";
import { policyOf } from "../core/policy.ts";
import { priceWords } from "../core/price.ts";
import { recordDecision } from "../core/recorded.ts";
import { agreed, type MoveRequest, orderOf, ownRequestId, peopleNeeded, roundEndsMs } from "../core/requests.ts";
import type { Decision } from "../core/rules.ts";
import { decideNow, keepDecision } from "./decisions.ts";
import { observe } from "./observe.ts";
import { claim, executionName } from "./record.ts";
import type { Protected, Settings } from "./settings.ts";
import { startMove } from "./start.ts";
import { tell } from "./tell.ts";

const folder = (database: string) => `requests/${database}/`;
const requestKey = (database: string, id: string) => `${folder(database)}${id}.json`;

export const expireMinutes = (plan: Plan): number => plan.approvals?.expireMinutes ?? 60;

export async function readRequest(settings: Settings, database: string, id: string): Promise<MoveRequest | null> {
  return (await readDocument<MoveRequest>(settings.state, requestKey(database, id)))?.value ?? null;
}

/** false: there is one of that name already. */
export async function createRequest(settings: Settings, request: MoveRequest): Promise<boolean> {
  return await createDocument(settings.state, requestKey(request.database, request.id), request);
}

/** Changes the request over whatever it is by then; null from `change` leaves it alone. The request as it is afterwards. */
export async function changeRequest(
  settings: Settings,
  database: string,
  id: string,
  change: (request: MoveRequest) => MoveRequest | null,
): Promise<MoveRequest | null> {
  for (;;) {
    const stored = await readDocument<MoveRequest>(settings.state, requestKey(database, id));
    if (!stored) return null;
    const next = change(stored.value);
    if (next === null) return stored.value;
    if (await replaceDocument(settings.state, requestKey(database, id), next, stored.etag)) return next;
  }
}

/** Of one generation: those before are void. */
export async function requestsOf(settings: Settings, database: string, generation: number): Promise<MoveRequest[]> {
  const keys = await listKeys(settings.state, `${folder(database)}${database}-g${generation}-`);
  const found = await Promise.all(keys.map((key) => readDocument<MoveRequest>(settings.state, key)));
  return found.flatMap((stored) => stored?.value ?? []).sort((a, b) => b.askedAtMs - a.askedAtMs);
}

/** A request as it would be made now for this decision. */
export function requestFor(
  plan: Plan,
  facts: Facts,
  diagnosis: Diagnosis,
  decision: Decision & { readonly target: string },
  asked: Pick<MoveRequest, "id" | "verb" | "overrides" | "reason" | "askedBy" | "expiresAtMs">,
): MoveRequest {
  const { record, atMs } = facts;
  const { target, rule, sentence } = decision;
  const price = diagnosis.prices[target];
  const targetRegion = record.regions[target] ?? "unknown";
  const otherRegion = targetRegion !== record.regions[record.primary];
  return {
    ...asked,
    database: record.database,
    generation: record.generation,
    target,
    targetRegion,
    askedAtMs: atMs,
    decision: { rule, sentence, diagnosis: diagnosis.name },
    price: { lagSeconds: price?.lagSeconds ?? null, rowsAtRisk: price?.rowsAtRisk ?? null },
    people: peopleNeeded(plan.approvals && { people: plan.approvals.people }, { otherRegion, overrides: asked.overrides }),
    approvals: asked.askedBy === null ? [] : [{ by: asked.askedBy, atMs }],
    withdrawnBy: null,
    usedBy: null,
    mark: null,
  };
}

/** Rule 330: Understudy asks. One request an outage and round, however many laps come here; its mail goes out once. */
export async function askForApproval(settings: Settings, facts: Facts, diagnosis: Diagnosis, decision: Decision): Promise<void> {
  const { record, vote, nearVote, atMs } = facts;
  const { target } = decision;
  if (target === null) return;
  const since = vote?.primaryLostSinceMs ?? nearVote?.primaryLostSinceMs ?? atMs;
  const minutes = expireMinutes(settings.plan);
  const fresh = requestFor(
    settings.plan,
    facts,
    diagnosis,
    { ...decision, target },
    {
      id: ownRequestId(record.database, record.generation, since, atMs, minutes),
      verb: "failover",
      overrides: [],
      reason: decision.sentence,
      askedBy: null,
      expiresAtMs: roundEndsMs(since, atMs, minutes),
    },
  );
  const made = await createRequest(settings, fresh);
  const request = made ? fresh : await readRequest(settings, record.database, fresh.id);
  if (request && request.usedBy === null && request.withdrawnBy === null)
    await tell(settings, requestNews(request, facts, diagnosis, settings.plan.databases[record.database]));
}

/** What people need for their yes: why, the price, what will be done, until when, and the command. */
export function requestNews(request: MoveRequest, facts: Facts, diagnosis: Diagnosis, database: DatabasePlan | undefined): News {
  const { id, target, targetRegion, people, expiresAtMs, decision } = request;
  const { primary } = facts.record;
  const missing = people - agreed(request);
  return {
    kind: "Approval Needed",
    id: `${id}-asked`,
    database: request.database,
    atMs: request.askedAtMs,
    sentence: decision.sentence,
    details: [
      ...seen(facts, diagnosis),
      ["Price", `${priceWords(request.price)}; and whatever was written after the probe's last heartbeat`],
      [
        "Will be done",
        request.verb === "failover"
          ? `${primary} is fenced, ${target} in ${targetRegion} becomes the primary, the clients' name follows; nothing goes back by itself`
          : `writes to ${primary} stop, ${target} in ${targetRegion} becomes the primary with all it had, the clients' name follows`,
      ],
      ["Asked by", request.askedBy ?? "Understudy"],
      ...(request.overrides.length > 0 ? [["Passes over", request.overrides.map((rule) => `rule ${rule}`).join(", ")] as const] : []),
      ["People", `${agreed(request)} of ${people} have agreed`],
      ["Void after", new Date(expiresAtMs).toISOString()],
      ["Limit on the lag", database ? `${database.failover.maxLagSeconds} s` : "unknown"],
    ],
    next: `${missing === 1 ? "One person" : `${missing} different people`} must agree, by then:`,
    commands: [approveCommand(id), withdrawCommand(id)],
  };
}

export interface CarriedOut {
  readonly request: MoveRequest;
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
export async function carryOut(settings: Settings, database: Protected, request: MoveRequest): Promise<CarriedOut> {
  const policy = policyOf(settings.plan, database.plan);
  for (let look = 1; ; look++) {
    const { facts: seenNow, stored } = await observe(settings, database);
    const order = orderOf(request, seenNow.atMs);
    const { facts, diagnosis, decision } = await decideNow(settings, database, seenNow, policy, order);
    console.log(JSON.stringify({ what: "decision", database: database.name, order: order.id, by: order.by, ...decision }));
    await keepDecision(settings, recordDecision(facts, policy, order, decision));
    const done = (execution: string | null): CarriedOut => ({ request, decision, order, facts, diagnosis, execution });
    if ((decision.kind !== "failover" && decision.kind !== "switchover") || decision.target === null) return done(null);
    const { record } = facts;
    const execution = executionName(record.database, record.generation, record.attempts + 1);
    // Used before it is claimed: whatever dies in between, it counts once. The mark tells two apart who come at the same moment.
    const mark = randomUUID();
    const used = await changeRequest(settings, record.database, request.id, (now) =>
      now.usedBy === null && now.withdrawnBy === null ? { ...now, usedBy: execution, mark } : null,
    );
    if (used?.mark !== mark) return done(used?.usedBy ?? null);
    const { target, rule, sentence } = decision;
    const taken = await claim(settings, stored, { kind: order.verb, target, rule, sentence, order }, Date.now());
    if (taken) {
      await startMove(settings, record, taken);
      return done(taken.execution);
    }
    // The record changed under the look: whoever set the mark takes it back, and looks again.
    await changeRequest(settings, record.database, request.id, (now) => (now.mark === mark ? { ...now, usedBy: null, mark: null } : null));
    if (look >= LOOKS) return done(null);
  }
}
