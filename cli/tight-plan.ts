/**
 * A plan with the shortest confirmation window a lab on a busy machine bears, for tests and rehearsals that should not wait. Functions,
 * roles and resources stay as they are.
 */
import { isMap, type ParsedNode, parseDocument } from "yaml";

const WINDOW = { probeEverySeconds: 1, missedProbes: 2, maxLagSeconds: 3 };
const TTL_SECONDS = 1;

/** `text` is a plan's YAML, checked before. */
export function tightPlan(text: string): string {
  const plan = parseDocument(text);
  const databases = plan.get("databases");
  for (const { key } of isMap<ParsedNode>(databases) ? databases.items : [])
    for (const [name, value] of Object.entries(WINDOW)) plan.setIn(["databases", key, "failover", name], value);
  const { length } = (plan.toJS() as { records: unknown[] }).records;
  for (let at = 0; at < length; at++) plan.setIn(["records", at, "ttlSeconds"], TTL_SECONDS);
  return plan.toString();
}
