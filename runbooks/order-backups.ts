/** Orders about backups that are there: hold one, let it go again, agree to a large prune. Each changes one document and is told. */
import { releaseCommand } from "../core/commands.ts";
import type { BackupNamed, PruneAllowed } from "../core/order.ts";
import { calledAs } from "../core/people.ts";
import { Problem } from "../core/problem.ts";
import { type OrderAnswer, taken, yes } from "./answers.ts";
import { readCatalogue } from "./catalogue.ts";
import { ALLOWED_HOURS, changeWords } from "./retention-words.ts";
import type { Protected, Settings } from "./settings.ts";
import { tell } from "./tell.ts";

export async function holdOrRelease(
  settings: Settings,
  database: Protected,
  order: BackupNamed,
  by: string,
  nowMs: number,
): Promise<OrderAnswer> {
  const { backup } = order;
  const who = calledAs(by);
  if (order.verb === "hold") await mustBeThere(settings, database, backup);
  let held = false;
  await changeWords(settings, database.name, (words) => {
    held = words.holds[backup] !== undefined;
    if (order.verb === "hold")
      return { ...words, holds: { ...words.holds, [backup]: { by: who, reason: order.reason ?? "", atMs: nowMs } } };
    const { [backup]: _, ...holds } = words.holds;
    return held ? { ...words, holds } : null;
  });
  if (order.verb === "release" && !held) return yes(`${backup} was not held.`);
  const hold = `${who} holds ${backup} ("${order.reason}"): no retention deletes it, in any place, until it is released.`;
  const sentence = order.verb === "hold" ? hold : `${who} released ${backup}: the plan's retention decides about it again.`;
  const commands = order.verb === "hold" ? [releaseCommand(database.name, backup)] : [];
  await tell(settings, taken(order.id, database.name, sentence, nowMs, ...commands));
  return yes(sentence, commands.length > 0 ? "To release it:" : "Nothing.", { commands });
}

/** A hold on what is not there would comfort and keep nothing. */
async function mustBeThere(settings: Settings, { name }: Protected, backup: string): Promise<void> {
  const points = (await readCatalogue(settings, name))?.catalogue.points ?? [];
  if (points.some(({ id }) => id === backup)) return;
  throw new Problem("UnknownBackup", `Refused: the catalogue of ${name} knows no backup ${backup}.`, {
    hint: `See the backups: npm run understudy -- backups ${name}`,
  });
}

export async function allowPrune(
  settings: Settings,
  database: Protected,
  { id, most }: PruneAllowed,
  by: string,
  nowMs: number,
): Promise<OrderAnswer> {
  const who = calledAs(by);
  await changeWords(settings, database.name, (words) => ({ ...words, allowed: { by: who, most, atMs: nowMs, order: id } }));
  const sentence = `${who} agreed that up to ${most} backups of ${database.name} are deleted at once in each place, as the plan's retention says: this once, within ${ALLOWED_HOURS} hours.`;
  await tell(settings, taken(id, database.name, sentence, nowMs));
  return yes(sentence, "Nothing: it is done within the hour.");
}
