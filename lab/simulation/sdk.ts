// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * What a function gets when it asks for an AWS client: commands go to the lab's services in process, without a wire. Keeps what the
 * wire and the SDK would do to a call: time on the way, error names and codes, three attempts, lost replies, and silence once the
 * function's process is dead. Leaves serialisation out; the lab's wire tests and the deployed product exercise it.
 */
import type { World } from "../cloud/world.ts";
import { ServiceError } from "../wire/errors.ts";
import type { Chance } from "./chance.ts";
import type { VirtualClock } from "./clock.ts";

/** One call as the weather of a run sees it. */
export interface Call {
  readonly function: string;
  /** Name of the durable execution the function runs for. */
  readonly execution: string | undefined;
  readonly service: string;
  readonly region: string;
  readonly operation: string;
  readonly input: any;
}

/** What befalls calls: judged once before and once after each attempt. */
export interface Weather {
  before(call: Call): "throttle" | "fail" | "kill" | "dark" | undefined;
  after(call: Call): "kill" | "lose reply" | undefined;
  /** Added to the time a call takes. */
  delayMs(call: Call): number;
  /** Told of every call that was carried out. */
  done(call: Call, output: any): void;
}

/** The process a call comes from. */
export interface Process {
  readonly name: string;
  readonly execution: string | undefined;
  readonly dead: boolean;
  readonly principal: string;
  kill(why: string): void;
}

export interface Cloud {
  readonly world: World;
  readonly clock: VirtualClock;
  readonly weather: Weather;
  readonly chance: Chance;
}

const SCOPES: Record<string, string> = {
  "@aws-sdk/client-s3": "s3",
  "@aws-sdk/client-cloudwatch": "monitoring",
  "@aws-sdk/client-rds": "rds",
  "@aws-sdk/client-ec2": "ec2",
  "@aws-sdk/client-route-53": "route53",
  "@aws-sdk/client-eventbridge": "events",
  "@aws-sdk/client-kms": "kms",
  "@aws-sdk/client-lambda": "lambda",
  "@aws-sdk/client-sns": "sns",
  "@aws-sdk/client-secrets-manager": "secretsmanager",
  "@aws-sdk/client-sts": "sts",
};

interface ClientConfig {
  readonly region: string;
  readonly maxAttempts?: number;
  readonly requestHandler?: { readonly connectionTimeout?: number; readonly requestTimeout?: number };
}

type Exchange = (given: unknown) => Promise<{ readonly response: { readonly headers: { readonly date: string } }; readonly output: any }>;
type Overhears = (next: Exchange) => Exchange;
type Whole = (given: { readonly input: unknown }) => Promise<{ readonly output: any }>;
type Hears = (next: Whole, made: { readonly clientName: string; readonly commandName: string }) => Whole;

/** The module of one AWS client, for one process. */
export function sdkModule(cloud: Cloud, process: Process, name: string): unknown {
  const service = SCOPES[name];
  if (!service) throw new Error(`The simulation has no service behind ${name}; name it in lab/simulation/sdk.ts.`);
  class Command {
    readonly input: unknown;
    constructor(input: unknown) {
      this.input = input;
    }
  }
  class Client {
    private readonly config: ClientConfig;
    private readonly heard: Hears[] = [];
    private readonly overheard: Overhears[] = [];
    /** Middleware around the whole call, and next to the wire: nobody adds any other. */
    readonly middlewareStack = {
      add: (layer: Hears & Overhears, { step }: { step: string }) => (step === "initialize" ? this.heard : this.overheard).push(layer),
    };
    constructor(config: ClientConfig) {
      this.config = config;
    }
    async send({ operation, input }: Command & { readonly operation: string }): Promise<unknown> {
      const made = { clientName: `${service}Client`, commandName: `${operation}Command` };
      const call: Whole = async () => ({
        output: await send(cloud, process, service as string, operation, input, this.config, this.overheard),
      });
      return (await this.heard.reduce((next, hears) => hears(next, made), call)({ input })).output;
    }
  }
  const made: Record<string, unknown> = {};
  return new Proxy(made, {
    get(_, member) {
      const text = String(member);
      if (text.endsWith("Client")) return Client;
      if (!text.endsWith("Command")) return undefined;
      made[text] ??= class extends Command {
        readonly operation = text.slice(0, -"Command".length);
      };
      return made[text];
    },
  });
}

/** A promise of its own for each who waits: one for all would hold what every silenced call holds, for ever. */
const never = (): Promise<never> => new Promise(() => {});
const THROTTLES = ["Throttling", "ThrottlingException", "TooManyRequestsException", "SlowDown", "RequestLimitExceeded"];

export async function send(
  cloud: Cloud,
  process: Process,
  service: string,
  operation: string,
  given: any,
  config: ClientConfig,
  overheard: readonly Overhears[] = [],
): Promise<any> {
  const { clock, chance } = cloud;
  // The SDK makes the token once, so that a repeated request is known as the same.
  const input = operation === "CheckpointDurableExecution" ? { ClientToken: cloud.world.id(32), ...given } : given;
  const call: Call = { function: process.name, execution: process.execution, service, region: config.region, operation, input };
  const attempted: Exchange = async () => ({
    output: await once(cloud, process, call, config),
    response: { headers: { date: dateOf(clock.nowMs) } },
  });
  const exchange = overheard.reduce((next, overhears) => overhears(next), attempted);
  for (let attempt = 1; ; attempt++) {
    if (process.dead) return await never();
    try {
      return (await exchange({})).output;
    } catch (error) {
      const { name, $metadata } = error as { name: string; $metadata?: { httpStatusCode: number } };
      const throttled = THROTTLES.includes(name);
      const passing = throttled || name === "TimeoutError" || ($metadata?.httpStatusCode ?? 0) >= 500;
      if (process.dead) return await never();
      if (!passing || attempt >= (config.maxAttempts ?? 3)) throw error;
      // Full jitter over a doubling base (SDK: standard retry mode).
      await clock.sleep(chance.next() * Math.min(20_000, (throttled ? 500 : 100) * 2 ** (attempt - 1)));
    }
  }
}

let said = { second: -1, date: "" };

/** As HTTP says it, to the second. */
function dateOf(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (said.second !== second) said = { second, date: new Date(second * 1000).toUTCString() };
  return said.date;
}

async function once({ world, clock, weather, chance }: Cloud, process: Process, call: Call, config: ClientConfig): Promise<any> {
  const { service, operation, region } = call;
  const wayMs = 5 + Math.floor(chance.next() * 30);
  const befalls = weather.before(call);
  if (befalls === "dark") {
    await clock.sleep(config.requestHandler?.connectionTimeout ?? 1500);
    throw failure("TimeoutError", `Could not connect to ${service}.${region}.amazonaws.com`, undefined);
  }
  await clock.sleep(wayMs + weather.delayMs(call));
  if (process.dead) return await never();
  if (befalls === "kill") {
    process.kill(`before ${service}:${operation}`);
    return await never();
  }
  if (befalls === "throttle") throw throttled(service);
  if (befalls === "fail") throw failure("InternalFailure", "An internal error occurred.", 500);
  const run = world.services.get(service)?.operations[operation];
  if (!run) throw new Error(`The simulation has no ${service}:${operation}.`);
  const caller = { region, account: world.account, principal: process.principal, requestId: world.id(32) };
  let output: any;
  let refused: unknown;
  try {
    output = (await run(call.input, caller)) ?? {};
    weather.done(call, output);
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    refused = failure(error.code, error.message, error.status ?? 400);
  }
  const afterwards = weather.after(call);
  if (afterwards === "kill") {
    process.kill(`after ${service}:${operation}`);
    return await never();
  }
  if (afterwards === "lose reply") {
    await clock.sleep(chance.happens(0.5) ? 20 : (config.requestHandler?.requestTimeout ?? 8000));
    throw failure("TimeoutError", "socket hang up", undefined);
  }
  await clock.sleep(wayMs);
  if (process.dead) return await never();
  if (refused) throw refused;
  return operation === "GetObject" ? { ...output, Body: { transformToString: async () => output.Body.toString("utf8") } } : output;
}

/** What the weather makes calls fail with. A function that fails with anything else has a fault of its own. */
const WEATHER = ["InternalFailure", "SlowDown", "Throttling", "ThrottlingException", "TimeoutError", "TooManyRequestsException"];
export const isWeather = (error: Error): boolean => WEATHER.includes(error.name);

/** Each service has its own word and status for it (aws-facts A2, E; Lambda's is a 429, S3's a 503). */
function throttled(service: string): Error {
  if (service === "lambda") return failure("TooManyRequestsException", "Rate exceeded", 429);
  if (service === "s3") return failure("SlowDown", "Please reduce your request rate.", 503);
  return failure(
    service === "rds" || service === "route53" || service === "sns" ? "Throttling" : "ThrottlingException",
    "Rate exceeded",
    400,
  );
}

function failure(code: string, message: string, status: number | undefined): Error {
  const error = Object.assign(new Error(message), {
    Code: code,
    $fault: (status ?? 500) >= 500 ? "server" : "client",
    $metadata: status === undefined ? {} : { httpStatusCode: status },
  });
  error.name = code;
  return error;
}
