/** Runs the shop's client as a process and keeps the account of what was acknowledged, where and when. */
import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { ClientReport, ClientSettings } from "./client.ts";

export interface Acknowledged {
  readonly order: number;
  readonly sentAtMs: number;
  readonly atMs: number;
  readonly address: string;
}

export class Traffic {
  readonly acknowledged: Acknowledged[] = [];
  /** What the name led to whenever the client asked, and how long it keeps the answer. */
  readonly lookedUp: { atMs: number; address: string; untilMs: number }[] = [];
  readonly troubles: { order: number; atMs: number; message: string }[] = [];
  private readonly child: ChildProcess;
  private readonly exited: Promise<void>;

  constructor(settings: ClientSettings) {
    this.child = fork(join(import.meta.dirname, "client.ts"), [], {
      env: { PATH: process.env.PATH, SHOP_CLIENT: JSON.stringify(settings) },
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.child.on("message", (line) => this.note(line as ClientReport));
    this.exited = new Promise((resolve) => this.child.once("exit", () => resolve()));
  }

  private note(line: ClientReport): void {
    if (line.kind === "acknowledged") this.acknowledged.push(line);
    if (line.kind === "looked up") this.lookedUp.push(line);
    if (line.kind === "trouble") this.troubles.push(line);
  }

  get last(): Acknowledged | undefined {
    return this.acknowledged.at(-1);
  }

  /** The first order acknowledged that was sent after `atMs`. */
  firstAfter(atMs: number): Acknowledged | undefined {
    return this.acknowledged.find((one) => one.sentAtMs > atMs);
  }

  /** Lets the order in flight end, then ends the process. */
  async stop(): Promise<void> {
    if (this.child.connected) this.child.send("stop");
    const late = setTimeout(() => this.child.kill("SIGKILL"), 3000);
    await this.exited;
    clearTimeout(late);
  }
}
