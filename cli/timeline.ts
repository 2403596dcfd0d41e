/** Shows what happens as it happens: in a terminal with a live last line, as plain lines when piped. */
import { styleText } from "node:util";
import logUpdate from "log-update";

export class Timeline {
  private readonly startedAtMs = Date.now();
  private readonly live = process.stdout.isTTY === true;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  private readonly status: () => string;

  /** `status` is the live line: what the client sees right now. */
  constructor(status: () => string) {
    this.status = status;
    if (this.live) this.timer = setInterval(() => this.draw(), 200).unref();
  }

  say(text: string, kind: "plain" | "good" | "bad" | "quiet" = "plain", atMs = Date.now()): void {
    // What happens while the report is printed is no longer told.
    if (this.closed) return;
    const at = `${((atMs - this.startedAtMs) / 1000).toFixed(1).padStart(6)} s  `;
    const color = { plain: "white", good: "green", bad: "red", quiet: "gray" }[kind] as "white";
    if (this.live) {
      const room = (process.stdout.columns ?? 80) - at.length;
      const clipped = text.length > room ? `${text.slice(0, room - 1)}…` : text;
      logUpdate.clear();
      process.stdout.write(`${styleText("gray", at)}${styleText(color, clipped)}\n`);
      this.draw();
    } else process.stdout.write(`${at}${text}\n`);
  }

  private draw(): void {
    logUpdate(styleText("gray", `          ${this.status()}`.slice(0, (process.stdout.columns ?? 80) - 1)));
  }

  close(): void {
    this.closed = true;
    clearInterval(this.timer);
    if (this.live) logUpdate.clear();
    this.timer = undefined;
  }
}
