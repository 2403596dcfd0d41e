// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * What SNS keeps: topics and subscriptions of each region, and the checks of a published message.
 * A subscription that waits for its owner's confirmation is gone after two days.
 */
import { ServiceError } from "../wire/errors.ts";
import type { Caller, World } from "./world.ts";

export interface Topic {
  readonly arn: string;
  readonly attributes: Record<string, string>;
  tags?: Record<string, string>;
}

export interface Subscription {
  readonly arn: string;
  readonly topicArn: string;
  readonly protocol: "email" | "lambda";
  readonly endpoint: string;
  confirmed: boolean;
  token: string;
  /** When the wait for a confirmation began. */
  pendingSince: number;
}

export interface RegionState {
  topics: Record<string, Topic>;
  subscriptions: Record<string, Subscription>;
}

const TWO_DAYS_MS = 2 * 86_400_000;
const MAX_MESSAGE_BYTES = 256 * 1024;

export const invalid = (what: string) => new ServiceError("InvalidParameter", `Invalid parameter: ${what}`, 400);

export function snsState(world: World, region: string): RegionState {
  const { regions } = world.state<{ regions: Record<string, RegionState> }>("sns", () => ({ regions: {} }));
  regions[region] ??= { topics: {}, subscriptions: {} };
  const { subscriptions } = regions[region];
  for (const each of Object.values(subscriptions))
    if (!each.confirmed && each.pendingSince < world.now() - TWO_DAYS_MS) delete subscriptions[each.arn];
  return regions[region];
}

/** The topic an ARN names, in the caller's region and account. */
export function topicOf(world: World, arn: string | undefined, caller: Caller): Topic {
  const parts = arn?.split(":") ?? [];
  if (parts.length !== 6 || parts[2] !== "sns") throw invalid(`TopicArn Reason: "${arn}" is not a topic's ARN`);
  if (parts[3] !== caller.region) throw invalid(`TopicArn Reason: the topic is in ${parts[3]}, the request was sent to ${caller.region}`);
  const topic = snsState(world, caller.region).topics[arn!];
  if (!topic) throw new ServiceError("NotFound", "Topic does not exist", 404);
  return topic;
}

/** The message's text for each protocol, once subject, size and structure hold. */
export function checkMessage(input: any): (protocol: string) => string {
  const { Subject, Message, MessageStructure } = input;
  if (Subject !== undefined && (Subject === "" || [...Subject].length >= 100 || /[\p{Cc}\u2028\u2029]/u.test(Subject))) {
    throw invalid("Subject Reason: 1 to 99 characters are expected, without line breaks and control characters");
  }
  if (!Message) throw invalid("Empty message");
  if (Buffer.byteLength(Message) > MAX_MESSAGE_BYTES)
    throw invalid(`Message too long: ${Buffer.byteLength(Message)} bytes, the limit is ${MAX_MESSAGE_BYTES}`);
  if (MessageStructure === undefined) return () => Message;
  if (MessageStructure !== "json") throw invalid(`MessageStructure "${MessageStructure}" Reason: only json is known`);
  let texts: any;
  try {
    texts = JSON.parse(Message);
  } catch {
    throw invalid("Message Structure - JSON message body failed to parse");
  }
  if (typeof texts?.default !== "string") throw invalid("Message Structure - No default entry in JSON message body");
  return (protocol) => (typeof texts[protocol] === "string" ? texts[protocol] : texts.default);
}
