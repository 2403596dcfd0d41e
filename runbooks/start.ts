/** Starts the durable execution of a claimed move, under the name of its claim. Starting it twice starts it once. */
import { startExecution } from "../aws/functions.ts";
import type { Claim } from "../core/facts.ts";
import type { Settings } from "./settings.ts";

export interface MoveInput {
  /** A rebuild and the look afterwards follow a move; "native" looks after what RDS did by itself; "warm" looks. None of them needs a claim. */
  readonly kind: Claim["kind"] | "native" | "rebuild" | "afterwards" | "warm";
  readonly database: string;
  readonly generation: number;
  readonly attempt: number;
}

export async function startMove(
  settings: Settings,
  record: { readonly database: string; readonly generation: number },
  held: Claim,
): Promise<void> {
  const input: MoveInput = { kind: held.kind, database: record.database, generation: record.generation, attempt: held.attempt };
  await startDurable(settings, held.execution, input);
}

export async function startDurable(settings: Settings, execution: string, input: MoveInput): Promise<void> {
  await startExecution(settings.region, settings.functions.move, execution, input);
}
