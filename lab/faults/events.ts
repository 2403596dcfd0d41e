/**
 * What becomes of an event on its way to a bus: lost, doubled, late, out of order. Decided once, in the region the event was born in;
 * a bus that hands it on to another region does so faithfully. Alarms' own actions do not pass here: they are reliable.
 */
import type { World } from "../cloud/world.ts";
import { fits, type InForce, type Registry } from "./registry.ts";
import type { FaultOf } from "./vocabulary.ts";

/** The members of an event that faults go by. */
export interface Carried {
  readonly source?: unknown;
  readonly "detail-type"?: unknown;
  readonly region?: unknown;
}

type Kind = "eventLost" | "eventDoubled" | "eventLate" | "eventsReordered";

/** A held event goes on after this long, even when no other has come. */
const HELD_MS = 2000;

export class EventFaults {
  private readonly world: World;
  private readonly faults: Registry;
  /** Events that wait to be passed, by fault. */
  private readonly held = new Map<string, Set<() => void>>();

  constructor(world: World, faults: Registry) {
    this.world = world;
    this.faults = faults;
  }

  /** Hands the event on as often, and as late, as the faults in force will have it. */
  carry(region: string, event: Carried, handOn: () => void): void {
    if (event.region !== region) {
      handOn();
      return;
    }
    const struck = <K extends Kind>(kind: K): InForce<FaultOf<K>> | undefined =>
      this.faults
        .of(kind)
        .find((each) => meets(each.fault, region, event) && this.faults.strikes(each, String(event["detail-type"]), region));
    if (struck("eventLost")) return;
    const doubled = struck("eventDoubled");
    const deliver = () => {
      handOn();
      if (doubled) handOn();
    };
    const late = struck("eventLate");
    if (late) {
      this.world.later(late.fault.ms, "a late event", deliver);
      return;
    }
    const passed = [...this.held].flatMap(([id, waiting]) => {
      const fault = this.faults.of("eventsReordered").find((each) => each.id === id)?.fault;
      return !fault || meets(fault, region, event) ? [...waiting] : [];
    });
    const reordered = passed.length === 0 ? struck("eventsReordered") : undefined;
    if (reordered) this.hold(reordered.id, deliver);
    else deliver();
    for (const release of passed) release();
  }

  /** Lets go what a fault held. */
  release(id: string): void {
    for (const release of [...(this.held.get(id) ?? [])]) release();
    this.held.delete(id);
  }

  private hold(id: string, deliver: () => void): void {
    const waiting = this.held.get(id) ?? new Set();
    this.held.set(id, waiting);
    const stopTimer = this.world.later(HELD_MS, "an event held back", () => release());
    const release = () => {
      if (!waiting.delete(release)) return;
      stopTimer();
      deliver();
    };
    waiting.add(release);
  }
}

function meets(fault: FaultOf<Kind>, region: string, event: Carried): boolean {
  if (fault.region !== undefined && fault.region !== region) return false;
  return fits(fault.source, String(event.source)) && fits(fault.detailType, String(event["detail-type"]));
}
