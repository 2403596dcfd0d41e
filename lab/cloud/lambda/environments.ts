/**
 * The execution environments of all functions: kept warm, one invocation at a time each, more started when needed,
 * up to the function's reserved concurrency. Knows nothing of queues, retries or durable executions.
 */
import { join } from "node:path";
import { functionAddress } from "../../network/addresses.ts";
import { refusalFor } from "../../permissions/act.ts";
import { ServiceError } from "../../wire/errors.ts";
import { sessionKeyFor } from "../iam.ts";
import type { World } from "../world.ts";
import { Environment, type Outcome } from "./environment.ts";
import type { Target } from "./functions.ts";

export interface LambdaOptions {
  /** AWS_ENDPOINT_URL of the functions. Asked when a process starts. */
  readonly endpoint: () => string;
  /** host:port of the DNS server the functions resolve names at; "" leaves the machine's own resolver. */
  readonly dns: () => string;
  /** Every line a function writes. */
  readonly onLogLine?: (region: string, line: string, functionName: string) => void;
  /** Waits before the second and third try of an asynchronous invocation; AWS waits 1 and 2 minutes. */
  readonly asyncRetryDelaysMs?: readonly number[];
  /** Variables a function's process is started with beside Lambda's own: what the lab's runtime reads. */
  readonly variables?: (functionName: string) => Record<string, string>;
  /** Divides the waits, retry delays and callback timeouts of durable executions. */
  readonly durableSpeed?: number;
  /** Operations of a durable execution that travel with an invocation. AWS counts bytes; by default all of ours fit. */
  readonly durableFirstPage?: number;
  /** What runs the functions, instead of one Node process an environment. */
  readonly environments?: RunsFunctions;
}

/** What Lambda asks of whatever runs its functions. */
export type RunsFunctions = Pick<Environments, "run" | "linesOf" | "close"> & Partial<Pick<Environments, "kill">>;

const KEPT_LINES = 2000;

export interface Run {
  readonly outcome: Promise<Outcome>;
  /** The lines this invocation wrote so far. */
  readonly lines: string[];
  kill(): void;
}

interface Slot {
  readonly environment: Environment;
  busy: boolean;
  /** Without the permission Lambda keeps nothing of what a function writes, and says so nowhere. */
  mayLog: boolean;
  /** Lines of the invocation that runs now. */
  lines: string[];
}

export class Environments {
  private readonly world: World;
  private readonly options: LambdaOptions;
  /** By function ARN without qualifier. */
  private readonly slots = new Map<string, { version: string; slot: Slot }[]>();
  private readonly logs = new Map<string, string[]>();

  constructor(world: World, options: LambdaOptions) {
    this.world = world;
    this.options = options;
  }

  /** The newest lines a function wrote in a region. */
  linesOf(region: string, name: string): readonly string[] {
    return this.logs.get(`${region}/${name}`) ?? [];
  }

  /** Hands one event to the function. Throws TooManyRequestsException when its reserved concurrency is used up. */
  run(target: Target, requestId: string, json: string): Run {
    const { record, version } = target;
    if (this.world.closed) throw new ServiceError("ServiceException", "The lab is closing.", 500);
    const key = `${record.region}/${record.name}`;
    const own = (this.slots.get(key) ?? []).filter(({ slot }) => !slot.environment.dead || slot.busy);
    this.slots.set(key, own);
    const inUse = own.filter(({ slot }) => slot.busy).length;
    if (record.reservedConcurrency !== undefined && inUse >= record.reservedConcurrency) {
      throw Object.assign(new ServiceError("TooManyRequestsException", "Rate Exceeded.", 429), {
        Reason: "ReservedFunctionConcurrentInvocationLimitExceeded",
        Type: "User",
      });
    }
    // A process started with other variables is another process: the clock of a warm one cannot be changed.
    const id = `${version.version}/${version.codeSha256}/${JSON.stringify(this.options.variables?.(record.name) ?? {})}`;
    let slot = own.find((entry) => entry.version === id && !entry.slot.busy)?.slot;
    let started = Promise.resolve();
    if (!slot) {
      slot = this.open(target);
      own.push({ version: id, slot });
      const opened = slot;
      started = this.askToLog(target).then((mayLog) => {
        opened.mayLog = mayLog;
        return opened.environment.start();
      });
    }
    const used = slot;
    const lines: string[] = [];
    used.busy = true;
    used.lines = lines;
    const outcome = started
      .then(() => used.environment.run({ requestId, json, functionArn: target.arn }))
      .finally(() => {
        used.busy = false;
      });
    return { outcome, lines, kill: () => used.environment.kill() };
  }

  /** Ends every process of a function at once, in every region, as a crash does. */
  kill(name: string): void {
    for (const [key, own] of this.slots) if (key.endsWith(`/${name}`)) for (const { slot } of own) slot.environment.kill();
  }

  async close(): Promise<void> {
    const all = [...this.slots.values()].flat().map(({ slot }) => slot.environment);
    this.slots.clear();
    await Promise.all(all.map((environment) => environment.stop()));
  }

  private open(target: Target): Slot {
    const { record, version } = target;
    const key = `${record.region}/${record.name}`;
    const slot: Slot = {
      busy: false,
      mayLog: true,
      lines: [],
      environment: new Environment(this.world, {
        taskRoot: join(this.world.dir, version.codeFolder),
        timeoutSeconds: version.timeoutSeconds,
        env: this.envOf(target),
        onLine: (line, requestId) => {
          if (!slot.mayLog) return;
          slot.lines.push(line);
          const kept = this.logs.get(key) ?? [];
          this.logs.set(key, kept);
          kept.push(line);
          if (kept.length > KEPT_LINES) kept.splice(0, KEPT_LINES / 4);
          this.world.tell({
            kind: "log",
            region: record.region,
            service: "lambda",
            what: `${record.name}: ${line}`,
            detail: { functionName: record.name, requestId },
          });
          this.options.onLogLine?.(record.region, line, record.name);
        },
      }),
    };
    return slot;
  }

  /** Lambda writes a function's log in the name of its role. */
  private async askToLog({ record, version }: Target): Promise<boolean> {
    const resource = `arn:aws:logs:${record.region}:${this.world.account}:log-group:/aws/lambda/${record.name}:log-stream:${version.version}`;
    for (const action of ["logs:CreateLogStream", "logs:PutLogEvents"]) {
      const refusal = await refusalFor(this.world, record.region, { roleArn: version.role, session: record.name, action, resource });
      if (refusal === null) continue;
      this.world.tell({ kind: "lab", region: record.region, service: "lambda", what: `what ${record.name} writes is lost: ${refusal}` });
      return false;
    }
    return true;
  }

  /** The environment Lambda promises, the function's own variables, and nothing of the lab's but PATH. */
  private envOf({ record, version }: Target): Record<string, string> {
    const key = sessionKeyFor(this.world, version.role, record.name);
    const dns = this.options.dns();
    const own = { ...version.environment };
    // Files of Lambda's own image are not here, and Node would warn of this one at every start.
    if (own.NODE_EXTRA_CA_CERTS?.startsWith("/var/runtime/")) delete own.NODE_EXTRA_CA_CERTS;
    return {
      ...own,
      PATH: process.env.PATH ?? "/usr/local/bin:/usr/bin:/bin",
      LANG: "en_US.UTF-8",
      TZ: ":UTC",
      _HANDLER: version.handler,
      AWS_REGION: record.region,
      AWS_DEFAULT_REGION: record.region,
      AWS_ACCESS_KEY_ID: key.accessKeyId,
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
      AWS_SESSION_TOKEN: key.sessionToken,
      AWS_EXECUTION_ENV: `AWS_Lambda_${version.runtime}`,
      AWS_LAMBDA_FUNCTION_NAME: record.name,
      AWS_LAMBDA_FUNCTION_VERSION: version.version,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(version.memorySizeMb),
      AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
      AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${record.name}`,
      AWS_LAMBDA_LOG_STREAM_NAME: `[${version.version}]${this.world.id(32)}`,
      AWS_ENDPOINT_URL: this.options.endpoint(),
      ...(dns ? { LAB_DNS: dns } : {}),
      LAB_SOURCE: functionAddress(record.region, record.name),
      ...this.options.variables?.(record.name),
    };
  }
}
