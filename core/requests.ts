/**
 * A request for a move: asked for by a person or by Understudy itself, approved by people, used once. One table says when an approval
 * does not count. Knows nothing of whether the move is safe: that is decided anew, by the rules, when it is carried out. Pure.
 */
import type { Order } from "./facts.ts";
import { calledAs, personOf } from "./people.ts";
import { fill } from "./sentence.ts";

export interface Approval {
  /** As STS names them. */
  readonly by: string;
  readonly atMs: number;
}

export interface MoveRequest {
  readonly id: string;
  readonly database: string;
  readonly generation: number;
  readonly verb: Order["verb"];
  readonly target: string;
  readonly targetRegion: string;
  /** Of a restore: what it starts from, as it was asked for. */
  readonly restore?: { readonly from: string | null; readonly at: string | null; readonly region: string | null };
  readonly overrides: readonly number[];
  readonly allowDataLoss?: boolean;
  readonly reason: string;
  /** null: Understudy asks by itself (rule 330). */
  readonly askedBy: string | null;
  readonly askedAtMs: number;
  readonly expiresAtMs: number;
  /** A planned move waits until then, however many have agreed; absent or null: it does not wait. */
  readonly notBeforeMs?: number | null;
  /** Why, as the rules said it when it was asked for. */
  readonly decision: { readonly rule: number; readonly sentence: string; readonly diagnosis: string };
  /** What the target lacked then; null is unknown. */
  readonly price: { readonly lagSeconds: number | null; readonly rowsAtRisk: number | null };
  /** So many people must agree; who asks is one of them. */
  readonly people: number;
  readonly approvals: readonly Approval[];
  readonly withdrawnBy: string | null;
  /** The execution it became; a request becomes one. */
  readonly usedBy: string | null;
  /** When it was used. */
  readonly usedAtMs?: number;
  /** Of whoever used it: two who come at the same moment write different ones, and one of them stays. */
  readonly mark: string | null;
  /** Enough people have just said yes, and the watcher has not answered yet: true once for each yes, so a refused one is not tried by itself. */
  readonly due: boolean;
}

/** Another region or a rule passed over needs as many people as the plan says; everything else one. */
export function peopleNeeded(
  plan: { readonly people: number } | undefined,
  what: { otherRegion: boolean; overrides: readonly number[] },
): number {
  return what.otherRegion || what.overrides.length > 0 ? (plan?.people ?? 1) : 1;
}

/** What an approval is judged by, whatever is asked for. */
export type Approvable = Pick<MoveRequest, "id" | "generation" | "expiresAtMs" | "people" | "approvals" | "withdrawnBy" | "usedBy" | "due">;

/** How many different people have agreed. */
export const agreed = ({ approvals }: Pick<Approvable, "approvals">): number => new Set(approvals.map(({ by }) => personOf(by))).size;

export const isEnough = (request: Pick<Approvable, "approvals" | "people">): boolean => agreed(request) >= request.people;

export const isOpen = (request: Approvable, generation: number, atMs: number): boolean =>
  request.usedBy === null && request.withdrawnBy === null && atMs < request.expiresAtMs && request.generation === generation;

/** Its time has not come. */
export const waits = ({ notBeforeMs }: MoveRequest, atMs: number): boolean => (notBeforeMs ?? 0) > atMs;

/** Whether the watcher carries it out now. Counts the approvals itself, whatever else is said. */
export const isDue = (request: MoveRequest, generation: number, atMs: number): boolean =>
  request.due && isEnough(request) && !waits(request, atMs) && isOpen(request, generation, atMs);

/** Whoever uses a request claims at once, and is dead by then (the watcher's timeout, and its last call's way). */
const DROPPED_AFTER_MS = 120_000;

/** It was used, and what it became was never claimed: it would have been the next move, and still would. */
export const wasDropped = ({ usedBy, usedAtMs }: MoveRequest, nextMove: string, atMs: number): boolean =>
  usedBy === nextMove && usedAtMs !== undefined && atMs - usedAtMs >= DROPPED_AFTER_MS;

interface Standing {
  readonly request: Approvable;
  /** On record now. */
  readonly generation: number;
  readonly approval: Approval;
}

export interface RequestRule {
  readonly number: number;
  readonly when: string;
  readonly matches: (standing: Standing) => boolean;
  readonly sentence: string;
}

export const REQUEST_RULES: readonly RequestRule[] = [
  {
    number: 501,
    when: "it was used already",
    matches: ({ request }) => request.usedBy !== null,
    sentence: "Refused: the request {request} was used already, by {usedBy}.",
  },
  {
    number: 502,
    when: "it was withdrawn",
    matches: ({ request }) => request.withdrawnBy !== null,
    sentence: "Refused: {withdrawnBy} withdrew the request {request}.",
  },
  {
    number: 503,
    when: "it is for another generation than the one on record",
    matches: ({ request, generation }) => request.generation !== generation,
    sentence: "Refused: the request {request} is for generation {requestGeneration}, the record is at {generation}.",
  },
  {
    number: 504,
    when: "its time is over",
    matches: ({ request, approval }) => approval.atMs >= request.expiresAtMs,
    sentence: "Refused: the request {request} expired at {expiresAt}, {expiredMinutes} min ago.",
  },
  {
    number: 505,
    when: "the same person has approved it before, and another must",
    matches: ({ request, approval }) => !isEnough(request) && request.approvals.some(({ by }) => personOf(by) === personOf(approval.by)),
    sentence: "Refused: {by} has approved the request {request} already; {agreed} of {people} have, the next must be another person.",
  },
];

export type Judged<Request extends Approvable = MoveRequest> =
  | { readonly counts: false; readonly rule: number; readonly sentence: string }
  | { readonly counts: true; readonly request: Request; readonly missing: number };

/** The request with the approval in it, or why it does not count. Approving what has enough approvals already makes it due once more. */
export function approve<Request extends Approvable>(request: Request, approval: Approval, generation: number): Judged<Request> {
  const standing: Standing = { request, generation, approval };
  const rule = REQUEST_RULES.find(({ matches }) => matches(standing));
  if (rule) return { counts: false, rule: rule.number, sentence: `${fill(rule.sentence, words(standing))} (rule ${rule.number})` };
  const approved = isEnough(request) ? request : { ...request, approvals: [...request.approvals, approval] };
  return {
    counts: true,
    request: { ...approved, due: isEnough(approved) },
    missing: Math.max(0, approved.people - agreed(approved)),
  };
}

function words({ request, generation, approval }: Standing): Record<string, string> {
  return {
    request: request.id,
    usedBy: request.usedBy ?? "nobody",
    withdrawnBy: request.withdrawnBy === null ? "nobody" : calledAs(request.withdrawnBy),
    requestGeneration: String(request.generation),
    generation: String(generation),
    expiresAt: new Date(request.expiresAtMs).toISOString(),
    expiredMinutes: String(Math.floor((approval.atMs - request.expiresAtMs) / 60_000)),
    by: calledAs(approval.by),
    agreed: String(agreed(request)),
    people: String(request.people),
  };
}

/** The order it becomes once enough people have agreed. */
export function orderOf(request: MoveRequest, atMs: number): Order {
  const { id, verb, target, overrides, reason, generation, allowDataLoss } = request;
  const by = request.approvals.map((approval) => calledAs(approval.by)).join(" and ") || "nobody";
  return { id, verb, target, overrides, reason, by, atMs, generation, ...(allowDataLoss ? { allowDataLoss } : {}) };
}

const REQUEST_ID = /^([a-z][a-z0-9-]{0,30})-g(\d{1,9})-([a-z0-9]{1,40})$/;

/** Database, generation and what tells it from others are all in the name. */
export const requestId = (database: string, generation: number, own: string): string => `${database}-g${generation}-${own}`;

/** null for what is no request's name. */
export const databaseOfRequest = (id: string): string | null => REQUEST_ID.exec(id)?.[1] ?? null;

/**
 * The name of what Understudy asks by itself: one for each outage, and when that has expired and the outage lasts, another. An outage
 * begins when the probe first missed the primary.
 */
export function ownRequestId(database: string, generation: number, outageSinceMs: number, atMs: number, expireMinutes: number): string {
  const round = Math.max(0, Math.floor((atMs - outageSinceMs) / (expireMinutes * 60_000)));
  return requestId(database, generation, `u${Math.floor(outageSinceMs / 1000).toString(36)}r${round}`);
}

/** When such a request expires: with its round. */
export function roundEndsMs(outageSinceMs: number, atMs: number, expireMinutes: number): number {
  const roundMs = expireMinutes * 60_000;
  return outageSinceMs + (Math.max(0, Math.floor((atMs - outageSinceMs) / roundMs)) + 1) * roundMs;
}
