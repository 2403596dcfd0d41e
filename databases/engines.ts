/**
 * What the probe and the runbooks ask of a database, and who answers for the plan's engine. A bundle holds only the engines its plan
 * names (infra/bundle.ts).
 */
import type { Condition, Position, StandbyFacts } from "../core/facts.ts";
import type { DatabasePlan } from "../core/plan/schema.ts";
import * as mariadb from "./mariadb.ts";
import * as postgres from "./postgres.ts";

export interface Target {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly username: string;
  readonly password: string;
}

export interface Heartbeat {
  readonly database: string;
  readonly atMs: number;
  readonly generation: number;
}

export interface Others {
  readonly all: readonly string[];
  /** Those that are surely nobody of Understudy's; an engine that cannot tell names none. */
  readonly strangers: readonly string[];
}

export interface DatabaseEngine {
  /**
   * Commits one heartbeat, and with it the server's own count of rows changed. Resolves only when the primary has acknowledged it, with
   * that count: it may run a second behind, and starts again with the server.
   */
  beat(target: Target, heartbeat: Heartbeat, timeoutMs: number): Promise<number | null>;
  /**
   * Commits a row that nobody else writes and reads it back: the database takes writes. Writing the same token twice is one row.
   * Gives up sooner where nobody has said a word after `silenceMs`.
   */
  writeCanary(target: Target, token: string, timeoutMs: number, silenceMs?: number): Promise<void>;
  askStandby(target: Target, database: string, timeoutMs: number): Promise<StandbyFacts>;
  /**
   * Whether a standby that has lost its source and has not applied all it received never will: the source died in the middle of a record,
   * and what is there of it is worth nothing. Takes some seconds.
   */
  endsTorn(target: Target, timeoutMs: number): Promise<boolean>;
  /** Where an instance stands in its log. */
  position(target: Target, timeoutMs: number): Promise<Position>;
  /** Whether an instance that stands at `at` has all there was up to `wanted`, in a history they share. */
  hasReached(at: Position, wanted: Position): boolean;
  /** Ends everybody else's sessions; who was still there. */
  cutSessions(target: Target, timeoutMs: number): Promise<Others>;
  /** What `former` has committed and `successor` lacks, `successor`'s history having gone on from `branch`. */
  alone(former: Target, successor: Target, branch: Position, timeoutMs: number): Promise<{ count: number; named: string }>;
  /** How a primary is doing whose write ended in this error. A server that is going down is gone, whatever it says. */
  conditionOf(error: unknown): Exclude<Condition, "writes" | "slow">;
}

const ENGINES: Record<DatabasePlan["engine"], DatabaseEngine> = { postgres, mariadb };

export const engineOf = (name: DatabasePlan["engine"]): DatabaseEngine => ENGINES[name];

/** What came of a write that ought to be refused. */
export interface Attempt {
  readonly wrote: boolean;
  /** The other end said something, if only no: a network that is shut says nothing. */
  readonly answered: boolean;
  readonly seen: string;
}

/** What the system says of a network in which nobody answered. Patience that ran out has no code at all. */
const NO_ANSWER = ["ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN"];

export async function attemptWrite(
  engine: DatabaseEngine,
  target: Target,
  token: string,
  timeoutMs: number,
  silenceMs?: number,
): Promise<Attempt> {
  try {
    await engine.writeCanary(target, token, timeoutMs, silenceMs);
    return { wrote: true, answered: true, seen: "the write arrived" };
  } catch (error) {
    const { message, code } = error as { message?: string; code?: unknown };
    const answered = (typeof code === "string" && !NO_ANSWER.includes(code)) || /terminated unexpectedly/.test(message ?? "");
    return { wrote: false, answered, seen: message || String(code ?? error) };
  }
}

/** How a write was refused, in words; null when it was accepted. */
export async function refusedWrite(...attempt: Parameters<typeof attemptWrite>): Promise<string | null> {
  const { wrote, seen } = await attemptWrite(...attempt);
  return wrote ? null : seen;
}
