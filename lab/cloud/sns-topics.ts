// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** What a topic shows of itself beyond what was set, and its tags. Knows nothing of subscriptions and messages. */
import { ServiceError } from "../wire/errors.ts";
import { invalid, snsState, type Topic } from "./sns-state.ts";
import type { Caller, Operation, World } from "./world.ts";

const MOST_TAGS = 50;

/** The policy of a topic that was given none: its owner may do everything. */
export function defaultPolicy(arn: string, account: string): string {
  const may = ["GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe"];
  return JSON.stringify({
    Version: "2008-10-17",
    Id: "__default_policy_ID",
    Statement: [
      {
        Effect: "Allow",
        Sid: "__default_statement_ID",
        Principal: { AWS: "*" },
        Action: [...may, "ListSubscriptionsByTopic", "Publish"].map((action) => `SNS:${action}`),
        Resource: arn,
        Condition: { StringEquals: { "AWS:SourceOwner": account } },
      },
    ],
  });
}

/** How HTTP deliveries are tried again unless the topic says otherwise. */
export const EFFECTIVE_DELIVERY_POLICY = JSON.stringify({
  http: {
    defaultHealthyRetryPolicy: {
      minDelayTarget: 20,
      maxDelayTarget: 20,
      numRetries: 3,
      numMaxDelayRetries: 0,
      numNoDelayRetries: 0,
      numMinDelayRetries: 0,
      backoffFunction: "linear",
    },
    disableSubscriptionOverrides: false,
  },
});

export function tagOperations(world: World): Record<string, Operation> {
  const tagged = (input: any, caller: Caller): Topic => {
    const topic = snsState(world, caller.region).topics[input.ResourceArn];
    if (!topic) throw new ServiceError("ResourceNotFound", "Resource does not exist", 404);
    return topic;
  };
  return {
    TagResource(input, caller) {
      const topic = tagged(input, caller);
      topic.tags = checkedTags({ ...topic.tags, ...tagMap(input.Tags) });
    },
    UntagResource(input, caller) {
      const topic = tagged(input, caller);
      topic.tags = Object.fromEntries(Object.entries(topic.tags ?? {}).filter(([key]) => !input.TagKeys.includes(key)));
    },
    ListTagsForResource: (input, caller) => ({
      Tags: Object.entries(tagged(input, caller).tags ?? {}).map(([Key, Value]) => ({ Key, Value })),
    }),
  };
}

export function tagMap(tags: any[] | undefined): Record<string, string> {
  return checkedTags(Object.fromEntries((tags ?? []).map(({ Key, Value }) => [Key, Value])));
}

function checkedTags(tags: Record<string, string>): Record<string, string> {
  if (Object.keys(tags).length > MOST_TAGS)
    throw new ServiceError("TagLimitExceeded", "Could not complete request: tag quota of per resource exceeded", 400);
  if (Object.keys(tags).some((key) => key === "" || key.length > 128 || key.startsWith("aws:")))
    throw invalid("Tags Reason: a key has 1 to 128 characters and does not begin with aws:");
  return tags;
}
