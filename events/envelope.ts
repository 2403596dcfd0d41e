/** The EventBridge envelope: who sent it, from which account and region, when. */
import * as z from "zod/mini";
import { mustBeOurs, mustBeRecent, type Reading } from "./refused.ts";

const envelope = z.object({
  source: z.string(),
  "detail-type": z.string(),
  account: z.string(),
  time: z.string(),
  region: z.string(),
  resources: z.optional(z.array(z.string())),
  detail: z.unknown(),
});

export type Envelope = z.infer<typeof envelope>;

/** null when the event has no envelope. One from elsewhere or long ago is refused. */
export function readEnvelope(event: unknown): Envelope | null {
  const parsed = envelope.safeParse(event);
  return parsed.success ? parsed.data : null;
}

export const envelopeName = (event: Envelope): string => `"${event["detail-type"]}" of ${event.source}`;

export function mustBeUsable(event: Envelope, reading: Reading): void {
  mustBeOurs(event.account, reading, envelopeName(event));
  mustBeRecent(event.time, reading, envelopeName(event));
}
