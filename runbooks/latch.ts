/**
 * The watcher's minute with a latch: it repeats what the latch last said, seats standbys that were built anew, and keeps the names of the
 * sides right, all in quiet times. While a move holds the database only the move speaks. It decides nothing: what the latch says is
 * what the last move said.
 */
import { cnameOf, pointCnames } from "../aws/dns.ts";
import { putBits } from "../aws/latch.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import type { DatabaseRecord } from "../core/facts.ts";
import { answeredSide, firstLatch, type Latch, seated, sideName, withSides } from "../core/latch.ts";
import { tryDescribe } from "./observe.ts";
import { readRecord } from "./record.ts";
import { recordsOf } from "./repoint.ts";
import { readLatch, writeLatch } from "./repoint-latch.ts";
import type { Protected, Settings } from "./settings.ts";

/** What was read longer ago than this is not repeated: a process that was frozen in between would speak for another time. */
const FRESH_MS = 20_000;

export async function tendLatch(settings: Settings, database: Protected): Promise<void> {
  if (database.record.repoint !== "latch") return;
  const asOfMs = storeNowMs();
  const startedAtMs = performance.now();
  const record = (await readRecord(settings, database)).value;
  if (record.claim) return;
  const latch = await seatedLatch(settings, database, record, asOfMs);
  if (!latch) return;
  if (performance.now() - startedAtMs < FRESH_MS) await putBits(settings.region, settings.plan.name, database.name, latch.bits, asOfMs);
  await keepSides(settings, database, record, latch);
}

/** null: somebody else wrote at the same time; the next minute sees what. */
async function seatedLatch(settings: Settings, database: Protected, record: DatabaseRecord, nowMs: number): Promise<Latch | null> {
  const members = [record.primary, ...record.standbys];
  const sideCount = 1 + database.plan.standbys.length;
  const stored = await readLatch(settings, database);
  const next = stored ? seated(withSides(stored.value, sideCount), members) : firstLatch(database.name, members, sideCount, nowMs);
  if (next === stored?.value) return next;
  return (await writeLatch(settings, database, next, stored?.etag ?? null)) ? next : null;
}

/** Each side's name leads to the endpoint of who sits there. The side that answers is never changed once it leads somewhere. */
async function keepSides(settings: Settings, database: Protected, record: DatabaseRecord, latch: Latch): Promise<void> {
  const answered = answeredSide(latch.bits);
  for (const [side, instance] of latch.sides.entries()) {
    if (instance === null) continue;
    const found = await tryDescribe(record.regions[instance] ?? settings.plan.regions.primary, instance);
    if (found === null || found === "dark" || !found.address) continue;
    const target = found.address.toLowerCase();
    for (const { name, zone, ttlSeconds } of recordsOf(settings, database)) {
      const leads = await cnameOf(sideName(name, side));
      if (leads === target) continue;
      if (side === answered && leads !== null) {
        console.error(JSON.stringify({ what: "side astray", name: sideName(name, side), leads, expected: target }));
        continue;
      }
      const pointing = { name: sideName(name, side), target, ttlSeconds };
      await pointCnames(zone, [pointing], [], `Understudy: side ${side} of the latch of ${database.name} is ${instance}`);
    }
  }
}
