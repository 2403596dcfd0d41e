/**
 * What may wake a function that looks for itself: an alarm, an RDS event, a schedule, the probe, a person. An event is a reason to
 * look, never a command, so little of it is kept.
 */
import * as z from "zod/mini";
import { type AlarmNews, readAlarm } from "./alarm.ts";
import { type Envelope, envelopeName, mustBeUsable, readEnvelope } from "./envelope.ts";
import { EventRefused, type Reading } from "./refused.ts";

export type Wake =
  | AlarmNews
  | { readonly kind: "schedule" }
  | {
      readonly kind: "rds";
      readonly eventId: string | null;
      readonly subject: string;
      readonly message: string | null;
      readonly atMs: number;
    }
  | { readonly kind: "probe"; readonly database: string }
  /** The probe has missed the primary for the first time: no reason to look yet. */
  | { readonly kind: "first-miss"; readonly database: string }
  | { readonly kind: "operator"; readonly database: string | null };

const rdsDetail = z.object({ SourceIdentifier: z.string(), EventID: z.optional(z.string()), Message: z.optional(z.string()) });
const byProbe = z.strictObject({ source: z.literal("understudy.probe"), database: z.string(), firstMiss: z.optional(z.literal(true)) });
/** By hand: `{}` for every database, or `{"database": "shop"}`. */
const byHand = z.strictObject({ database: z.optional(z.string()) });

export function readWake(event: unknown, reading: Reading): Wake {
  const envelope = readEnvelope(event);
  if (envelope) mustBeUsable(envelope, reading);
  const alarm = readAlarm(event, envelope, reading);
  if (alarm) return alarm;
  if (envelope) return fromBus(envelope);
  const probe = byProbe.safeParse(event);
  if (probe.success) return { kind: probe.data.firstMiss ? "first-miss" : "probe", database: probe.data.database };
  const hand = byHand.safeParse(event);
  if (hand.success) return { kind: "operator", database: hand.data.database ?? null };
  throw new EventRefused(
    "UnknownEvent",
    `This event is not one Understudy knows: ${shape(event)}.`,
    'By hand, send {} or {"database": "NAME"}.',
  );
}

function fromBus(envelope: Envelope): Wake {
  if (envelope.source === "aws.events" && envelope["detail-type"] === "Scheduled Event") return { kind: "schedule" };
  if (envelope.source === "aws.rds") {
    const detail = rdsDetail.safeParse(envelope.detail);
    if (!detail.success)
      throw new EventRefused("MalformedEvent", `${envelopeName(envelope)} lacks detail.SourceIdentifier.`, "Send it as RDS does.");
    const { SourceIdentifier, EventID, Message } = detail.data;
    const atMs = Date.parse(envelope.time);
    return { kind: "rds", eventId: EventID ?? null, subject: SourceIdentifier, message: Message ?? null, atMs };
  }
  throw new EventRefused(
    "UnknownEvent",
    `${envelopeName(envelope)} is not an event Understudy knows.`,
    "Narrow the rule that sends it here.",
  );
}

/** The event's outer shape in a few words, for a reader who has to find its sender. */
export function shape(event: unknown): string {
  if (event === null || typeof event !== "object") return `${typeof event} ${JSON.stringify(event)?.slice(0, 60) ?? ""}`;
  const { eventSource, EventSource } = ((event as { Records?: Record<string, unknown>[] }).Records?.[0] ?? {}) as Record<string, unknown>;
  const sender = eventSource ?? EventSource;
  return `${sender ? `a record of ${String(sender)}` : "an object"} with ${Object.keys(event).slice(0, 6).join(", ") || "nothing in it"}`;
}
