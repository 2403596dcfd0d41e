/** The SNS topic people subscribe to. */
import { ListSubscriptionsByTopicCommand, PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import type { Subscription } from "../core/unheard.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";

const sns = perRegion((region) => new SNSClient({ region, ...CLIENT_SETTINGS }));

/** SNS refuses a subject of 100 characters and more, or with a line break or control character (SNS API reference, Publish). */
export function safeSubject(subject: string): string {
  const plain = subject.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return plain.length < 100 ? plain : `${plain.slice(0, 96)}...`;
}

/** Returns the message's id. */
export async function publish(region: string, topicArn: string, subject: string, text: string): Promise<string> {
  const { MessageId } = await sns(region).send(new PublishCommand({ TopicArn: topicArn, Subject: safeSubject(subject), Message: text }));
  return MessageId ?? "";
}

/** The addresses of the topic. One that waits for its owner has no ARN yet (SNS API reference, ListSubscriptionsByTopic). */
export async function listSubscriptions(region: string, TopicArn: string): Promise<Subscription[]> {
  const found: Subscription[] = [];
  let NextToken: string | undefined;
  do {
    const page = await sns(region).send(new ListSubscriptionsByTopicCommand({ TopicArn, NextToken }));
    for (const { Protocol, Endpoint, SubscriptionArn } of page.Subscriptions ?? [])
      if (Protocol === "email" && Endpoint) found.push({ address: Endpoint, confirmed: SubscriptionArn?.startsWith("arn:") ?? false });
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}
