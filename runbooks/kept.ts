/** Keeps decisions with all that went into them, for `explain` and `replay`. Keeping never stops what is decided. */
import { createDocument } from "../aws/documents.ts";
import { decisionKey, type RecordedDecision } from "../core/recorded.ts";
import type { Settings } from "./settings.ts";

/** "Nothing to do". */
const QUIET_RULE = 101;

/** A quiet lap is kept every ten minutes, every other one always. */
export async function keepDecision(settings: Settings, recorded: RecordedDecision): Promise<void> {
  const { facts, decision } = recorded;
  if (decision.rule === QUIET_RULE && facts.atMs % (10 * 60_000) >= 60_000) return;
  try {
    await createDocument(settings.state, decisionKey(facts.database, facts.atMs, decision.rule), recorded);
  } catch (error) {
    console.error(JSON.stringify({ what: "decision not kept", database: facts.database, rule: decision.rule, error: String(error) }));
  }
}
