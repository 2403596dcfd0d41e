/**
 * Before a move is needed: the probe has missed the primary once. Should a move follow, the watcher and the move's function run already,
 * have their connections and have looked once. Nothing is decided by what they see.
 */
import { setTimeout as pause } from "node:timers/promises";
import { storeNowMs } from "../aws/store-clock.ts";
import { observe } from "./observe.ts";
import { wayOf } from "./repoint-way.ts";
import type { Protected, Settings } from "./settings.ts";
import { type MoveInput, startDurable } from "./start.ts";

/** Shorter than a lap: the watcher must be free again when the votes turn, or another would start cold. */
const WATCHER_LOOKS_MS = 500;

/** Once a minute at most. */
export async function warmMove(settings: Settings, database: Protected): Promise<never[]> {
  const input: MoveInput = { kind: "warm", database: database.name, generation: 1, attempt: 1 };
  await startDurable(settings, `warm-${database.name}-${Math.floor(storeNowMs() / 60_000)}`, input);
  await Promise.race([lookAround(settings, database), pause(WATCHER_LOOKS_MS)]);
  return [];
}

/** Looks at all that a decision looks at. */
export async function lookAround(settings: Settings, database: Protected): Promise<void> {
  try {
    const { facts } = await observe(settings, database);
    const standby = facts.standbys.find(({ instance }) => instance !== null)?.instance;
    if (standby) await wayOf(settings, database).trouble(standby);
  } catch (error) {
    console.log(JSON.stringify({ what: "warmed in part", database: database.name, error: String(error) }));
  }
}
