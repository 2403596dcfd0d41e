/**
 * Moving the clients' names, in the two ways a plan may choose: by the record or by the latch. Both look before the first effect whether
 * they will be able to, refuse a mover that comes late, and end with what the zone's own servers answer. `repoint-way.ts` chooses.
 */
import { askAuthorities, cnameOf } from "../aws/dns.ts";
import type { InstanceFacts } from "../core/facts.ts";
import type { RecordPlan } from "../core/plan/schema.ts";
import { Problem } from "../core/problem.ts";
import type { Protected, Settings } from "./settings.ts";
import type { Proof } from "./until.ts";

/** The move on whose behalf a name is changed. */
export interface Mover {
  readonly execution: string;
  /** Of the claim. Together with the attempt it tells who is late. */
  readonly generation: number;
  readonly attempt: number;
  /** Throws when the claim is no longer the mover's. */
  holdsClaim(): Promise<void>;
}

export interface Way {
  /** Why the names could not be moved to this instance now, in words; null when nothing speaks against it. Changes nothing. */
  trouble(target: InstanceFacts): Promise<string | null>;
  change(target: InstanceFacts, mover: Mover): Promise<{ changeId: string | null }>;
  /** Looked at again and again after the change: goes on with what is still to be said, then tells what the zone's servers answer. */
  settled(target: InstanceFacts, mover: Mover): Promise<Proof>;
}

export const recordsOf = (settings: Settings, database: Protected): RecordPlan[] =>
  settings.plan.records.filter((record) => record.database === database.name);

/** "move-shop-g7-a2" → 2. */
export const attemptOf = (execution: string): number => Number(/-a(\d+)$/.exec(execution)?.[1] ?? 0);

export const addressOf = (target: InstanceFacts): string => {
  if (target.address) return target.address.toLowerCase();
  throw new Problem("NoEndpoint", `RDS names no endpoint for ${target.id}`, { retry: true, hint: "It is still being made." });
};

export const lateMover = (mover: Mover, name: string, there: string): Problem =>
  new Problem("LateMove", `${mover.execution} comes too late to move ${name}: ${there}`, {
    hint: "A later move or a person has the name now; look at the record before anything else.",
  });

/** What is wrong with where a name leads, by its zone's own servers, or by the VPC's resolver where those do not answer. */
export async function wrongAnswer(name: string, expected: string): Promise<string | null> {
  const authorities = await askAuthorities(name);
  const answers = authorities.length > 0 ? authorities : [{ server: "the VPC's resolver", target: await cnameOf(name) }];
  const wrong = answers.find(({ target }) => target !== expected);
  return wrong ? `${wrong.server} answers ${wrong.target ?? "no CNAME"} for ${name}, expected ${expected}` : null;
}
