import * as sns from "@aws-sdk/client-sns";
import { SNSClient } from "@aws-sdk/client-sns";
import { expect, test, vi } from "vitest";
import { type MailSink, startMailSink } from "../../lab/cloud/mail.ts";
import { createSns } from "../../lab/cloud/sns.ts";
import type { Operation } from "../../lab/cloud/world.ts";
import { closing, labWith } from "./on-the-wire.ts";

async function topic(options: { autoConfirm?: boolean; lambda?: Operation } = {}) {
  let sink: MailSink | undefined;
  const lab = await labWith((world, url) => [
    createSns(world, {
      smtp: () => ({ host: "127.0.0.1", port: sink!.port }),
      autoConfirm: options.autoConfirm ?? true,
      url,
      retryDelaysMs: [50, 100, 200, 400, 800],
    }),
    { name: "lambda", operations: { Invoke: options.lambda ?? (() => ({ StatusCode: 202 })) } },
  ]);
  sink = await startMailSink(lab.world);
  closing({ close: sink.stop });
  const client = new SNSClient(lab.client());
  const { TopicArn } = await client.send(new sns.CreateTopicCommand({ Name: "understudy" }));
  const subscribe = (Endpoint: string, Protocol = "email") => client.send(new sns.SubscribeCommand({ TopicArn, Protocol, Endpoint }));
  const subscriptions = async () => (await client.send(new sns.ListSubscriptionsByTopicCommand({ TopicArn }))).Subscriptions ?? [];
  const confirmed = () =>
    vi.waitFor(async () => expect((await subscriptions()).every((each) => each.SubscriptionArn?.startsWith("arn:"))).toBe(true), {
      timeout: 5000,
    });
  const publish = (Message: string, more = {}) => client.send(new sns.PublishCommand({ TopicArn, Message, ...more }));
  const mailed = (subject: string) => sink!.mails.filter((mail) => mail.subject === subject);
  return { lab, sink, client, TopicArn: TopicArn!, subscribe, subscriptions, confirmed, publish, mailed };
}

test("only who confirmed gets mail, and the link in the confirmation mail confirms", async () => {
  const { sink, client, subscribe, subscriptions, publish, mailed } = await topic({ autoConfirm: false });
  expect((await subscribe("oncall@example.com")).SubscriptionArn).toBe("pending confirmation");
  expect(await subscriptions()).toMatchObject([
    { SubscriptionArn: "PendingConfirmation", Endpoint: "oncall@example.com", Protocol: "email" },
  ]);
  await vi.waitFor(() => expect(sink.mails).toHaveLength(1));
  await publish("nobody hears this", { Subject: "too early" });
  const link = /http:\S+Action=ConfirmSubscription\S+/.exec(sink.mails[0]!.text)![0];
  expect((await fetch(link)).status).toBe(200);
  await publish("shop-a is fenced", { Subject: "Moved" });
  await vi.waitFor(() => expect(mailed("Moved")).toHaveLength(1));
  expect(mailed("Moved")[0]).toMatchObject({
    from: "no-reply@sns.amazonaws.com",
    to: ["oncall@example.com"],
    text: expect.stringContaining("shop-a is fenced"),
  });
  expect(mailed("too early")).toEqual([]);
  const unsubscribe = /http:\S+Action=Unsubscribe\S+/.exec(mailed("Moved")[0]!.text)![0];
  expect((await fetch(unsubscribe)).status).toBe(200);
  expect((await client.send(new sns.ListSubscriptionsCommand({}))).Subscriptions).toEqual([]);
});

test("the mail server is down: publishing still works, and the mail comes when the server is back", async () => {
  const { lab, sink, subscribe, confirmed, publish, mailed } = await topic();
  await subscribe("oncall@example.com");
  await confirmed();
  await sink.stop();
  await publish("shop-a is lost", { Subject: "Lost" });
  await vi.waitFor(() => expect(lab.told("could not be delivered").length).toBeGreaterThan(0));
  await sink.restart();
  await vi.waitFor(() => expect(mailed("Lost")).toHaveLength(1), { timeout: 5000 });
});

test("a storm of more than ten mails a second takes the subscription's confirmation away", async () => {
  const { lab, subscribe, subscriptions, confirmed, mailed } = await topic();
  await subscribe("oncall@example.com");
  await confirmed();
  const { TopicArn } = (await subscriptions())[0]!;
  for (let each = 0; each < 11; each++)
    await lab.world.call("sns", "Publish", { TopicArn, Message: "storm", Subject: "Storm" }, { region: "eu-central-1" });
  expect((await subscriptions())[0]?.SubscriptionArn).toBe("PendingConfirmation");
  expect(lab.told("is suspended")).toHaveLength(1);
  await vi.waitFor(() => expect(mailed("Storm")).toHaveLength(10), { timeout: 5000 });
});

test("a function receives the message in SNS's envelope, with the topic as its source", async () => {
  const calls: { FunctionName: string; Payload: Buffer; LabSource: unknown }[] = [];
  const lambda = (input: (typeof calls)[number]) => void calls.push(input);
  const { TopicArn, subscribe, subscriptions, publish } = await topic({ lambda });
  const arn = "arn:aws:lambda:eu-central-1:111122223333:function:watch";
  await subscribe(arn, "lambda");
  expect((await subscriptions())[0]?.SubscriptionArn).toMatch(/^arn:/);
  await publish("look", { Subject: "Wake", MessageAttributes: { kind: { DataType: "String", StringValue: "alarm" } } });
  await vi.waitFor(() => expect(calls).toHaveLength(1));
  expect(calls[0]).toMatchObject({ FunctionName: arn, LabSource: { service: "sns.amazonaws.com", arn: TopicArn } });
  expect(JSON.parse(calls[0]!.Payload.toString()).Records[0]).toMatchObject({
    EventSource: "aws:sns",
    Sns: {
      Type: "Notification",
      TopicArn,
      Subject: "Wake",
      Message: "look",
      MessageAttributes: { kind: { Type: "String", Value: "alarm" } },
    },
  });
});

test("what SNS refuses is refused before anything is sent", async () => {
  const { client, publish, subscribe, TopicArn, lab } = await topic();
  const invalid = (message: string) => ({
    name: "InvalidParameterException",
    Code: "InvalidParameter",
    message: expect.stringContaining(message),
  });
  await expect(publish("x", { Subject: "a".repeat(100) })).rejects.toMatchObject(invalid("Subject"));
  await expect(publish("x", { Subject: "two\nlines" })).rejects.toMatchObject(invalid("Subject"));
  await publish("x", { Subject: "ä".repeat(99) });
  await expect(publish("x".repeat(256 * 1024 + 1))).rejects.toMatchObject(invalid("Message too long"));
  await expect(publish("{}", { MessageStructure: "json" })).rejects.toMatchObject(invalid("No default entry"));
  await expect(publish("no json", { MessageStructure: "json" })).rejects.toMatchObject(invalid("failed to parse"));
  await expect(subscribe("no address")).rejects.toMatchObject(invalid("Email address"));
  await expect(subscribe("https://example.com", "https")).rejects.toMatchObject(invalid("Protocol"));
  const gone = client.send(new sns.PublishCommand({ TopicArn: `${TopicArn}-gone`, Message: "x" }));
  await expect(gone).rejects.toMatchObject({ name: "NotFoundException", Code: "NotFound", $metadata: { httpStatusCode: 404 } });
  const elsewhere = new SNSClient(lab.client("eu-west-1")).send(new sns.PublishCommand({ TopicArn, Message: "x" }));
  await expect(elsewhere).rejects.toMatchObject(invalid("TopicArn"));
});

test("each protocol gets its own text of a JSON message", async () => {
  const { subscribe, confirmed, publish, mailed } = await topic();
  await subscribe("oncall@example.com");
  await confirmed();
  await publish(JSON.stringify({ default: "short", email: "long, for people" }), { MessageStructure: "json", Subject: "Two" });
  await vi.waitFor(() => expect(mailed("Two")[0]?.text).toContain("long, for people"));
});

test("a topic's attributes count its subscriptions; creating it again changes nothing; deleting it takes them along", async () => {
  const { client, TopicArn, subscribe, confirmed } = await topic();
  const { SubscriptionArn } = await client.send(
    new sns.SubscribeCommand({ TopicArn, Protocol: "email", Endpoint: "oncall@example.com", ReturnSubscriptionArn: true }),
  );
  await subscribe("boss@example.com");
  await confirmed();
  expect((await client.send(new sns.CreateTopicCommand({ Name: "understudy" }))).TopicArn).toBe(TopicArn);
  await client.send(new sns.SetTopicAttributesCommand({ TopicArn, AttributeName: "DisplayName", AttributeValue: "Understudy" }));
  const { Attributes } = await client.send(new sns.GetTopicAttributesCommand({ TopicArn }));
  expect(Attributes).toMatchObject({ DisplayName: "Understudy", SubscriptionsConfirmed: "2", SubscriptionsPending: "0" });
  expect((await client.send(new sns.GetSubscriptionAttributesCommand({ SubscriptionArn }))).Attributes).toMatchObject({
    PendingConfirmation: "false",
    Endpoint: "oncall@example.com",
  });
  await client.send(new sns.UnsubscribeCommand({ SubscriptionArn }));
  await client.send(new sns.DeleteTopicCommand({ TopicArn }));
  expect((await client.send(new sns.ListTopicsCommand({}))).Topics).toEqual([]);
  expect((await client.send(new sns.ListSubscriptionsCommand({}))).Subscriptions).toEqual([]);
});
