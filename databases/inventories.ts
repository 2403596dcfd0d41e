/**
 * What a restored database holds: its tables with their rows, and the hearts that last beat in it. For restores and drills alone: the
 * probe and the watcher go without (their bundles are small).
 */
import type { DatabasePlan } from "../core/plan/schema.ts";
import type { Target } from "./engines.ts";
import * as mariadb from "./mariadb-inventory.ts";
import * as postgres from "./postgres-inventory.ts";

export interface Inventory {
  /** Like "public.orders"; null: not counted within the time, or not ours to read. */
  readonly tables: Readonly<Record<string, number | null>>;
  readonly heartbeats: readonly { readonly name: string; readonly atMs: number }[];
}

interface Taker {
  take(target: Target, timeoutMs: number): Promise<Inventory>;
}

const TAKERS: Record<DatabasePlan["engine"], Taker> = { postgres, mariadb };

export const takeInventory = (engine: DatabasePlan["engine"], target: Target, timeoutMs: number): Promise<Inventory> =>
  TAKERS[engine].take(target, timeoutMs);
