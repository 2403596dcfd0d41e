/**
 * Requests for moves in the recovery region's bucket, and the mail that asks for approvals. Every change is a conditional write. Who may
 * approve is judged elsewhere (orders.ts), and so is how one becomes a move (carry-out.ts).
 */
import { changeDocument, createDocument, listKeys, readDocument } from "../aws/documents.ts";
import { approveCommand, withdrawCommand } from "../core/commands.ts";
import type { Diagnosis } from "../core/diagnosis.ts";
import type { Facts } from "../core/facts.ts";
import { type News, seen } from "../core/news.ts";
import type { DatabasePlan, Plan } from "../core/plan/schema.ts";
import { priceWords } from "../core/price.ts";
import { agreed, isEnough, type MoveRequest, ownRequestId, peopleNeeded, roundEndsMs } from "../core/requests.ts";
import type { Decision } from "../core/rules.ts";
import type { Settings } from "./settings.ts";
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
  return await changeDocument<MoveRequest>(settings.state, requestKey(database, id), (now) => now && change(now));
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
  asked: Pick<MoveRequest, "id" | "verb" | "overrides" | "allowDataLoss" | "reason" | "askedBy" | "expiresAtMs" | "notBeforeMs">,
): MoveRequest {
  const { record, atMs } = facts;
  const { target, rule, sentence } = decision;
  const price = diagnosis.prices[target];
  const targetRegion = record.regions[target] ?? "unknown";
  const otherRegion = targetRegion !== record.regions[record.primary];
  const request: MoveRequest = {
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
    due: false,
  };
  return { ...request, due: isEnough(request) };
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
      ...(request.notBeforeMs ? [["Not before", new Date(request.notBeforeMs).toISOString()] as const] : []),
      ["People", `${agreed(request)} of ${people} have agreed`],
      ["Void after", new Date(expiresAtMs).toISOString()],
      ["Limit on the lag", database ? `${database.failover.maxLagSeconds} s` : "unknown"],
    ],
    next: `${missing === 1 ? "One person" : `${missing} different people`} must agree, by then:`,
    commands: [approveCommand(id), withdrawCommand(id)],
  };
}
