/**
 * A decision as it was recorded: all that went in, and what came out. Deciding is pure, so the same facts give the same decision again;
 * `explain` shows why row by row, `replay` what another policy would have said of the same facts. Pure.
 */
import { rank } from "./candidates.ts";
import { diagnose } from "./diagnosis.ts";
import type { Facts, Order } from "./facts.ts";
import type { Policy } from "./policy.ts";
import { type Decision, decide, RULES } from "./rules.ts";

export interface RecordedDecision {
  /** Version of this form. */
  readonly version: 1;
  readonly facts: Facts;
  readonly policy: Policy;
  readonly order: Order | null;
  readonly decision: Decision;
}

export function recordDecision(facts: Facts, policy: Policy, order: Order | null, decision: Decision): RecordedDecision {
  return { version: 1, facts, policy, order, decision };
}

/** Where it is kept: by database and day, in the order of time. */
export function decisionKey(database: string, atMs: number, rule: number): string {
  const at = new Date(atMs).toISOString();
  return `decisions/${database}/${at.slice(0, 10)}/${at.slice(11).replace(/[:.]/g, "-")}-r${rule}.json`;
}

export interface Explanation {
  /** The rules of today give the recorded decision again. */
  readonly same: boolean;
  readonly again: Decision;
  /** Every row down to the one that decided, and whether it matched. */
  readonly rows: readonly { readonly number: number; readonly when: string; readonly matched: boolean; readonly overridden: boolean }[];
  /** Every standby in its rank, and why it is unfit if it is. */
  readonly standbys: readonly { readonly id: string; readonly hot: boolean; readonly unfit: string | null }[];
}

export function explain({ facts, policy, order, decision }: RecordedDecision): Explanation {
  const diagnosis = diagnose(facts, policy);
  const candidates = rank(facts, diagnosis, policy, order);
  const again = decide(facts, diagnosis, policy, order);
  const rows: Explanation["rows"][number][] = [];
  for (const rule of RULES) {
    const matched = rule.matches({ facts, diagnosis, policy, order, candidates });
    const overridden = matched && rule.overridable && (order?.overrides ?? []).includes(rule.number);
    rows.push({ number: rule.number, when: rule.when, matched, overridden });
    if (matched && !overridden) break;
  }
  return {
    same:
      again.rule === decision.rule &&
      again.kind === decision.kind &&
      again.target === decision.target &&
      again.sentence === decision.sentence,
    again,
    rows,
    standbys: candidates.map(({ standby, hot, refusal }) => ({
      id: standby.id,
      hot,
      unfit: refusal ? `${refusal.sentence} (rule ${refusal.rule})` : null,
    })),
  };
}

export interface Changed {
  readonly atMs: number;
  readonly was: Decision;
  readonly would: Decision;
}

/** What another policy would have decided otherwise, in the order given. Facts are as they were: what it would have changed in the world is not played on. */
export function replay(recorded: readonly RecordedDecision[], policy: Policy): Changed[] {
  return recorded.flatMap(({ facts, order, decision }) => {
    const would = decide(facts, diagnose(facts, policy), policy, order);
    return would.rule === decision.rule && would.target === decision.target ? [] : [{ atMs: facts.atMs, was: decision, would }];
  });
}
