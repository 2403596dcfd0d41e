/** Which of the lab's many lines belong in the timeline, and how they read there. */
import type { LabEvent } from "../lab/cloud/world.ts";

export interface StoryLine {
  readonly text: string;
  readonly kind: "plain" | "good" | "bad" | "quiet";
}

/** null: not for the timeline. */
export function storyLine(event: LabEvent): StoryLine | null {
  switch (event.kind) {
    case "fault":
      return { text: `✱ ${event.what}`, kind: "bad" };
    case "mail":
      return /confirm/i.test(event.what) ? null : { text: `✉ ${event.what}`, kind: "quiet" };
    case "durable":
      return / succeeded$/.test(event.what) ? { text: event.what.replace(/ succeeded$/, ""), kind: "plain" } : null;
    case "state":
      return ["rds", "route53"].includes(event.service) ? { text: `  ${event.region}: ${event.what}`, kind: "quiet" } : null;
    case "log":
      return event.what.includes('"votes turned"') ? { text: "the probe's votes have turned; it wakes the watcher", kind: "bad" } : null;
    case "lab":
      return { text: `lab: ${event.what}`, kind: "bad" };
    default:
      return null;
  }
}
