/** What the rules would say of an order, by what is seen now. For whoever asks: changes nothing, keeps nothing, starts nothing. */
import type { Diagnosis } from "../core/diagnosis.ts";
import type { Facts, Order } from "../core/facts.ts";
import { policyOf } from "../core/policy.ts";
import type { Decision } from "../core/rules.ts";
import { decideNow } from "./decisions.ts";
import { observe } from "./observe.ts";
import type { Protected, Settings } from "./settings.ts";

export interface Look {
  readonly facts: Facts;
  readonly diagnosis: Diagnosis;
  readonly decision: Decision;
}

export async function lookFor(settings: Settings, database: Protected, order: Order): Promise<Look> {
  const { facts } = await observe(settings, database);
  return await decideNow(settings, database, facts, policyOf(settings.plan, database.plan), order);
}
