/** Decides about what was seen, with a look at the clients' name where a move would follow. Changes nothing, keeps nothing. */
import { type Diagnosis, diagnose } from "../core/diagnosis.ts";
import type { Facts, Order } from "../core/facts.ts";
import type { Policy } from "../core/policy.ts";
import { type Decision, decide } from "../core/rules.ts";
import { wayOf } from "./repoint-way.ts";
import type { Protected, Settings } from "./settings.ts";

const LEADS_TO_A_MOVE: readonly Decision["kind"][] = ["failover", "switchover", "ask"];

/** Before anything is claimed, counted or asked: a move that could not take the name along would leave it with nobody. */
export async function decideNow(
  settings: Settings,
  database: Protected,
  facts: Facts,
  policy: Policy,
  order: Order | null,
): Promise<{ readonly facts: Facts; readonly diagnosis: Diagnosis; readonly decision: Decision }> {
  const diagnosis = diagnose(facts, policy);
  const decision = decide(facts, diagnosis, policy, order);
  const chosen = LEADS_TO_A_MOVE.includes(decision.kind) ? facts.standbys.find(({ id }) => id === decision.target)?.instance : null;
  const nameTrouble = chosen ? await wayOf(settings, database).trouble(chosen) : null;
  if (!nameTrouble) return { facts, diagnosis, decision };
  const known: Facts = { ...facts, nameTrouble };
  return { facts: known, diagnosis, decision: decide(known, diagnosis, policy, order) };
}
