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
      return durableLine(event.what);
    case "state":
      return event.service === "rds" ? { text: `  ${event.region}: ${event.what}`, kind: "quiet" } : null;
    case "dns":
      return / is now answered /.test(event.what) ? { text: `  dns: ${shortened(event.what)}`, kind: "quiet" } : null;
    case "log":
      return event.what.includes('"votes turned"') ? { text: "the probe's votes have turned; it wakes the watcher", kind: "bad" } : null;
    case "lab":
      return { text: `lab: ${event.what}`, kind: "bad" };
    default:
      return null;
  }
}

/** "move-shop-g1-a1: step promote succeeded" reads as what was done; an execution's own end as its end. */
function durableLine(what: string): StoryLine | null {
  const [, execution, rest] = /^([^:]+): (.*)$/.exec(what) ?? [];
  if (!execution || !rest) return null;
  if (/^(succeeded|failed|timed out|stopped)$/.test(rest))
    return { text: `${execution} has ended: ${rest}`, kind: rest === "succeeded" ? "good" : "bad" };
  const [, name, end] = /^(?:step |wait )?(.+) (succeeded|failed)$/.exec(rest) ?? [];
  return name ? { text: `${execution}: ${name}${end === "failed" ? " (failed)" : ""}`, kind: end === "failed" ? "bad" : "plain" } : null;
}

/** An endpoint's long name ends where its instance's does. */
const shortened = (text: string): string => text.replace(/\.c\w+\.[\w-]+\.rds\.amazonaws\.com\.?/g, "").replace(/(\w)\. /, "$1 ");
