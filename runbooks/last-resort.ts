/** The newest backup, as each backup notes it where every function may read it; and the way that is left when no standby is. */
import { changeDocument, readDocument } from "../aws/documents.ts";
import { restoreCommand } from "../core/commands.ts";
import type { News } from "../core/news.ts";
import { ageWords, type NewestPoint, newestPointKey } from "../core/restore.ts";
import type { Settings } from "./settings.ts";

export const newestPoint = async (settings: Settings, database: string): Promise<NewestPoint | null> =>
  (await readDocument<NewestPoint>(settings.state, newestPointKey(database)))?.value ?? null;

/** Never an older one over a newer: a backup that took long ends after those that came later. */
export async function noteNewest(settings: Settings, database: string, point: NewestPoint): Promise<void> {
  await changeDocument<NewestPoint>(settings.state, newestPointKey(database), (now) =>
    now && now.takenAtMs >= point.takenAtMs ? null : point,
  );
}

export const pointPrice = ({ snapshot, region, takenAtMs }: NewestPoint, nowMs: number): string =>
  `${snapshot} in ${region} is ${ageWords(nowMs - takenAtMs)} old: what was written since is lost`;

/** The mail that says that no standby is left (rule 300) names the way that remains, and its price. */
export async function withLastResort(settings: Settings, news: News): Promise<News> {
  const newest = await newestPoint(settings, news.database).catch(() => null);
  return {
    ...news,
    details: [...news.details, ["Newest backup", newest ? pointPrice(newest, news.atMs) : "none is on record"]],
    next: newest ? `${news.next} A person may restore the newest backup and make it the primary:` : news.next,
    commands: newest ? [...(news.commands ?? []), restoreCommand(news.database, { promote: true, from: newest.snapshot })] : news.commands,
  };
}
