/**
 * A side of the latch for an instance that is no standby of the record: one that was restored. That a side leads to it is a change of a
 * record nobody sees yet, made under the claim and before anything is fenced, and the only part of such a move that needs Route 53's
 * control plane. Moves no name.
 */
import { pointCnames, readCname } from "../aws/dns.ts";
import { codeOf, isCode, isNoAnswer } from "../aws/errors.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import type { DatabaseRecord, InstanceFacts } from "../core/facts.ts";
import { answeredSide, sideFor, sideName } from "../core/latch.ts";
import { addressOf, recordsOf, wrongAnswer } from "./repoint.ts";
import { latchWay, ledAstray, readLatch, writeLatch } from "./repoint-latch.ts";
import type { Protected, Settings } from "./settings.ts";
import { notYet, type Proof, proven } from "./until.ts";

const membersOf = ({ primary, standbys }: DatabaseRecord): string[] => [primary, ...standbys];

/** Why no side of the latch could lead to it; null when nothing speaks against it. `target` null: it is still to be made, and what may pass until then is not asked. */
export async function sideTrouble(
  settings: Settings,
  database: Protected,
  record: DatabaseRecord,
  target: InstanceFacts | null,
): Promise<string | null> {
  const stored = await readLatch(settings, database);
  if (!stored) return `the latch of ${database.name} has not been set up yet; the watcher does so within a minute`;
  const records = recordsOf(settings, database);
  const astray = await ledAstray(records);
  if (astray !== null) return astray;
  if (target === null || stored.value.sides.includes(target.id)) return target && (await latchWay(settings, database).trouble(target));
  const side = sideFor(stored.value, target.id, membersOf(record));
  for (const { name, zone } of records) {
    try {
      await readCname(zone, sideName(name, side));
    } catch (error) {
      if (isNoAnswer(error))
        return `Route 53's control plane does not answer, and without it no side of the latch of ${database.name} can lead to ${target.id}`;
      if (isCode(error, "AccessDenied", "NoSuchHostedZone")) return `the zone ${zone} cannot be read (${codeOf(error)})`;
    }
  }
  return null;
}

/** Asked for again only after so long: Route 53 takes five requests a second of a whole account, and a change takes up to a minute. */
const ASK_AGAIN_MS = 20_000;

/** Gives restored instances a side. One for each move: it remembers when it last asked. */
export function seating(settings: Settings, database: Protected, holdsClaim: () => Promise<void>) {
  let askedAtMs = 0;
  /** While the move holds the claim the watcher leaves the latch alone; afterwards it gives standbys that lost theirs a side again. */
  return async (record: DatabaseRecord, target: InstanceFacts): Promise<Proof> => {
    await holdsClaim();
    const stored = await readLatch(settings, database);
    if (!stored) return notYet(`the latch of ${database.name} has not been set up yet`);
    const latch = stored.value;
    const side = sideFor(latch, target.id, membersOf(record));
    const sides = latch.sides.with(side, target.id);
    if (latch.sides[side] !== target.id && !(await writeLatch(settings, database, { ...latch, sides }, stored.etag)))
      return notYet(`somebody else has just written the latch of ${database.name}`);
    const address = addressOf(target);
    const astray: string[] = [];
    for (const { name, zone, ttlSeconds } of recordsOf(settings, database)) {
      const pointing = { name: sideName(name, side), target: address, ttlSeconds };
      const wrong = await wrongAnswer(pointing.name, address);
      if (wrong === null) continue;
      astray.push(wrong);
      // What clients are led to is never rewritten.
      if (side === answeredSide(latch.bits) || storeNowMs() - askedAtMs < ASK_AGAIN_MS) continue;
      await pointCnames(
        zone,
        [pointing],
        [],
        `Understudy: side ${side} of the latch of ${database.name} is ${target.id}, which was restored`,
      );
    }
    if (astray.length === 0) return proven(`side ${side} of the latch of ${database.name} leads to ${target.id}`);
    if (storeNowMs() - askedAtMs >= ASK_AGAIN_MS) askedAtMs = storeNowMs();
    return notYet(astray.join("; "));
  };
}
