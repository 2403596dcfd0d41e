/**
 * Takes out of an answer what is different on every run by nature: times, the account, ids. Nothing else: a value that is merely
 * another one stays, to be seen.
 */

import type { Json } from "./json.ts";
import type { Answer } from "./oracle.ts";

/** Lists AWS promises no order for. */
const UNORDERED = new Set([
  "CompositeAlarms",
  "Datapoints",
  "Dimensions",
  "EventBuses",
  "Events",
  "IpPermissions",
  "IpRanges",
  "Metrics",
  "Parameters",
  "ReadReplicaDBInstanceIdentifiers",
  "Rules",
  "SecretList",
  "SecurityGroups",
  "Subnets",
  "Subscriptions",
  "TagList",
  "Targets",
  "Topics",
  "UserIdGroupPairs",
]);

const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;

/** One side's names for values: the account, and what its calls kept. */
export type Names = ReadonlyMap<string, string>;

export function normalAnswer(answer: Answer, names: Names): Json {
  if ("code" in answer) return { error: `${answer.status} ${answer.code}` };
  return { status: answer.status, ...(normal(answer.output, names) as Record<string, Json>) };
}

/** An empty list or map and none are one thing to a client. */
function isNothing(value: Json | undefined): boolean {
  return value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
}

function normal(value: Json, names: Names, member = ""): Json {
  if (typeof value === "string") return text(value, names);
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) {
    const items = value.map((item: Json) => normal(item, names));
    return UNORDERED.has(member) ? items.sort((a, b) => (key(a) < key(b) ? -1 : 1)) : items;
  }
  const object = value as Record<string, Json>;
  if (typeof object.$time === "string") return names.get(object.$time) ?? "<time>";
  const members = Object.entries(object)
    .map(([name, each]) => [text(name, names), normal(each, names, name)] as const)
    .filter(([, each]) => !isNothing(each));
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** A short value (a page token of 1) is that value alone; a longer one is known inside others as well. */
function text(value: string, names: Names): string {
  const whole = names.get(value);
  if (whole) return whole;
  let plain = value;
  // Longest first: an ARN that was kept is that ARN, not its account with something around it.
  for (const own of [...names.keys()].sort((a, b) => b.length - a.length))
    if (own.length >= 8) plain = plain.replaceAll(own, names.get(own)!);
  return plain.replace(UUID, "<uuid>");
}

/** What an item of an unordered list is sorted by: its names and ids first, then all of it. */
function key(item: Json): string {
  if (item === null || typeof item !== "object") return String(item);
  const naming = Object.entries(item).filter(
    ([name, each]) => /(Name|Id|Key|Identifier|Value|Timestamp|Cidr.*)$/.test(name) && typeof each === "string",
  );
  return JSON.stringify([naming, item]);
}
