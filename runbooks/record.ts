/**
 * The record of each database in the recovery region's bucket: generation, who is primary, and the claim of a running move.
 * Every change is a conditional write over the version that was read, so two can race and one wins.
 */
import { changeDocument, createDocument, readDocument, replaceDocument, type Stored } from "../aws/documents.ts";
import type { Brake, Claim, DatabaseRecord, Vote } from "../core/facts.ts";
import type { ProbePlace, Protected, Settings } from "./settings.ts";

export const recordKey = (database: string) => `databases/${database}/record.json`;
const BRAKE_KEY = "databases/brake.json";

export const voteKey = (database: string, place: ProbePlace) => `databases/${database}/${place === "far" ? "vote" : "vote-near"}.json`;

/** What is written where nothing is known by it: whoever warms up has to write too. */
export const warmKey = (database: string, who: "watch" | "move") => `databases/${database}/warm-${who}.json`;

/** As the plan has it, before anything has happened. */
const firstRecord = ({ name, plan }: Protected): DatabaseRecord => ({
  database: name,
  generation: 1,
  primary: plan.primary.instance,
  standbys: plan.standbys.map(({ instance }) => instance),
  retired: [],
  attempts: 0,
  claim: null,
  lastMove: null,
  pause: null,
  regions: Object.fromEntries([plan.primary, ...plan.standbys].map(({ instance, region }) => [instance, region])),
});

/** For whoever may not make the first record. */
export async function seeRecord(settings: Settings, database: Protected): Promise<DatabaseRecord> {
  return (await readDocument<DatabaseRecord>(settings.state, recordKey(database.name)))?.value ?? firstRecord(database);
}

/** Makes the first record from the plan when there is none. */
export async function readRecord(settings: Settings, database: Protected): Promise<Stored<DatabaseRecord>> {
  const found = await readDocument<DatabaseRecord>(settings.state, recordKey(database.name));
  if (found) return found;
  await createDocument(settings.state, recordKey(database.name), firstRecord(database));
  const made = await readDocument<DatabaseRecord>(settings.state, recordKey(database.name));
  if (!made) throw new Error(`the record of ${database.name} was written and is not there`);
  return made;
}

export async function readVote(settings: Settings, database: string, place: ProbePlace): Promise<Vote | null> {
  return (await readDocument<Vote>(settings.state, voteKey(database, place)))?.value ?? null;
}

const NO_MOVES: Brake = { moves: [], releasedAtMs: 0 };

/** The fleet's automatic moves. An absent document is an empty one. */
export async function readBrake(settings: Settings): Promise<Stored<Brake>> {
  return (await readDocument<Brake>(settings.state, BRAKE_KEY)) ?? { value: NO_MOVES, etag: "" };
}

/** Changes the brake's document over whatever it is by then; `change` may be called more than once. `seen`: as it was read a moment ago. */
export async function changeBrake(settings: Settings, change: (brake: Brake) => Brake, seen?: Stored<Brake>): Promise<Brake> {
  return (await changeDocument<Brake>(settings.state, BRAKE_KEY, (now) => change(now ?? NO_MOVES), seen)) as Brake;
}

/** Changes the record over whatever it is by then; null from `change` leaves it alone. `seen`: as it was read a moment ago. */
export async function changeRecord(
  settings: Settings,
  database: Protected,
  change: (record: DatabaseRecord) => DatabaseRecord | null,
  seen?: Stored<DatabaseRecord>,
): Promise<DatabaseRecord> {
  const first = firstRecord(database);
  return (await changeDocument<DatabaseRecord>(settings.state, recordKey(database.name), (now) => change(now ?? first), seen)) ?? first;
}

export const executionName = (database: string, generation: number, attempt: number): string =>
  `move-${database}-g${generation}-a${attempt}`;

/** Claims the database for one move. null: somebody else was faster. */
export async function claim(
  settings: Settings,
  stored: Stored<DatabaseRecord>,
  what: Pick<Claim, "kind" | "target" | "rule" | "sentence" | "order">,
  nowMs: number,
): Promise<Claim | null> {
  const record = stored.value;
  if (record.claim) return null;
  const attempt = record.attempts + 1;
  const taken: Claim = {
    execution: executionName(record.database, record.generation, attempt),
    attempt,
    takenAtMs: nowMs,
    stage: "claimed",
    network: null,
    ...what,
  };
  const won = await replaceDocument(
    settings.state,
    recordKey(record.database),
    { ...record, attempts: attempt, claim: taken },
    stored.etag,
  );
  return won ? taken : null;
}

/** Notes how far a move has come. false: the claim is no longer this execution's. */
export async function noteOnClaim(
  settings: Settings,
  database: Protected,
  execution: string,
  note: Partial<Pick<Claim, "stage" | "network" | "writer">>,
  seen?: Stored<DatabaseRecord>,
): Promise<boolean> {
  const noted = (now: DatabaseRecord) => (now.claim?.execution === execution ? { ...now, claim: { ...now.claim, ...note } } : null);
  const record = await changeRecord(settings, database, noted, seen);
  return record.claim?.execution === execution;
}

/**
 * Takes a dead execution's claim over under a new name: to go on where it ended, or to undo what it did. Whatever of the dead one may
 * still be running finds its claim gone. null: it is no longer the dead one's.
 */
export async function succeed(
  settings: Settings,
  database: Protected,
  dead: string,
  stage: "promoted" | "undoing",
  nowMs: number,
): Promise<Claim | null> {
  const record = await changeRecord(settings, database, (now) => {
    if (now.claim?.execution !== dead) return null;
    const attempt = now.attempts + 1;
    const execution = executionName(now.database, now.generation, attempt);
    return { ...now, attempts: attempt, claim: { ...now.claim, execution, attempt, stage, takenAtMs: nowMs } };
  });
  return record.claim && record.claim.attempt === record.attempts && record.claim.execution !== dead ? record.claim : null;
}

/** Ends a claim. Only the execution that holds it changes anything; a claim already ended is left as it is. */
export async function endClaim(
  settings: Settings,
  database: Protected,
  execution: string,
  outcome: "succeeded" | "failed" | "refused",
  nowMs: number,
  change: (record: DatabaseRecord) => Partial<DatabaseRecord> = () => ({}),
): Promise<DatabaseRecord> {
  return await changeRecord(settings, database, (record) =>
    record.claim?.execution === execution
      ? {
          ...record,
          ...change(record),
          claim: null,
          // One that was refused has done nothing: it does not end the cooldown of one that did.
          lastMove:
            outcome === "refused" && record.lastMove && record.lastMove.outcome !== "refused"
              ? record.lastMove
              : { execution, outcome, endedAtMs: nowMs, automatic: record.claim.order === null, acknowledgedBy: null },
        }
      : null,
  );
}
