// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * SNS: topics, subscriptions by mail and of functions, and publishing. Standard topics only; no filters, no dead-letter
 * queues, and a topic's policy is kept and shown but judged elsewhere.
 */
import { ServiceError } from "../wire/errors.ts";
import { uuid } from "./ids.ts";
import { publishBatch } from "./sns-batch.ts";
import { confirmationLink, invokeFunction, type Message, mailConfirmation, mailMessage, type Smtp, tryDelivery } from "./sns-delivery.ts";
import { checkMessage, invalid, type Subscription, snsState, topicOf } from "./sns-state.ts";
import { defaultPolicy, EFFECTIVE_DELIVERY_POLICY, tagMap, tagOperations } from "./sns-topics.ts";
import type { Caller, Service, World } from "./world.ts";

export interface SnsOptions {
  /** Where mails go. */
  smtp(): Smtp;
  /** The lab plays the owner of each address, who opens the link of a confirmation mail that arrived. */
  readonly autoConfirm: boolean;
  /** The lab's endpoint, for the links in mails. */
  url(): string;
  readonly retryDelaysMs?: readonly number[];
}

const MAILS_A_SECOND = 10;
const SETTABLE = ["Policy", "DisplayName", "DeliveryPolicy", "KmsMasterKeyId", "SignatureVersion", "TracingConfig", "MaximumMessageSize"];

export function createSns(world: World, options: SnsOptions): Service {
  const retryDelaysMs = options.retryDelaysMs ?? [500, 2000, 5000, 10_000];
  /** Times of the last second's mails, by region and address. */
  const recent = new Map<string, number[]>();
  const told = (region: string, what: string, detail?: Record<string, unknown>) =>
    world.tell({ kind: "state", region, service: "sns", what, detail });

  function askForConfirmation(region: string, subscription: Subscription): void {
    world.later(0, `the confirmation mail to ${subscription.endpoint}`, async () => {
      const sent = await tryDelivery(world, region, subscription.endpoint, retryDelaysMs, () =>
        mailConfirmation(options.smtp(), options.url(), subscription),
      );
      if (!sent || !options.autoConfirm) return;
      const answer = await fetch(confirmationLink(options.url(), subscription));
      await answer.arrayBuffer();
      if (!answer.ok) told(region, `the link in the confirmation mail to ${subscription.endpoint} answered ${answer.status}`);
    });
  }

  /** More than ten mails a second to one address: SNS takes the subscription's confirmation back. */
  function overwhelmed(region: string, subscription: Subscription): boolean {
    const key = `${region} ${subscription.endpoint}`;
    const times = (recent.get(key) ?? []).filter((at) => at > world.now() - 1000);
    recent.set(key, [...times, world.now()]);
    if (times.length < MAILS_A_SECOND) return false;
    subscription.confirmed = false;
    subscription.pendingSince = world.now();
    subscription.token = world.id(64);
    const what = `the subscription of ${subscription.endpoint} is suspended: more than ${MAILS_A_SECOND} mails in a second`;
    told(region, what, { topic: subscription.topicArn });
    return true;
  }

  function send(region: string, subscription: Subscription, message: Message): void {
    const { endpoint, protocol } = subscription;
    if (protocol === "email" && overwhelmed(region, subscription)) return;
    world.later(0, `a message to ${endpoint}`, () =>
      tryDelivery(world, region, endpoint, retryDelaysMs, () =>
        protocol === "email"
          ? mailMessage(options.smtp(), options.url(), subscription, message)
          : invokeFunction(world, options.url(), subscription, message),
      ),
    );
  }

  const subscriptionsTo = (region: string, topicArn: string) =>
    Object.values(snsState(world, region).subscriptions).filter((each) => each.topicArn === topicArn);

  const shape = (subscription: Subscription) => ({
    SubscriptionArn: subscription.confirmed ? subscription.arn : "PendingConfirmation",
    Owner: world.account,
    Protocol: subscription.protocol,
    Endpoint: subscription.endpoint,
    TopicArn: subscription.topicArn,
  });

  function subscriptionOf(arn: string, region: string): Subscription {
    const found = snsState(world, region).subscriptions[arn];
    if (!found) throw new ServiceError("NotFound", "Subscription does not exist", 404);
    return found;
  }

  function publish(input: any, caller: Caller): { MessageId: string } {
    if (input.PhoneNumber) throw invalid("PhoneNumber Reason: the lab sends no text messages");
    const topic = topicOf(world, input.TopicArn ?? input.TargetArn, caller);
    const textFor = checkMessage(input);
    const message: Message = {
      id: uuid(world),
      topicArn: topic.arn,
      subject: input.Subject,
      textFor,
      attributes: input.MessageAttributes ?? {},
      at: world.now(),
    };
    const receivers = subscriptionsTo(caller.region, topic.arn).filter((each) => each.confirmed);
    told(caller.region, `published to ${topic.arn.split(":")[5]}: ${input.Subject ?? firstLine(textFor("default"))}`, {
      topic: topic.arn,
      receivers: receivers.map((each) => each.endpoint),
    });
    for (const subscription of receivers) send(caller.region, subscription, message);
    return { MessageId: message.id };
  }

  return {
    name: "sns",
    operations: {
      CreateTopic(input, caller) {
        if (!/^[\w-]{1,256}$/.test(input.Name))
          throw invalid(
            `Topic Name: "${input.Name}" Reason: 1 to 256 letters, digits, hyphens and underscores; FIFO topics are not modelled`,
          );
        const arn = `arn:aws:sns:${caller.region}:${caller.account}:${input.Name}`;
        const { topics } = snsState(world, caller.region);
        for (const name of Object.keys(input.Attributes ?? {}))
          if (!SETTABLE.includes(name)) throw invalid(`Attributes Reason: ${name} cannot be set`);
        const tags = tagMap(input.Tags);
        const before = topics[arn];
        if (before && Object.entries(tags).some(([key, value]) => before.tags?.[key] !== value))
          throw invalid("Tags Reason: Topic already exists with different tags");
        if (!before) told(caller.region, `topic ${input.Name} exists`);
        topics[arn] ??= { arn, attributes: { ...input.Attributes }, tags };
        return { TopicArn: arn };
      },
      DeleteTopic(input, caller) {
        const state = snsState(world, caller.region);
        delete state.topics[input.TopicArn];
        for (const { arn } of subscriptionsTo(caller.region, input.TopicArn)) delete state.subscriptions[arn];
      },
      ListTopics(input, caller) {
        const { page, NextToken } = paged(Object.keys(snsState(world, caller.region).topics), input);
        return { Topics: page.map((TopicArn) => ({ TopicArn })), NextToken };
      },
      GetTopicAttributes(input, caller) {
        const topic = topicOf(world, input.TopicArn, caller);
        const subscriptions = subscriptionsTo(caller.region, topic.arn);
        const confirmed = subscriptions.filter((each) => each.confirmed).length;
        return {
          Attributes: {
            DisplayName: "",
            Policy: defaultPolicy(topic.arn, caller.account),
            EffectiveDeliveryPolicy: EFFECTIVE_DELIVERY_POLICY,
            ...topic.attributes,
            TopicArn: topic.arn,
            Owner: caller.account,
            SubscriptionsConfirmed: String(confirmed),
            SubscriptionsPending: String(subscriptions.length - confirmed),
            SubscriptionsDeleted: "0",
          },
        };
      },
      SetTopicAttributes(input, caller) {
        const topic = topicOf(world, input.TopicArn, caller);
        if (!SETTABLE.includes(input.AttributeName))
          throw invalid(`AttributeName Reason: ${input.AttributeName} cannot be set; ${SETTABLE.join(", ")} can`);
        topic.attributes[input.AttributeName] = input.AttributeValue ?? "";
      },
      Subscribe(input, caller) {
        const topic = topicOf(world, input.TopicArn, caller);
        const { Protocol: protocol, Endpoint: endpoint = "" } = input;
        if (protocol !== "email" && protocol !== "lambda")
          throw invalid(`Protocol Reason: the lab delivers to email and lambda, not to ${protocol}`);
        if (protocol === "email" && !/^[^\s@]+@[^\s@]+$/.test(endpoint)) throw invalid("Email address");
        if (protocol === "lambda" && !/^arn:aws:lambda:[^:]+:\d{12}:function:.+/.test(endpoint)) throw invalid("Lambda endpoint ARN");
        if (input.Attributes?.FilterPolicy) throw invalid("Attributes Reason: FilterPolicy is not modelled by the lab");
        const { subscriptions } = snsState(world, caller.region);
        let subscription = subscriptionsTo(caller.region, topic.arn).find(
          (each) => each.protocol === protocol && each.endpoint === endpoint,
        );
        if (!subscription) {
          const arn = `${topic.arn}:${uuid(world)}`;
          subscription = {
            arn,
            topicArn: topic.arn,
            protocol,
            endpoint,
            confirmed: protocol === "lambda",
            token: world.id(64),
            pendingSince: world.now(),
          };
          subscriptions[arn] = subscription;
          told(caller.region, `${endpoint} is subscribed${subscription.confirmed ? "" : ", waiting for its owner's confirmation"}`, {
            topic: topic.arn,
          });
        }
        if (!subscription.confirmed) askForConfirmation(caller.region, subscription);
        return { SubscriptionArn: subscription.confirmed || input.ReturnSubscriptionArn ? subscription.arn : "pending confirmation" };
      },
      ConfirmSubscription(input, caller) {
        const topic = topicOf(world, input.TopicArn, caller);
        const found = subscriptionsTo(caller.region, topic.arn).find((each) => each.token === input.Token);
        if (!found) throw invalid("Token");
        if (!found.confirmed) told(caller.region, `${found.endpoint} confirmed its subscription`, { topic: topic.arn });
        found.confirmed = true;
        return { SubscriptionArn: found.arn };
      },
      Unsubscribe(input, caller) {
        const { subscriptions } = snsState(world, caller.region);
        const found = subscriptions[input.SubscriptionArn];
        if (!found) return;
        delete subscriptions[found.arn];
        told(caller.region, `${found.endpoint} is unsubscribed`, { topic: found.topicArn });
      },
      ListSubscriptions(input, caller) {
        const { page, NextToken } = paged(Object.values(snsState(world, caller.region).subscriptions), input);
        return { Subscriptions: page.map(shape), NextToken };
      },
      ListSubscriptionsByTopic(input, caller) {
        const { page, NextToken } = paged(subscriptionsTo(caller.region, topicOf(world, input.TopicArn, caller).arn), input);
        return { Subscriptions: page.map(shape), NextToken };
      },
      GetSubscriptionAttributes(input, caller) {
        const found = subscriptionOf(input.SubscriptionArn, caller.region);
        return {
          Attributes: {
            ...shape(found),
            SubscriptionArn: found.arn,
            PendingConfirmation: String(!found.confirmed),
            // A function is confirmed by its owner's signed Subscribe; a mail's link is not signed.
            ConfirmationWasAuthenticated: String(found.protocol === "lambda"),
            RawMessageDelivery: "false",
          },
        };
      },
      SetSubscriptionAttributes(input, caller) {
        const { protocol } = subscriptionOf(input.SubscriptionArn, caller.region);
        const { AttributeName: name, AttributeValue: value } = input;
        if (name !== "RawMessageDelivery") throw invalid(`AttributeName Reason: the lab keeps no ${name} of a subscription`);
        if (value === "true") throw invalid(`Attributes Reason: Delivery protocol [${protocol}] does not support raw message delivery.`);
      },
      ...tagOperations(world),
      Publish: publish,
      PublishBatch(input, caller) {
        const { arn: TopicArn } = topicOf(world, input.TopicArn, caller);
        return publishBatch(input.PublishBatchRequestEntries, (entry) => publish({ ...entry, TopicArn }, caller));
      },
    },
  };
}

function firstLine(text: string): string {
  const line = text.split("\n")[0]!;
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

function paged<T>(items: T[], input: any): { page: T[]; NextToken: string | undefined } {
  const from = Number(input.NextToken ?? 0);
  const to = from + 100;
  return { page: items.slice(from, to), NextToken: to < items.length ? String(to) : undefined };
}
