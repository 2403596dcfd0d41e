/** Mails about troubles of the backups that begin or are over. Many of one kind at once are one mail. Pure. */
import type { Change, Incident } from "./incidents.ts";
import type { News } from "./news.ts";

export interface Trouble {
  readonly id: string;
  readonly kind: string;
  readonly sentence: string;
  readonly next: string;
  readonly commands?: readonly string[];
}

/** More at once are one mail: nobody reads hundreds, and SNS suspends an address that gets more than ten a second. */
const ONE_BY_ONE = 5;
/** So many are named. */
const NAMED = 50;

type Begun = Change<Trouble>["begun"][number];

/** `about`: the database, or what else it is about. */
export function troubleNews(about: string, { begun, over }: Pick<Change<Trouble>, "begun" | "over">, nowMs: number): News[] {
  const groups = [...Map.groupBy(begun, ({ finding, sinceMs }) => `${finding.kind} ${sinceMs}`).values()];
  return [
    ...groups.flatMap((group) => (group.length > ONE_BY_ONE ? [manyNews(about, group)] : group.map((each) => wrongNews(about, each)))),
    ...(over.length > ONE_BY_ONE ? [overNews(about, over, nowMs)] : over.map((incident) => rightNews(about, incident, nowMs))),
  ];
}

const nameOf = (id: string, sinceMs: number): string => `${id}-${new Date(sinceMs).toISOString().replace(/\D/g, "").slice(0, 12)}`;

const wrongNews = (database: string, { finding: { id, kind, sentence, next, commands = [] }, sinceMs }: Begun): News => ({
  kind: "Backup Trouble",
  id: nameOf(id, sinceMs),
  database,
  atMs: sinceMs,
  sentence,
  details: [["What", kind]],
  next,
  commands,
});

function manyNews(database: string, group: readonly Begun[]): News {
  const [{ finding, sinceMs }] = group as [Begun];
  return {
    kind: "Backup Trouble",
    id: nameOf(`many-${finding.kind.replaceAll(/[^a-z]+/g, "-")}-of-${database.replaceAll(/[^a-z0-9-]+/g, "")}`, sinceMs),
    database,
    atMs: sinceMs,
    sentence: `${group.length} at once: ${finding.kind}.`,
    details: named(group.map((each) => each.finding.sentence)),
    next: finding.next,
    commands: [...new Set(group.flatMap((each) => each.finding.commands ?? []))],
  };
}

const rightNews = (database: string, { id, sentence, sinceMs }: Incident, nowMs: number): News => ({
  kind: "Backup Trouble Over",
  id: `${nameOf(id, sinceMs)}-over`,
  database,
  atMs: nowMs,
  sentence: `No longer so: ${sentence}`,
  details: [["Since", new Date(sinceMs).toISOString()]],
  next: "Nothing.",
});

/** Named after one of them, which is over once. */
function overNews(database: string, over: readonly Incident[], nowMs: number): News {
  const [{ id, sinceMs }] = over as [Incident];
  return {
    kind: "Backup Trouble Over",
    id: `${nameOf(id, sinceMs)}-and-more-over`,
    database,
    atMs: nowMs,
    sentence: `${over.length} troubles are over at once.`,
    details: named(over.map(({ sentence }) => `No longer so: ${sentence}`)),
    next: "Nothing.",
  };
}

function named(sentences: readonly string[]): [string, string][] {
  const lines = sentences.slice(0, NAMED).map((sentence, index): [string, string] => [String(index + 1), sentence]);
  return sentences.length > NAMED ? [...lines, ["And", `${sentences.length - NAMED} more`]] : lines;
}
