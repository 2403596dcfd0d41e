/** Puts Understudy's own events on the default bus of the recovery region. */
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { Problem } from "../core/problem.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";

const events = perRegion((region) => new EventBridgeClient({ region, ...CLIENT_SETTINGS }));

/** PutEvents answers 200 even when an entry failed; a failed entry is thrown, to be tried again. */
export async function putEvent(region: string, source: string, detailType: string, detail: unknown): Promise<void> {
  const answer = await events(region).send(
    new PutEventsCommand({ Entries: [{ Source: source, DetailType: detailType, Detail: JSON.stringify(detail) }] }),
  );
  const failed = answer.Entries?.find((entry) => entry.ErrorCode);
  if (failed) {
    throw new Problem("EventNotAccepted", `EventBridge did not take "${detailType}": ${failed.ErrorCode} ${failed.ErrorMessage}`, {
      hint: "It is tried again by itself; if it stays, look at the bus's limits.",
      retry: true,
    });
  }
}
