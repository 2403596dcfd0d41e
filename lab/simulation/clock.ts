/**
 * Virtual time: a queue of what is to happen, and a clock that jumps from one to the next. Between two of them everything that runs
 * by promises runs to its end, so the order of a run depends on the queue alone. Does no I/O; replaces no global.
 */
export interface Timer {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** After so many timers the process's own event loop gets a turn: signals, messages, a test's limits. */
const TIMERS_A_TURN = 2000;

/** A tick runs when every promise has run as far as it can, which is all a run waits for: it does no I/O. */
const quiet = () => new Promise<void>((resolve) => process.nextTick(resolve));
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

const earlier = (a: Timer, b: Timer): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

export class VirtualClock {
  nowMs: number;
  /** How many timers have fired. */
  fired = 0;
  private order = 0;
  /** A binary heap, earliest first. */
  private readonly queue: Timer[] = [];

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  /** Runs `what` after `delayMs`; timers of the same moment run in the order they were made. */
  after(delayMs: number, what: () => void): Timer {
    const wait = Number.isFinite(delayMs) && delayMs > 0 ? Math.round(delayMs) : 0;
    const timer: Timer = { atMs: this.nowMs + wait, order: ++this.order, run: what };
    this.push(timer);
    return timer;
  }

  cancel(timer: Timer | undefined): void {
    if (timer) timer.run = undefined;
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve));
  }

  /** Lets time pass until `untilMs`, or until `enough` says so. */
  async runUntil(untilMs: number, enough: () => boolean = () => false): Promise<void> {
    for (;;) {
      await (this.fired % TIMERS_A_TURN === 0 ? turn() : quiet());
      let next = this.queue[0];
      while (next && next.run === undefined) {
        this.pop();
        next = this.queue[0];
      }
      if (enough()) return;
      if (!next || next.atMs > untilMs) break;
      this.pop();
      this.nowMs = next.atMs;
      this.fired++;
      const { run } = next;
      next.run = undefined;
      run?.();
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  private push(timer: Timer): void {
    const { queue } = this;
    let at = queue.push(timer) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!earlier(timer, queue[above] as Timer)) break;
      queue[at] = queue[above] as Timer;
      at = above;
    }
    queue[at] = timer;
  }

  private pop(): void {
    const { queue } = this;
    const last = queue.pop() as Timer;
    if (queue.length === 0) return;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= queue.length) break;
      if (below + 1 < queue.length && earlier(queue[below + 1] as Timer, queue[below] as Timer)) below++;
      if (!earlier(queue[below] as Timer, last)) break;
      queue[at] = queue[below] as Timer;
      at = below;
    }
    queue[at] = last;
  }
}
