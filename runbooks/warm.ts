/**
 * Before a move is needed: the probe has missed the primary once. Should a move follow, the watcher and the move's function run already,
 * have their connections, and have looked often enough for the engine to have compiled what looks. Nothing is decided by what they see.
 */
import { setTimeout as pause } from "node:timers/promises";
import { putDocument } from "../aws/documents.ts";
import { storeNowMs } from "../aws/store-clock.ts";
import { observe } from "./observe.ts";
import { warmKey } from "./record.ts";
import { wayOf } from "./repoint-way.ts";
import type { Protected, Settings } from "./settings.ts";
import { type MoveInput, startDurable } from "./start.ts";

/** Shorter than a lap: both must be free again when the votes turn, or another would start cold. */
const LOOKS_MS = 150;
const LOOKS = 4;
/** A look that took no longer will not get quicker. */
const QUICK_MS = 10;

/** Once a minute at most. */
export async function warmMove(settings: Settings, database: Protected): Promise<never[]> {
  const input: MoveInput = { kind: "warm", database: database.name, generation: 1, attempt: 1 };
  await startDurable(settings, `warm-${database.name}-${Math.floor(storeNowMs() / 60_000)}`, input);
  await Promise.race([lookAround(settings, database, "watch"), pause(LOOKS_MS)]);
  return [];
}

/** Looks at all that a decision looks at, again and again, and writes as a decision does, but to a place of its own. */
export async function lookAround(settings: Settings, database: Protected, who: "watch" | "move"): Promise<void> {
  const endsAtMs = Date.now() + LOOKS_MS;
  try {
    for (let looks = 1; ; looks++) {
      const beganAtMs = Date.now();
      const { facts } = await observe(settings, database);
      const standby = facts.standbys.find(({ instance }) => instance !== null)?.instance;
      if (standby) await wayOf(settings, database).trouble(standby);
      await putDocument(settings.state, warmKey(database.name, who), { atMs: storeNowMs(), looks });
      const tookMs = Date.now() - beganAtMs;
      if (looks === LOOKS || tookMs <= QUICK_MS || Date.now() + tookMs > endsAtMs) return;
    }
  } catch (error) {
    console.log(JSON.stringify({ what: "warmed in part", database: database.name, error: String(error) }));
  }
}
