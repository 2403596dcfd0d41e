// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** A batch of messages: one that fails leaves the others be; too many, none, or two of one id refuse them all. Publishes nothing itself. */
import { ServiceError } from "../wire/errors.ts";

const MOST = 10;

export function publishBatch(entries: any[], publish: (entry: any) => { MessageId: string }): any {
  const refuse = (code: string, message: string) => new ServiceError(code, message, 400);
  if (entries.length === 0) throw refuse("EmptyBatchRequest", "The batch request doesn't contain any entries.");
  if (entries.length > MOST)
    throw refuse("TooManyEntriesInBatchRequest", `The batch request contains more entries than permissible (more than ${MOST}).`);
  if (new Set(entries.map(({ Id }) => Id)).size < entries.length)
    throw refuse("BatchEntryIdsNotDistinct", "Two or more batch entries in the request have the same Id.");
  const Successful: any[] = [];
  const Failed: any[] = [];
  for (const { Id, ...entry } of entries) {
    try {
      Successful.push({ Id, MessageId: publish(entry).MessageId });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      Failed.push({ Id, Code: error.code, Message: error.message, SenderFault: true });
    }
  }
  return { Successful, Failed };
}
