// biome-ignore-all lint/suspicious/noExplicitAny: events and answers are any JSON
/**
 * Lambda's execution environments in one process: each evaluates the function's bundle anew, so that what a module remembers is its
 * own, and gives it a world of its own: clock (skewed, if the run says so), timers, chance, network, database driver, AWS clients.
 * A killed environment falls silent: its timers stop and nothing it asks for is answered again.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { createRequire } from "node:module";
import { Script } from "node:vm";
import type { Run, RunsFunctions } from "../cloud/lambda/environments.ts";
import { uuid } from "../cloud/lambda/execution-record.ts";
import type { Target } from "../cloud/lambda/functions.ts";
import type { Chance } from "./chance.ts";
import type { Timer } from "./clock.ts";
import type { EventLog } from "./log.ts";
import { postgresModule, type Sea } from "./postgres.ts";
import { type Cloud, isWeather, type Process, sdkModule, send } from "./sdk.ts";

type Outcome = Awaited<Run["outcome"]>;

const builtin = createRequire(import.meta.url);

/** A function's bundle, compiled once and evaluated once an environment. */
export class Code {
  private readonly evaluate: (...globals: unknown[]) => void;

  constructor(name: string, source: string) {
    const wrapped = `(function (${GLOBALS.join(", ")}) {${source}\n})`;
    this.evaluate = new Script(wrapped, { filename: `${name}.cjs` }).runInThisContext();
  }

  instantiate(globals: Record<string, unknown>): void {
    this.evaluate(...GLOBALS.map((name) => globals[name]));
  }
}

const GLOBALS = [
  "require",
  "module",
  "exports",
  "process",
  "console",
  "Date",
  "Math",
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "setImmediate",
  "clearImmediate",
  "fetch",
  "AbortSignal",
  "performance",
];

export interface Surroundings {
  readonly cloud: Cloud;
  readonly sea: Sea;
  readonly log: EventLog;
  readonly chance: Chance;
  readonly code: ReadonlyMap<string, Code>;
  /** The plan as the packager leaves it beside the code. */
  readonly planJson: string;
  /** What the name server answers a function. */
  lookUp(name: string): string | undefined;
  cnameOf(name: string): string | undefined;
  /** How far a new environment's clock is off. */
  skewMs(functionName: string): number;
  /** What STS answers about a signature by this access key; undefined: it does not answer. */
  whoSigned(accessKey: string): string | undefined;
  /** Every line a function writes as JSON. */
  line(functionName: string, line: any): void;
}

class Environment implements Process {
  readonly name: string;
  readonly principal: string;
  execution: string | undefined;
  dead = false;
  busy = false;
  private readonly around: Surroundings;
  private readonly skewMs: number;
  private readonly durable: boolean;
  private readonly handler: (event: unknown, context: unknown) => Promise<unknown>;
  private fail: ((outcome: Outcome) => void) | undefined;

  constructor(around: Surroundings, target: Target, code: Code) {
    this.around = around;
    this.name = target.record.name;
    this.principal = target.version.role;
    this.skewMs = around.skewMs(this.name);
    this.durable = target.version.durable !== undefined;
    const module = { exports: {} as any };
    code.instantiate({ ...this.globals(target.version.environment, target.record.region), module, exports: module.exports });
    this.handler = module.exports.handler;
  }

  kill(why: string): void {
    if (this.dead) return;
    this.around.log.tell("fault", `${this.name}${this.execution ? ` (${this.execution})` : ""} is killed ${why}`, { killed: this.name });
    this.end("Runtime.ExitError", `RequestId: the process was killed ${why}`);
  }

  private end(errorType: string, errorMessage: string): void {
    this.dead = true;
    this.fail?.({ ok: false, failure: { errorType, errorMessage }, json: JSON.stringify({ errorType, errorMessage }) });
  }

  run(event: any, timeoutSeconds: number, requestId: string, functionArn: string): Promise<Outcome> {
    const { clock } = this.around.cloud;
    this.execution = event?.DurableExecutionArn?.split("/").at(-2);
    this.busy = true;
    const deadlineMs = clock.nowMs + timeoutSeconds * 1000;
    return new Promise((settle) => {
      const timer = clock.after(timeoutSeconds * 1000, () => {
        this.around.log.tell("fault", `${this.name} times out after ${timeoutSeconds} s`, { killed: this.name });
        this.end("Sandbox.Timedout", `Task timed out after ${timeoutSeconds}.00 seconds`);
      });
      const done = (outcome: Outcome) => {
        clock.cancel(timer);
        this.fail = undefined;
        this.busy = false;
        settle(outcome);
      };
      this.fail = done;
      const context = {
        functionName: this.name,
        functionVersion: "1",
        invokedFunctionArn: functionArn,
        awsRequestId: requestId,
        memoryLimitInMB: "256",
        getRemainingTimeInMillis: () => Math.max(0, deadlineMs - clock.nowMs),
      };
      const given = event?.DurableExecutionArn ? new DurableExecutionInvocationInputWithClient(event, this.durableClient()) : event;
      this.handler(given, context).then(
        (answer) => !this.dead && done({ ok: true, json: JSON.stringify(answer) ?? "null" }),
        (error: Error) => {
          if (this.dead) return;
          const failure = { errorType: error?.name ?? "Error", errorMessage: error?.message ?? String(error) };
          if (!this.durable)
            this.around.log.tell("news", `${this.name} fails: ${failure.errorMessage}`, isWeather(error) ? { failed: this.name } : {});
          done({ ok: false, failure, json: JSON.stringify(failure) });
        },
      );
    });
  }

  private durableClient() {
    const { cloud } = this.around;
    const config = { region: cloud.world.state<{ region: string }>("home", () => ({ region: "" })).region, maxAttempts: 3 };
    return {
      checkpoint: (input: unknown) => send(cloud, this, "lambda", "CheckpointDurableExecution", input, config),
      getExecutionState: (input: unknown) => send(cloud, this, "lambda", "GetDurableExecutionState", input, config),
    };
  }

  private globals(environment: Record<string, string>, region: string): Record<string, unknown> {
    const { around } = this;
    const { clock } = around.cloud;
    const now = () => clock.nowMs + this.skewMs;
    const timeout = (
      run: (...args: any[]) => void,
      ms = 0,
      ...args: any[]
    ): Timer & { unref(): unknown; ref(): unknown; hasRef(): boolean } => {
      // The durable SDK finds its context through async storage, which real timers carry too.
      const bound = this.durable ? AsyncLocalStorage.bind(run) : run;
      const timer = clock.after(ms, () => {
        if (!this.dead) bound(...args);
      }) as any;
      timer.unref = () => timer;
      timer.ref = () => timer;
      timer.hasRef = () => true;
      return timer;
    };
    const interval = (run: () => void, ms: number) => {
      const handle: any = { stopped: false, unref: () => handle, ref: () => handle };
      const again = () => {
        handle.timer = timeout(() => {
          run();
          if (!handle.stopped) again();
        }, ms);
      };
      again();
      return handle;
    };
    const stopInterval = (handle: any) => {
      if (!handle) return;
      handle.stopped = true;
      clock.cancel(handle.timer);
    };
    const stop = (timer: Timer | undefined) => clock.cancel(timer);
    const math = Object.create(Math, { random: { value: () => around.chance.next() } });
    class SkewedDate extends Date {
      constructor(...given: []) {
        if (given.length === 0) super(now());
        else super(...given);
      }
      static override now(): number {
        return now();
      }
    }
    const write = (line: unknown) => {
      if (this.dead || typeof line !== "string" || !line.startsWith("{")) return;
      around.line(this.name, JSON.parse(line));
    };
    const console = { log: write, info: write, warn: write, error: write, debug: write };
    const timers = {
      setTimeout: timeout,
      clearTimeout: stop,
      setInterval: interval,
      clearInterval: stopInterval,
      setImmediate: (run: () => void) => timeout(run, 0),
      clearImmediate: stop,
    };
    const modules: Record<string, unknown> = {
      timers,
      "timers/promises": {
        setTimeout: (ms: number, value?: unknown) => new Promise((resolve) => timeout(resolve, ms, value)),
      },
      "dns/promises": {
        lookup: async (name: string) => {
          const address = around.lookUp(name);
          if (!address) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: "ENOTFOUND" });
          return { address, family: 4 };
        },
        resolveCname: async (name: string) => {
          const target = around.cnameOf(name);
          if (!target) throw Object.assign(new Error(`queryCname ENODATA ${name}`), { code: "ENODATA" });
          return [target];
        },
        // The zone is private: its servers speak to nobody, the VPC's resolver answers for it.
        resolveNs: async () => [],
      },
      fs: { existsSync: () => true, readFileSync: () => around.planJson },
      console: {
        Console: class {
          log = write;
          info = write;
          warn = write;
          error = write;
          debug = write;
        },
      },
      crypto: { createHash: builtin("node:crypto").createHash, randomUUID: () => uuid(around.cloud.world) },
      pg: postgresModule(around.sea, this.name, () => !this.dead),
    };
    const require = (name: string): unknown => {
      const bare = name.replace(/^node:/, "");
      if (bare in modules) return modules[bare];
      if (name.startsWith("@aws-sdk/")) return sdkModule(around.cloud, this, name);
      return builtin(name);
    };
    const process = {
      env: { ...environment, AWS_REGION: region, PLAN_FILE: "/var/task/plan.json" },
      on: () => {},
      once: () => {},
      emitWarning: () => {},
      cwd: () => "/var/task",
      stdout: { write: () => true },
      stderr: { write: () => true },
      version: globalThis.process.version,
      versions: globalThis.process.versions,
      platform: "linux",
      argv: [],
      nextTick: (run: () => void) => queueMicrotask(run),
    };
    // Nobody fetches anything but STS's word on who signed an order.
    const fetch = async (_: unknown, { headers }: { headers: Record<string, string> }) => {
      await clock.sleep(30);
      if (this.dead) return await new Promise(() => {});
      const arn = around.whoSigned(/Credential=(\w+)\//.exec(headers.authorization ?? "")?.[1] ?? "");
      if (arn === undefined) throw new Error("fetch failed");
      return { ok: true, status: 200, text: async () => `<Arn>${arn}</Arn><Account>${arn.split(":")[4]}</Account>` };
    };
    const signals = { timeout: () => undefined };
    return {
      require,
      process,
      console,
      Date: SkewedDate,
      Math: math,
      fetch,
      AbortSignal: signals,
      performance: { now: () => clock.nowMs },
      ...timers,
    };
  }
}

/** The durable SDK takes its transport from an event of a class of this name. */
class DurableExecutionInvocationInputWithClient {
  readonly durableExecutionClient: unknown;
  constructor(event: object, durableExecutionClient: unknown) {
    this.durableExecutionClient = durableExecutionClient;
    Object.assign(this, event);
  }
  get [Symbol.toStringTag]() {
    return "DurableExecutionInvocationInputWithClient";
  }
}

/** All environments of a run, kept warm as Lambda keeps them. */
export class SimulatedEnvironments implements RunsFunctions {
  private readonly around: Surroundings;
  private readonly all: Environment[] = [];

  constructor(around: Surroundings) {
    this.around = around;
  }

  linesOf(): readonly string[] {
    return [];
  }

  run(target: Target, requestId: string, json: string): Run {
    const { clock } = this.around.cloud;
    const code = this.around.code.get(target.version.codeFolder);
    if (!code) throw new Error(`The simulation has no code for ${target.version.codeFolder}.`);
    for (let at = this.all.length - 1; at >= 0; at--) if (this.all[at]?.dead) this.all.splice(at, 1);
    let environment = this.all.find((each) => !each.busy && each.name === target.record.name);
    const cold = environment === undefined;
    environment ??= new Environment(this.around, target, code);
    if (cold) this.all.push(environment);
    const used = environment;
    used.busy = true;
    const outcome = clock
      .sleep(cold ? 150 + Math.floor(this.around.chance.next() * 700) : 5)
      .then(() => used.run(JSON.parse(json), target.version.timeoutSeconds, requestId, target.arn));
    return { outcome, lines: [], kill: () => used.kill("by the lab") };
  }

  async close(): Promise<void> {
    for (const environment of this.all) environment.dead = true;
  }
}
