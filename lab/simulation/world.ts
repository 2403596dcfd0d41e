/** The lab's world on a virtual clock: the same services run on it unchanged. Keeps no story of its own; the run's log does. */
import { type LabEvent, World } from "../cloud/world.ts";
import type { VirtualClock } from "./clock.ts";
import type { EventLog } from "./log.ts";

export class VirtualWorld extends World {
  private readonly clock: VirtualClock;
  private readonly log: EventLog;

  constructor(clock: VirtualClock, log: EventLog, options: { seed: number; state: Record<string, unknown>; dnsInsyncMs: number }) {
    super({
      dir: "/nowhere",
      seed: options.seed,
      state: options.state,
      timings: { dnsInsyncMs: options.dnsInsyncMs, firstTickMs: 1000 },
    });
    this.clock = clock;
    this.log = log;
  }

  private ids = 0;

  /** Unique in the run; nobody here needs it to look like chance. */
  override id(length = 17): string {
    return (++this.ids).toString(16).padStart(length, "0");
  }

  override now(): number {
    return this.clock.nowMs;
  }

  override later(ms: number, what: string, then: () => unknown): () => void {
    const timer = this.clock.after(ms, async () => {
      if (this.closed) return;
      try {
        await then();
      } catch (error) {
        this.log.tell("lab", `${what} failed: ${(error as Error).message}`, { stack: (error as Error).stack });
      }
    });
    return () => this.clock.cancel(timer);
  }

  override tell(line: Omit<LabEvent, "at">): void {
    if (line.kind === "durable") this.log.tell("durable", line.what, {});
    else if (line.kind === "lab" && line.service !== "cloudformation") this.log.tell("lab", line.what, { stack: line.detail?.stack });
    else if (line.kind === "dns" || (line.kind === "state" && line.service === "route53"))
      this.log.tell("name", line.what, line.detail ?? {});
    else if (line.kind === "event" || line.kind === "invoke") this.log.tell("invoke", line.what, line.detail ?? {}, true);
  }
}
