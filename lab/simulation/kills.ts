/**
 * Where processes die: each call has a place (the runbook, its step, the call), and a run may be given one place at which its process is
 * killed, before or after the call. Counts what was tried. Strikes once; the weather's own kills come besides.
 */
import type { Call } from "./sdk.ts";

export type When = "before" | "after";

export interface PlannedKill {
  /** The execution that dies: a move's; or a rebuild's, and where RDS moves a primary by itself one that looks after that. */
  readonly of: "move" | "rebuild";
  /** The n-th place an execution comes to, counted from 1. */
  readonly place: number;
  readonly when: When;
}

/** So many places, of step and call, an execution has at most. */
const PLACES = { move: 120, rebuild: 40 };

/** Counts up with the seed: every other run has one, and so many runs later every place has had its turn. */
export function plannedKill(seed: number): PlannedKill | undefined {
  if (seed % 2 === 0) return undefined;
  const turn = Math.floor(seed / 2);
  const when = turn % 2 === 0 ? "before" : "after";
  // Of four, three are a move's.
  const [round, of] = [Math.floor(turn / 8), Math.floor(turn / 2) % 4];
  if (of === 3) return { of: "rebuild", place: (round % PLACES.rebuild) + 1, when };
  return { of: "move", place: ((round * 3 + of) % PLACES.move) + 1, when };
}

interface Walk {
  step: string;
  readonly places: Map<string, number>;
}

export class Kills {
  /** Each "runbook, step, before or after" at which a process died. */
  readonly tried = new Set<string>();
  private readonly planned: PlannedKill | undefined;
  private readonly kindOf: (execution: string) => string;
  private readonly walks = new Map<string, Walk>();
  /** Whether the planned one has come. */
  struck = false;

  constructor(planned: PlannedKill | undefined, kindOf: (execution: string) => string) {
    this.planned = planned;
    this.kindOf = kindOf;
  }

  /** Whether the process of this call is to die here. */
  strikes(call: Call, when: When): boolean {
    const { execution } = call;
    if (execution === undefined) return false;
    const walk = this.walks.get(execution) ?? { step: "begin", places: new Map() };
    this.walks.set(execution, walk);
    if (when === "before") {
      this.walk(walk, call);
      const place = placeOf(walk, call);
      if (!walk.places.has(place)) walk.places.set(place, walk.places.size + 1);
    }
    const { planned } = this;
    const of = execution.startsWith("native-") ? "rebuild" : execution.split("-")[0];
    if (!planned || this.struck || when !== planned.when || of !== planned.of) return false;
    this.struck = walk.places.get(placeOf(walk, call)) === planned.place;
    return this.struck;
  }

  /** A process dies at this call. */
  note(call: Call, when: When): void {
    const { execution } = call;
    if (execution === undefined) this.tried.add(`${call.function}, ${call.service}:${call.operation}, ${when}`);
    else this.tried.add(`${this.kindOf(execution)}, ${placeOf(this.walks.get(execution), call)}, ${when}`);
  }

  private walk(walk: Walk, { operation, input }: Call): void {
    if (operation !== "CheckpointDurableExecution") return;
    for (const { Name, Action } of input.Updates ?? []) if (Name && Action === "START") walk.step = plain(Name);
  }
}

/** One word for all instances: which one it is makes no other place. */
const plain = (step: string): string => step.replace(/\b[a-z]+-[a-z](-g\d+)?\b/g, "it");

function placeOf(walk: Walk | undefined, { service, operation, input }: Call): string {
  if (operation !== "CheckpointDurableExecution") return `${walk?.step} (${service}:${operation})`;
  const last = input.Updates?.at(-1);
  return `${plain(last?.Name ?? last?.Type ?? "nothing")} (checkpoint ${last?.Action ?? ""})`;
}
