/** An event that is not acted on, and why. It is answered, not thrown at Lambda: trying again would change nothing. */
export type RefusalName = "UnknownEvent" | "MalformedEvent" | "ForeignAccount" | "StaleEvent";

export class EventRefused extends Error {
  readonly hint: string;
  constructor(name: RefusalName, message: string, hint: string) {
    super(message);
    this.name = name;
    this.hint = hint;
  }
}

/** Against what an event is judged. */
export interface Reading {
  readonly account: string;
  readonly nowMs: number;
}

/** An alarm or event may arrive a day late (EventBridge retries for 24 h); what it says is then no longer so. */
const STALE_MINUTES = 15;

export function mustBeOurs(account: string | undefined, reading: Reading, what: string): void {
  if (account !== undefined && account !== reading.account) {
    throw new EventRefused(
      "ForeignAccount",
      `${what} comes from account ${account}, expected ${reading.account}.`,
      "Remove the rule or subscription that sends it here.",
    );
  }
}

export function mustBeRecent(time: string | undefined, reading: Reading, what: string): void {
  const atMs = Date.parse(time ?? "");
  if (Number.isNaN(atMs))
    throw new EventRefused(
      "MalformedEvent",
      `${what} has no readable time: ${JSON.stringify(time ?? null)}.`,
      "Send it with an ISO 8601 time.",
    );
  const ageMinutes = (reading.nowMs - atMs) / 60_000;
  if (ageMinutes > STALE_MINUTES) {
    const age = ageMinutes > 120 ? `${Math.round(ageMinutes / 60)} hours` : `${Math.round(ageMinutes)} minutes`;
    throw new EventRefused(
      "StaleEvent",
      `${what} is ${age} old, ${STALE_MINUTES} minutes are the limit.`,
      "Nothing is lost: the world is looked at each minute anyway.",
    );
  }
}
