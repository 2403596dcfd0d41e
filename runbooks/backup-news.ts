/** Troubles of the backups, told when they begin and when they are over. */
import type { Change, Incident } from "../core/incidents.ts";
import type { News } from "../core/news.ts";
import type { Settings } from "./settings.ts";
import { tell } from "./tell.ts";

interface Trouble {
  readonly id: string;
  readonly kind: string;
  readonly sentence: string;
  readonly next: string;
  readonly commands?: readonly string[];
}

/** `about`: the database, or what else it is about. */
export async function tellChange(
  settings: Settings,
  about: string,
  { begun, over }: Pick<Change<Trouble>, "begun" | "over">,
  nowMs: number,
): Promise<void> {
  for (const { finding, sinceMs } of begun) await tell(settings, wrongNews(about, finding, sinceMs));
  for (const incident of over) await tell(settings, rightNews(about, incident, nowMs));
}

const nameOf = (id: string, sinceMs: number): string => `${id}-${new Date(sinceMs).toISOString().replace(/\D/g, "").slice(0, 12)}`;

const wrongNews = (database: string, { id, kind, sentence, next, commands = [] }: Trouble, sinceMs: number): News => ({
  kind: "Backup Trouble",
  id: nameOf(id, sinceMs),
  database,
  atMs: sinceMs,
  sentence,
  details: [["What", kind]],
  next,
  commands,
});

const rightNews = (database: string, { id, sentence, sinceMs }: Incident, nowMs: number): News => ({
  kind: "Backup Trouble Over",
  id: `${nameOf(id, sinceMs)}-over`,
  database,
  atMs: nowMs,
  sentence: `No longer so: ${sentence}`,
  details: [["Since", new Date(sinceMs).toISOString()]],
  next: "Nothing.",
});
