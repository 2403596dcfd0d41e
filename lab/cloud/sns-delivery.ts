// biome-ignore-all lint/suspicious/noExplicitAny: events are any JSON
/**
 * How a topic's message leaves: by mail over SMTP, or as an event to a function, with a few tries. Never fails the
 * publisher: what cannot be delivered is told in the story and dropped, as AWS drops it after its hours of tries.
 */
import { attempt } from "./attempts.ts";
import type { Subscription } from "./sns-state.ts";
import type { World } from "./world.ts";

export interface Message {
  readonly id: string;
  readonly topicArn: string;
  readonly subject: string | undefined;
  /** What each protocol gets. */
  readonly textFor: (protocol: string) => string;
  readonly attributes: Record<string, { DataType: string; StringValue?: string; BinaryValue?: Uint8Array }>;
  readonly at: number;
}

export interface Smtp {
  readonly host: string;
  readonly port: number;
}

const FROM = "AWS Notifications <no-reply@sns.amazonaws.com>";

/** Tells every failure; answers whether the message went out in the end. */
export async function tryDelivery(
  world: World,
  region: string,
  to: string,
  retryDelaysMs: readonly number[],
  send: () => Promise<unknown>,
): Promise<boolean> {
  const error = await attempt(world, retryDelaysMs, send, ({ message }, again, tries) => {
    const what = `a message to ${to} could not be delivered (${message}): ${again ? "it is tried again" : "it is dropped"}`;
    world.tell({ kind: "state", region, service: "sns", what, detail: { to, attempt: tries } });
  });
  return error === undefined;
}

export async function sendMail(smtp: Smtp, to: string, subject: string, text: string): Promise<void> {
  const { createTransport } = await import("nodemailer");
  const transport = createTransport({
    host: smtp.host,
    port: smtp.port,
    secure: false,
    ignoreTLS: true,
    connectionTimeout: 5000,
    greetingTimeout: 5000,
    socketTimeout: 10_000,
  });
  try {
    await transport.sendMail({ from: FROM, to, subject, text });
  } finally {
    transport.close();
  }
}

export function confirmationLink(url: string, subscription: Subscription): string {
  const query = new URLSearchParams({ Action: "ConfirmSubscription", TopicArn: subscription.topicArn, Token: subscription.token });
  return `${url}/?${query}`;
}

export async function mailConfirmation(smtp: Smtp, url: string, subscription: Subscription): Promise<void> {
  const text = [
    "You have chosen to subscribe to the topic:",
    subscription.topicArn,
    "",
    "To confirm this subscription, click or visit the link below (If this was in error no action is necessary):",
    confirmationLink(url, subscription),
    "",
    "Please do not reply directly to this email.",
  ].join("\n");
  await sendMail(smtp, subscription.endpoint, "AWS Notification - Subscription Confirmation", text);
}

export async function mailMessage(smtp: Smtp, url: string, subscription: Subscription, message: Message): Promise<void> {
  const text = [
    message.textFor(subscription.protocol),
    "",
    "--",
    "If you wish to stop receiving notifications from this topic, please click or visit the link below to unsubscribe:",
    `${url}/?${new URLSearchParams({ Action: "Unsubscribe", SubscriptionArn: subscription.arn })}`,
    "",
    "Please do not reply directly to this email.",
  ].join("\n");
  await sendMail(smtp, subscription.endpoint, message.subject ?? "AWS Notification Message", text);
}

export async function invokeFunction(world: World, url: string, subscription: Subscription, message: Message): Promise<void> {
  const attributes = Object.entries(message.attributes).map(([name, { DataType, StringValue, BinaryValue }]): [string, any] => [
    name,
    { Type: DataType, Value: StringValue ?? Buffer.from(BinaryValue ?? []).toString("base64") },
  ]);
  const Sns = {
    Type: "Notification",
    MessageId: message.id,
    TopicArn: message.topicArn,
    Subject: message.subject ?? null,
    Message: message.textFor("lambda"),
    Timestamp: new Date(message.at).toISOString(),
    SignatureVersion: "1",
    Signature: "lab",
    SigningCertUrl: `${url}/SimpleNotificationService.pem`,
    UnsubscribeUrl: `${url}/?${new URLSearchParams({ Action: "Unsubscribe", SubscriptionArn: subscription.arn })}`,
    MessageAttributes: Object.fromEntries(attributes),
  };
  const event = { Records: [{ EventSource: "aws:sns", EventVersion: "1.0", EventSubscriptionArn: subscription.arn, Sns }] };
  await world.call(
    "lambda",
    "Invoke",
    {
      FunctionName: subscription.endpoint,
      InvocationType: "Event",
      Payload: Buffer.from(JSON.stringify(event)),
      LabSource: { service: "sns.amazonaws.com", arn: message.topicArn },
    },
    { region: subscription.endpoint.split(":")[3]!, principal: "sns.amazonaws.com" },
  );
}
