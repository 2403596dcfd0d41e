/** The time a dump has, and its patience with a busy source. Looks before each query; knows nothing of what is read. */
import { type Load, standsBack } from "../core/offsite-throttle.ts";
import { Problem } from "../core/problem.ts";

export interface PaceOptions {
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<unknown>;
  /** Of the source, now. */
  readonly load: () => Promise<Load>;
  /** When this run hands over to the next: 15 minutes are Lambda's longest. */
  readonly untilMs: number;
  /** When nobody wants the dump any more. */
  readonly deadlineMs: number;
  readonly tell: (sentence: string) => void;
}

const LOOK_EVERY_MS = 500;

export class Pace {
  private readonly options: PaceOptions;

  constructor(options: PaceOptions) {
    this.options = options;
  }

  get over(): boolean {
    return this.options.now() >= this.options.untilMs;
  }

  /** Resolves when the source can bear a query. false: this run's time is over. */
  async turn(): Promise<boolean> {
    const { now, sleep, load, deadlineMs, tell } = this.options;
    for (let paused = false; ; paused = true) {
      if (this.over && now() < deadlineMs) return false;
      const why = standsBack(await load());
      if (now() >= deadlineMs) throw this.late(why);
      if (why === null) {
        if (paused) tell("Goes on: the source is at rest again.");
        return true;
      }
      if (!paused) tell(`Pauses: ${why}.`);
      await sleep(LOOK_EVERY_MS);
    }
  }

  private late(why: string | null): Problem {
    const at = new Date(this.options.deadlineMs).toISOString();
    return new Problem("OffsiteLate", `the dump is not finished at its deadline ${at}${why === null ? "" : `: ${why}`}`, {
      hint: "What is finished is kept. Dump a standby or a restored instance that is less busy, or give it a later deadline.",
    });
  }
}
