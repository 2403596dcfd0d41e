// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** SNS as far as a mail's text and its readers are concerned. */
import type { Service } from "../cloud/world.ts";
import type { EventLog } from "./log.ts";

/** `readers`: addresses, each confirmed. */
export function mailbox(log: EventLog, readers: readonly string[] = []): Service {
  let sent = 0;
  return {
    name: "sns",
    operations: {
      Publish(input) {
        log.tell("mail", String(input.Message).split("\n\n")[0]?.replaceAll("\n", " ") ?? "", {
          text: String(input.Message).replace(/\s+/g, " "),
        });
        return { MessageId: `mail-${++sent}` };
      },
      ListSubscriptionsByTopic: (input) => ({
        Subscriptions: readers.map((Endpoint, at) => ({ Protocol: "email", Endpoint, SubscriptionArn: `${input.TopicArn}:${at}` })),
      }),
    },
  };
}
