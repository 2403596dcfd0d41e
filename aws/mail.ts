/** Publishes to the SNS topic people subscribe to. */
import { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
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
