/** What people have said about the backups of a database: which are held and why, and how many may be deleted at once. One document each. */
import { changeDocument, readDocument } from "../aws/documents.ts";
import type { Settings } from "./settings.ts";

export interface Hold {
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
}

/** A person's word for one large prune. */
export interface Allowance {
  readonly by: string;
  readonly most: number;
  readonly atMs: number;
  readonly order: string;
}

export interface RetentionWords {
  readonly holds: Readonly<Record<string, Hold>>;
  readonly allowed: Allowance | null;
}

/** A person's word for a large prune is good for so long. */
export const ALLOWED_HOURS = 24;

export const NOTHING_SAID: RetentionWords = { holds: {}, allowed: null };

export const wordsKey = (database: string) => `databases/${database}/retention.json`;

export const readWords = async (settings: Settings, database: string): Promise<RetentionWords> =>
  (await readDocument<RetentionWords>(settings.state, wordsKey(database)))?.value ?? NOTHING_SAID;

/** Changes the document over whatever it is by then; null from `change` leaves it alone. */
export async function changeWords(
  settings: Settings,
  database: string,
  change: (words: RetentionWords) => RetentionWords | null,
): Promise<void> {
  await changeDocument<RetentionWords>(settings.state, wordsKey(database), (now) => change(now ?? NOTHING_SAID));
}
