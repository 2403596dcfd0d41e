/** Finds what was kept of a database's moves: the newest pack or the one named, what was learned later, and which others there are. */
import { listKeys, readDocument } from "../aws/documents.ts";
import { type Afterwards, type Evidence, evidenceKey, newestMove } from "../core/evidence.ts";
import { protectedDatabase, type Settings } from "./settings.ts";

export interface FoundEvidence {
  readonly database: string;
  /** Executions with evidence, oldest first. */
  readonly moves: readonly string[];
  /** null: there is none. */
  readonly evidence: Evidence | null;
  /** What the look afterwards saw of the old primary; null while it looks. */
  readonly after: Afterwards | null;
  /** What the move has really cost; null until a failback has asked the old primary. */
  readonly actual: Readonly<Record<string, unknown>> | null;
  /** The page for people, in the state bucket. */
  readonly page: string | null;
}

export async function findEvidence(settings: Settings, database: string, execution: string | null): Promise<FoundEvidence> {
  protectedDatabase(settings.plan, database);
  const prefix = `evidence/${database}/`;
  const keys = await listKeys(settings.state, prefix);
  const moves = keys.flatMap((key) => /^(move-[a-z0-9-]+-g\d+-a\d+)\.json$/.exec(key.slice(prefix.length))?.[1] ?? []).sort(newestMove);
  const chosen = execution ?? moves.at(-1) ?? null;
  if (chosen === null || !moves.includes(chosen)) return { database, moves, evidence: null, after: null, actual: null, page: null };
  const [evidence, after, actual] = await Promise.all([
    readDocument<Evidence>(settings.state, evidenceKey(database, chosen, "json")),
    readDocument<Afterwards>(settings.state, evidenceKey(database, chosen, "after.json")),
    readDocument<Record<string, unknown>>(settings.state, evidenceKey(database, chosen, "actual.json")),
  ]);
  const page = evidenceKey(database, chosen, "html");
  return {
    database,
    moves,
    evidence: evidence?.value ?? null,
    after: after?.value ?? null,
    actual: actual?.value ?? null,
    page: keys.includes(page) ? page : null,
  };
}
