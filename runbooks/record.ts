/**
 * The record of each database in the recovery region's bucket: generation, who is primary, and the claim of a running move.
 * Every change is a conditional write over the version that was read, so two can race and one wins.
 */
import { createDocument, readDocument, replaceDocument, type Stored } from "../aws/documents.ts";
import type { Claim, DatabaseRecord, Vote } from "../core/facts.ts";
import type { Protected, Settings } from "./settings.ts";

const recordKey = (database: string) => `databases/${database}/record.json`;
export const voteKey = (database: string) => `databases/${database}/vote.json`;

/** Makes the first record from the plan when there is none. */
export async function readRecord(settings: Settings, database: Protected): Promise<Stored<DatabaseRecord>> {
  const found = await readDocument<DatabaseRecord>(settings.state, recordKey(database.name));
  if (found) return found;
  const first: DatabaseRecord = {
    database: database.name,
    generation: 1,
    primary: database.plan.primary.instance,
    standby: database.plan.hotStandby.instance,
    attempts: 0,
    claim: null,
    lastMove: null,
  };
  await createDocument(settings.state, recordKey(database.name), first);
  const made = await readDocument<DatabaseRecord>(settings.state, recordKey(database.name));
  if (!made) throw new Error(`the record of ${database.name} was written and is not there`);
  return made;
}

export async function readVote(settings: Settings, database: string): Promise<Vote | null> {
  return (await readDocument<Vote>(settings.state, voteKey(database)))?.value ?? null;
}

export const executionName = (database: string, generation: number, attempt: number): string =>
  `move-${database}-g${generation}-a${attempt}`;

/** Claims the database for one move. null: somebody else was faster. */
export async function claim(
  settings: Settings,
  stored: Stored<DatabaseRecord>,
  target: string,
  why: { rule: number; sentence: string },
  nowMs: number,
): Promise<Claim | null> {
  const record = stored.value;
  if (record.claim) return null;
  const attempt = record.attempts + 1;
  const taken: Claim = { execution: executionName(record.database, record.generation, attempt), attempt, target, takenAtMs: nowMs, ...why };
  const won = await replaceDocument(
    settings.state,
    recordKey(record.database),
    { ...record, attempts: attempt, claim: taken },
    stored.etag,
  );
  return won ? taken : null;
}

/** Ends a claim. Only the execution that holds it changes anything; a claim already ended is left as it is. */
export async function endClaim(
  settings: Settings,
  database: Protected,
  execution: string,
  outcome: "succeeded" | "failed" | "refused",
  nowMs: number,
  change: Partial<DatabaseRecord> = {},
): Promise<DatabaseRecord> {
  for (;;) {
    const stored = await readRecord(settings, database);
    if (stored.value.claim?.execution !== execution) return stored.value;
    const next: DatabaseRecord = { ...stored.value, ...change, claim: null, lastMove: { execution, outcome, endedAtMs: nowMs } };
    if (await replaceDocument(settings.state, recordKey(database.name), next, stored.etag)) return next;
  }
}
