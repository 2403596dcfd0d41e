/** SNS: topics, subscriptions, publishing. */
import type { Story } from "../story.ts";

const topics: Story = {
  title: "a topic for the people in the plan",
  service: "sns",
  region: "eu-west-1",
  calls: [
    ["ListTopics"],
    ["CreateTopic", { Name: "understudy-news" }, { keep: { topic: "TopicArn" } }],
    ["CreateTopic", { Name: "understudy-news" }, { as: "a topic twice" }],
    ["CreateTopic", { Name: "no spaces please" }],
    [
      "CreateTopic",
      { Name: "other-news", Attributes: { DisplayName: "Other" }, Tags: [{ Key: "plan", Value: "corner-shop" }] },
      { keep: { other: "TopicArn" } },
    ],
    ["ListTopics"],
    ["ListTagsForResource", { ResourceArn: "${other}" }],
    ["GetTopicAttributes", { TopicArn: "${topic}" }],
    ["GetTopicAttributes", { TopicArn: "${topic}-of-nobody" }],
    ["GetTopicAttributes", { TopicArn: "not an arn" }],
    ["SetTopicAttributes", { TopicArn: "${topic}", AttributeName: "DisplayName", AttributeValue: "Understudy" }],
    ["SetTopicAttributes", { TopicArn: "${topic}", AttributeName: "Colour", AttributeValue: "blue" }],
    ["SetTopicAttributes", { TopicArn: "${topic}-of-nobody", AttributeName: "DisplayName", AttributeValue: "x" }],
    ["GetTopicAttributes", { TopicArn: "${topic}" }],

    ["Subscribe", { TopicArn: "${topic}", Protocol: "email", Endpoint: "ops@example.com" }],
    [
      "Subscribe",
      { TopicArn: "${topic}", Protocol: "email", Endpoint: "second@example.com", ReturnSubscriptionArn: true },
      { keep: { mail: "SubscriptionArn" } },
    ],
    ["Subscribe", { TopicArn: "${topic}-of-nobody", Protocol: "email", Endpoint: "ops@example.com" }],
    [
      "Subscribe",
      { TopicArn: "${topic}", Protocol: "lambda", Endpoint: "arn:aws:lambda:eu-west-1:${account}:function:reader" },
      { keep: { reader: "SubscriptionArn" } },
    ],
    ["GetSubscriptionAttributes", { SubscriptionArn: "${reader}" }],
    ["GetSubscriptionAttributes", { SubscriptionArn: "${topic}:00000000-0000-0000-0000-000000000000" }],
    [
      "SetSubscriptionAttributes",
      { SubscriptionArn: "${reader}", AttributeName: "RawMessageDelivery", AttributeValue: "true" },
      { as: "raw delivery to a function" },
    ],
    ["ListSubscriptionsByTopic", { TopicArn: "${topic}" }],
    ["ListSubscriptionsByTopic", { TopicArn: "${other}" }],
    ["ListSubscriptionsByTopic", { TopicArn: "${topic}-of-nobody" }],
    ["ListSubscriptions"],
    ["ConfirmSubscription", { TopicArn: "${topic}", Token: "a token of nobody" }],

    ["Publish", { TopicArn: "${other}", Message: "hello", Subject: "A move" }],
    ["Publish", { TopicArn: "${other}", Message: '{"default":"hello","email":"dear all"}', MessageStructure: "json" }],
    ["Publish", { TopicArn: "${other}", Message: '{"email":"dear all"}', MessageStructure: "json" }],
    ["Publish", { TopicArn: "${other}", Message: "not json", MessageStructure: "json" }],
    ["Publish", { TopicArn: "${other}", Message: "hello", Subject: "s".repeat(101) }],
    ["Publish", { TopicArn: "${other}", Message: "hello", Subject: "two\nlines" }],
    ["Publish", { TopicArn: "${other}", Message: "" }],
    ["Publish", { TopicArn: "${other}", Message: "x".repeat(262_145) }],
    ["Publish", { TopicArn: "${topic}-of-nobody", Message: "hello" }],
    [
      "PublishBatch",
      {
        TopicArn: "${other}",
        PublishBatchRequestEntries: [
          { Id: "a", Message: "one" },
          { Id: "b", Message: "two" },
        ],
      },
    ],

    ["Unsubscribe", { SubscriptionArn: "${reader}" }],
    ["Unsubscribe", { SubscriptionArn: "${reader}" }],
    [
      "TagResource",
      {
        ResourceArn: "${other}",
        Tags: [
          { Key: "plan", Value: "other-shop" },
          { Key: "stage", Value: "drill" },
        ],
      },
    ],
    ["UntagResource", { ResourceArn: "${other}", TagKeys: ["stage"] }],
    ["ListTagsForResource", { ResourceArn: "${other}" }],
    ["ListTagsForResource", { ResourceArn: "${topic}-of-nobody" }],
    ["DeleteTopic", { TopicArn: "${topic}" }],
    ["DeleteTopic", { TopicArn: "${topic}" }],
    ["ListSubscriptions"],

    // What one of the two takes comes last, so that it is in nobody's way.
    ["Subscribe", { TopicArn: "${other}", Protocol: "email", Endpoint: "no address" }],
    ["Subscribe", { TopicArn: "${other}", Protocol: "pigeon", Endpoint: "ops@example.com" }],
    ["Subscribe", { TopicArn: "${other}", Protocol: "lambda", Endpoint: "reader" }],
  ],
};

export const SNS: readonly Story[] = [topics];
