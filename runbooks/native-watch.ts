/**
 * Notices that RDS has moved a primary's writer by itself, by what is seen and not by events: the address behind a Multi-AZ instance's
 * name is another one. Proving and telling is a durable execution's (native.ts); here it is only started, once for each such move.
 */
import { createDocument, readDocument, replaceDocument, type Stored } from "../aws/documents.ts";
import type { Facts } from "../core/facts.ts";
import type { NativeNote } from "../core/native.ts";
import type { Settings } from "./settings.ts";
import { startDurable } from "./start.ts";

const noteKey = (database: string) => `databases/${database}/native.json`;

export async function readNativeNote(settings: Settings, database: string): Promise<Stored<NativeNote> | null> {
  return await readDocument<NativeNote>(settings.state, noteKey(database));
}

/** false: somebody else was faster. */
export async function writeNativeNote(
  settings: Settings,
  database: string,
  note: NativeNote,
  before: Stored<NativeNote> | null,
): Promise<boolean> {
  return before
    ? await replaceDocument(settings.state, noteKey(database), note, before.etag)
    : await createDocument(settings.state, noteKey(database), note);
}

export const nativeExecution = (database: string, generation: number, count: number): string =>
  `native-${database}-g${generation}-n${count}`;

/** Only while the primary is reached: what a name leads to in the middle of a failover says nothing. Never stops the watcher. */
export async function noticeNative(settings: Settings, { record, writer, ownLook, atMs }: Facts): Promise<void> {
  if (!writer || ownLook !== "alive") return;
  const { database, generation, primary } = record;
  try {
    const known = await readNativeNote(settings, database);
    const note = known?.value;
    if (note?.primary === primary && note.writer === writer) return;
    const count = note?.count ?? 0;
    if (note?.primary !== primary) {
      await writeNativeNote(settings, database, { primary, writer, count, before: null, atMs, by: null }, known);
      return;
    }
    // Started before it is noted: whoever dies in between is followed by one who starts the same execution again, which is once.
    const input = { kind: "native" as const, database, generation, attempt: count + 1 };
    await startDurable(settings, nativeExecution(database, generation, count + 1), input);
    await writeNativeNote(settings, database, { primary, writer, count: count + 1, before: note.writer, atMs, by: null }, known);
  } catch (error) {
    console.error(JSON.stringify({ what: "native failover not looked for", database, error: String(error) }));
  }
}
