/**
 * The processes of one database server: started, stopped, killed and frozen as a host would do it. Knows no engine: what is started,
 * and when it is ready, is said by the cluster it belongs to.
 */
import type { ChildProcess } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, realpathSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { databaseUser } from "./folders.ts";
import { clearOut, contTree, killTree, startProcess, stopTree } from "./processes.ts";

export interface ServerOptions {
  /** As people say it: "PostgreSQL". */
  readonly title: string;
  /** The name its processes have in the process table: how those of an earlier lab are found. */
  readonly process: string;
  readonly data: string;
  readonly log: string;
  /** Asks for an orderly end that does not wait for clients. */
  readonly stopSignal: NodeJS.Signals;
}

const START_LIMIT_MS = 60_000;

export class Server {
  /** Where clients reach it on 127.0.0.1; undefined while no process runs. */
  port: number | undefined;
  /** Frozen by `hang`: its port is open and nothing answers. */
  hung = false;
  private child: ChildProcess | undefined;
  /** Nothing of an earlier run is left: looking through all the machine's processes for it takes a while, and nobody else does anything then. */
  private nothingLeft = false;
  private readonly options: ServerOptions;

  constructor(options: ServerOptions) {
    this.options = options;
  }

  get running(): boolean {
    return this.child !== undefined;
  }

  /** Kills what an earlier lab may have left running on the same data. */
  async clear(): Promise<void> {
    const { data, process } = this.options;
    if (!this.nothingLeft && existsSync(data)) await clearOut(realpathSync(data), process);
    this.nothingLeft = true;
  }

  /** Starts `program` and resolves once `ready` says so. Rejects with the end of the server's own log. */
  async launch(program: string, args: readonly string[], port: number, ready: () => Promise<boolean>): Promise<void> {
    const { title, data } = this.options;
    const log = openSync(this.options.log, "a");
    const child = startProcess(program, [...args], {
      ...databaseUser(),
      cwd: data,
      env: { LC_ALL: "C", TZ: "UTC", HOME: data },
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    this.child = child;
    this.nothingLeft = false;
    const started = Date.now();
    let ended: string | undefined;
    child.once("error", (error) => {
      ended = error.message;
    });
    child.once("exit", (code, signal) => {
      ended = `it ended with ${code ?? signal}`;
      if (this.child === child) this.forget();
    });
    while (!(await ready())) {
      if (ended === undefined && Date.now() - started > START_LIMIT_MS)
        ended = `it did not accept connections within ${START_LIMIT_MS / 1000} s`;
      if (ended !== undefined) {
        await this.kill();
        throw new Error(`${title} in ${data} did not start: ${ended}. Its log ends:\n${this.logTail()}`);
      }
      await sleep(5);
    }
    this.port = port;
  }

  private forget(): void {
    this.child = undefined;
    this.port = undefined;
    this.hung = false;
  }

  logTail(lines = 12): string {
    try {
      return readFileSync(this.options.log, "utf8").trimEnd().split("\n").slice(-lines).join("\n");
    } catch {
      return "(no log)";
    }
  }

  /** Ends every session and stops the server; kills it when that takes longer than `limitMs`, or at once when it hangs. */
  async stop(limitMs: number): Promise<void> {
    const child = this.child;
    if (!child) return;
    if (!this.hung) {
      const exited = gone(child);
      child.kill(this.options.stopSignal);
      await Promise.race([exited, sleep(limitMs, undefined, { ref: false })]);
      // A server that ended as it was asked to has waited for its own children.
      this.nothingLeft = child.exitCode === 0;
    }
    await this.kill();
  }

  /** Kills every process at once, as when the host dies. */
  async kill(): Promise<void> {
    const child = this.child;
    if (child?.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const exited = gone(child);
      killTree(child.pid);
      await exited;
    }
    this.forget();
    await this.clear();
  }

  /** Freezes every process: connections are still taken by the kernel, and nothing answers. */
  hang(): void {
    if (this.child?.pid === undefined) return;
    this.hung = true;
    stopTree(this.child.pid);
  }

  resume(): void {
    if (this.child?.pid === undefined) return;
    contTree(this.child.pid);
    this.hung = false;
  }

  /** Tells the server something by a signal, for example to read its settings again. */
  signal(signal: NodeJS.Signals): void {
    if (this.port !== undefined) this.child?.kill(signal);
  }
}

function gone(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) resolve();
    else child.once("exit", () => resolve());
  });
}
