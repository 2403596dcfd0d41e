/**
 * One execution environment: a Node process that runs one function's code, and the Runtime API it talks to.
 * One invocation at a time. Knows processes and the Runtime API; decides nothing about which function runs when.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { World } from "../world.ts";

const BOOTSTRAP = fileURLToPath(new URL("../../runtime/bootstrap.mjs", import.meta.url));
/** What makes the process live in the lab's network and time, loaded before anything of the function's. */
const PRELOADS = ["clock", "resolver", "source"].flatMap((name) => [
  "--import",
  pathToFileURL(fileURLToPath(new URL(`../../runtime/${name}.mjs`, import.meta.url))).href,
]);
/** Lambda gives a function's import 10 seconds before it counts against the function's own timeout. */
const INIT_LIMIT_MS = 10_000;

/** Everything alive, so that no function outlives the lab's process. */
const alive = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export interface FunctionFailure {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly stackTrace?: string[];
}

/** How an invocation ended: the handler's JSON, or the failure Lambda reports for it. */
export type Outcome =
  | { readonly ok: true; readonly json: string }
  | { readonly ok: false; readonly failure: FunctionFailure; readonly json: string };

export interface Invocation {
  readonly requestId: string;
  readonly json: string;
  readonly functionArn: string;
}

interface Running extends Invocation {
  readonly settle: (outcome: Outcome) => void;
  handedOver: boolean;
  stopTimer: () => void;
}

export interface Launch {
  readonly taskRoot: string;
  readonly env: Record<string, string>;
  readonly timeoutSeconds: number;
  readonly onLine: (line: string, requestId: string | undefined) => void;
}

export class Environment {
  dead = false;
  private readonly world: World;
  private readonly launch: Launch;
  private readonly server: Server;
  private readonly exited: Promise<void>;
  private child: ChildProcess | undefined;
  private parked: ServerResponse | undefined;
  private running: Running | undefined;
  private lastRequestId: string | undefined;
  private initFailure: FunctionFailure | undefined;
  private confirmExit: () => void = () => {};

  constructor(world: World, launch: Launch) {
    this.world = world;
    this.launch = launch;
    this.server = createServer((request, response) => this.answer(request, response));
    this.exited = new Promise((resolve) => {
      this.confirmExit = resolve;
    });
  }

  /** Starts the process. Its Runtime API listens on a loopback port of its own. */
  async start(): Promise<void> {
    await new Promise<void>((resolve, reject) => this.server.once("error", reject).listen(0, "127.0.0.1", resolve));
    if (this.dead) return;
    const { port } = this.server.address() as AddressInfo;
    const child = spawn(process.execPath, [...PRELOADS, BOOTSTRAP], {
      cwd: this.launch.taskRoot,
      env: { ...this.launch.env, LAMBDA_TASK_ROOT: this.launch.taskRoot, AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${port}` },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    alive.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => this.launch.onLine(line, this.running?.requestId ?? this.lastRequestId));
    }
    child.once("error", (error) => this.gone(`could not start: ${error.message}`));
    child.once("exit", (code, signal) =>
      this.gone(
        signal ? `exited with error: signal: ${signal === "SIGKILL" ? "killed" : signal}` : `exited with error: exit status ${code}`,
      ),
    );
  }

  run(invocation: Invocation): Promise<Outcome> {
    return new Promise((resolve) => {
      const stopTimer = this.world.later(INIT_LIMIT_MS + this.launch.timeoutSeconds * 1000, "function init", () => this.expire());
      this.running = { ...invocation, settle: resolve, handedOver: false, stopTimer };
      this.lastRequestId = invocation.requestId;
      if (this.dead) this.fail("Runtime.ExitError", "Runtime exited before the invocation");
      else this.handOver();
    });
  }

  /** Kills the process at once, as a crash does. The running invocation ends with Runtime.ExitError. */
  kill(): void {
    this.dead = true;
    if (this.child) this.child.kill("SIGKILL");
    else this.gone("exited with error: signal: killed");
  }

  async stop(): Promise<void> {
    this.kill();
    await this.exited;
  }

  private handOver(): void {
    const { running, parked } = this;
    if (!running || running.handedOver || !parked) return;
    running.handedOver = true;
    running.stopTimer();
    const timeoutMs = this.launch.timeoutSeconds * 1000;
    running.stopTimer = this.world.later(timeoutMs, "function timeout", () => this.expire());
    this.parked = undefined;
    parked.writeHead(200, {
      "content-type": "application/json",
      "lambda-runtime-aws-request-id": running.requestId,
      "lambda-runtime-deadline-ms": String(Date.now() + timeoutMs),
      "lambda-runtime-invoked-function-arn": running.functionArn,
    });
    parked.end(running.json);
  }

  private expire(): void {
    this.fail("Sandbox.Timedout", `Task timed out after ${this.launch.timeoutSeconds.toFixed(2)} seconds`);
    this.kill();
  }

  private gone(how: string): void {
    if (this.child) alive.delete(this.child);
    this.dead = true;
    this.server.close();
    this.server.closeAllConnections();
    this.confirmExit();
    if (this.initFailure) this.settle({ ok: false, failure: this.initFailure, json: JSON.stringify(this.initFailure) });
    else this.fail("Runtime.ExitError", `Runtime ${how}`);
  }

  private fail(errorType: string, what: string): void {
    const failure = { errorType, errorMessage: `RequestId: ${this.running?.requestId ?? "-"} Error: ${what}` };
    this.settle({ ok: false, failure, json: JSON.stringify(failure) });
  }

  private settle(outcome: Outcome): void {
    const { running } = this;
    if (!running) return;
    running.stopTimer();
    // The lines written before the answer are in the pipe by now: one turn of the loop reads them under this request's id.
    setImmediate(() => {
      if (this.running === running) this.running = undefined;
      running.settle(outcome);
    });
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? "").replace(/^\/2018-06-01\/runtime/, "");
    if (request.method === "GET" && path === "/invocation/next") {
      this.parked = response;
      this.handOver();
      return;
    }
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const json = Buffer.concat(chunks).toString("utf8");
      const [, requestId, verdict] = /^\/invocation\/([^/]+)\/(response|error)$/.exec(path) ?? [];
      if (request.method === "POST" && path === "/init/error") {
        this.initFailure = JSON.parse(json) as FunctionFailure;
      } else if (request.method === "POST" && verdict && requestId === this.running?.requestId) {
        this.settle(verdict === "response" ? { ok: true, json } : { ok: false, failure: JSON.parse(json) as FunctionFailure, json });
      } else {
        response
          .writeHead(verdict ? 400 : 404, { "content-type": "application/json" })
          .end(JSON.stringify({ errorType: "InvalidRequestID", errorMessage: `No such call here: ${request.method} ${path}` }));
        return;
      }
      response.writeHead(202, { "content-type": "application/json" }).end('{"status":"OK"}');
    });
  }
}
