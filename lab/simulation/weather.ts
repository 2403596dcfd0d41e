// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The weather of a run: which calls are throttled, fail, lose their reply or their process, which wakes come late, twice or never.
 * Everything is drawn from the seed at the moment it is asked for; in the healing phase nothing is.
 */
import type { Service } from "../cloud/world.ts";
import type { Chance } from "./chance.ts";
import type { VirtualClock } from "./clock.ts";
import { type Climate, FAIR } from "./disaster.ts";
import type { Kills } from "./kills.ts";
import type { EventLog } from "./log.ts";
import type { Call, Weather } from "./sdk.ts";

export class RandomWeather implements Weather {
  climate: Climate;
  readonly dark = new Set<string>();
  /** When a region's RDS was last met without an answer. */
  readonly darkAtMs = new Map<string, number>();
  private readonly chance: Chance;
  private readonly clock: VirtualClock;
  private readonly log: EventLog;
  private readonly carriedOut: (call: Call, output: any) => void;
  private readonly recovery: string;
  private readonly kills: Kills;

  constructor(
    climate: Climate,
    chance: Chance,
    clock: VirtualClock,
    log: EventLog,
    recovery: string,
    kills: Kills,
    done: (call: Call, output: any) => void,
  ) {
    this.climate = climate;
    this.chance = chance;
    this.clock = clock;
    this.log = log;
    this.recovery = recovery;
    this.kills = kills;
    this.carriedOut = done;
  }

  heal(): void {
    this.climate = FAIR;
    this.dark.clear();
  }

  before(call: Call): ReturnType<Weather["before"]> {
    // Lambda and the functions in it live in the recovery region: what they use of its inside goes on.
    const scope = call.service === "lambda" ? "" : call.region === this.recovery ? "recovery" : call.region;
    const planned = this.kills.strikes(call, "before");
    if (this.dark.has(scope)) {
      if (call.service === "rds") this.darkAtMs.set(call.region, this.clock.nowMs);
      return "dark";
    }
    const { throttled, failing, killed } = this.climate;
    if (this.chance.happens(killed) || planned) {
      this.kills.note(call, "before");
      return "kill";
    }
    if (this.chance.happens(throttled)) return "throttle";
    return this.chance.happens(failing) ? "fail" : undefined;
  }

  after(call: Call): ReturnType<Weather["after"]> {
    const planned = this.kills.strikes(call, "after");
    if (this.chance.happens(this.climate.killed) || planned) {
      this.kills.note(call, "after");
      return "kill";
    }
    if (!this.chance.happens(this.climate.lostReplies)) return undefined;
    this.log.tell("fault", `the reply of ${call.service}:${call.operation} to ${call.function} is lost`);
    return "lose reply";
  }

  delayMs(): number {
    const { slowMs } = this.climate;
    return slowMs > 0 && this.chance.happens(0.1) ? Math.floor(this.chance.next() * slowMs) : 0;
  }

  done(call: Call, output: any): void {
    this.carriedOut(call, output);
  }

  /** Wakes are doubled and late; those nothing may depend on (RDS's events, the probe's call of the watcher) are lost too. */
  overWakes(service: Service, operation: string, isWake: (input: any) => "lossy" | "sure" | undefined): void {
    const run = service.operations[operation];
    if (!run) throw new Error(`${service.name} has no ${operation}.`);
    service.operations[operation] = (input, caller) => {
      const wake = isWake(input);
      if (!wake) return run(input, caller);
      const { lostWakes, doubledWakes, lateWakes } = this.climate;
      const again = (delayMs: number) => this.clock.after(delayMs, () => void Promise.resolve(run(input, caller)).catch(() => {}));
      if (this.chance.happens(doubledWakes)) again(this.chance.whole(0, 120_000));
      if (wake === "lossy" && this.chance.happens(lostWakes)) return { StatusCode: 202 };
      if (!this.chance.happens(lateWakes)) return run(input, caller);
      again(this.chance.whole(1000, 300_000));
      return { StatusCode: 202 };
    };
  }
}
