/** Who of the plan hears nothing: an address whose subscription nobody has confirmed gets no mail, and nobody else would notice. Pure. */
import type { Unclaimed } from "./unclaimed.ts";

/** An address of the topic's, as SNS lists it. */
export interface Subscription {
  readonly address: string;
  readonly confirmed: boolean;
}

export interface Unheard extends Omit<Unclaimed, "kind"> {
  readonly kind: "unheard";
}

export function unheard(addresses: readonly string[], subscriptions: readonly Subscription[]): Unheard[] {
  return addresses.flatMap((address) => {
    const own = subscriptions.filter((each) => each.address.toLowerCase() === address.toLowerCase());
    if (own.some(({ confirmed }) => confirmed)) return [];
    const why = own.length > 0 ? "has not confirmed its subscription" : "is not subscribed to Understudy's mails";
    return [
      {
        id: `unheard-${address.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`,
        kind: "unheard" as const,
        sentence: `${address} hears nothing: it ${why}.`,
        next:
          own.length > 0
            ? 'Its owner opens the link in AWS\'s mail "AWS Notification - Subscription Confirmation"; SNS drops the subscription after two days. Then, or if the mail is gone, subscribe the address to the topic again.'
            : "Subscribe it to the topic again (its owner may have unsubscribed, or SNS dropped what nobody confirmed in two days), or take it out of notify.email in the plan.",
      },
    ];
  });
}
