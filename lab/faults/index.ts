// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Breaking things on purpose: the one place where a fault is put in force, listed and ended, whoever asks for it. Holds the parts
 * together and gives the lab the hooks they need; what each word does is in its own file.
 */
import type { IncomingMessage } from "node:http";
import type { Lambda } from "../cloud/lambda/index.ts";
import type { RdsService } from "../cloud/rds/index.ts";
import { controlPlaneDark } from "../cloud/route53-control.ts";
import type { Caller, Operation, Service, World } from "../cloud/world.ts";
import type { WireCall } from "../wire/server.ts";
import { quotasOf, unavailable } from "./answers.ts";
import { breakDatabase, isDatabaseFault, type Undo } from "./databases.ts";
import { type Carried, EventFaults } from "./events.ts";
import { FunctionFaults } from "./functions.ts";
import { darkenDatabases, darkFor, Silence } from "./regions.ts";
import { fits, type InForce, Registry } from "./registry.ts";
import { callingFunction, requestFaults } from "./requests.ts";
import { Past } from "./stale.ts";
import { checkFault, type Fault, FaultRefused } from "./vocabulary.ts";

export type { InForce } from "./registry.ts";
export type { Fault } from "./vocabulary.ts";

export interface Injected extends Omit<InForce, "strikes"> {
  /** Ends the fault and takes back what it did. A killed database stays dead until it is rebooted. */
  stop(): Promise<void>;
}

export interface Faults {
  /** Puts a fault in force. Rejects with FaultRefused, which names the field and what was expected. */
  inject(fault: Fault): Promise<Injected>;
  list(): InForce[];
  /** Ends one fault; false when none has that id. */
  end(id: string): Promise<boolean>;
  /** Ends all of them. */
  clear(): Promise<void>;
}

export interface FaultHooks {
  /** Before an operation that came over the wire. */
  before(request: IncomingMessage, call: WireCall): Promise<undefined | "lose reply">;
  /** The service with faults around its operations. */
  around<S extends Service>(service: S): S;
  /** On an event's way to a bus. */
  carry(region: string, event: Carried, handOn: () => void): void;
  /** Variables a function's process is started with. */
  variables(functionName: string): Record<string, string>;
}

/** Services may be made after the faults: they are asked for when a fault needs them. */
export interface Breakable {
  readonly rds?: () => RdsService;
  readonly lambda?: () => Lambda;
}

export function createFaults(world: World, parts: Breakable = {}): Faults & FaultHooks {
  const need = <T>(part: (() => T) | undefined, name: string) => {
    if (part) return part();
    throw new FaultRefused([{ field: "fault", problem: `this lab has no ${name}` }]);
  };
  const registry = new Registry(world);
  const silence = new Silence();
  const functions = new FunctionFaults(registry, () => need(parts.lambda, "lambda"));
  const events = new EventFaults(world, registry);
  const pasts = new Map<string, Past>();

  /** What a fault does at once, beside what it will do to calls and events. */
  async function begin(id: string, fault: Fault): Promise<Undo | undefined> {
    if (isDatabaseFault(fault)) return await breakDatabase(world, need(parts.rds, "rds"), fault);
    if (fault.fault === "regionDark") {
      const back = parts.rds ? await darkenDatabases(world, parts.rds().faults, fault.region) : undefined;
      return async () => {
        silence.release(id);
        await back?.();
      };
    }
    if (fault.fault === "staleRead") {
      const past = new Past(world, fault.service, fault.ms);
      pasts.set(id, past);
      await past.begin();
      return () => {
        past.stop();
        pasts.delete(id);
      };
    }
    if (fault.fault === "eventsReordered") return () => events.release(id);
    if (fault.fault === "controlPlaneDark") {
      // Changes under way stay PENDING too: that is Route 53's own to do.
      controlPlaneDark(world, true);
      return () => {
        if (registry.of("controlPlaneDark").length === 0) controlPlaneDark(world, false);
      };
    }
    return () => {};
  }

  const faults: Faults = {
    async inject(given) {
      const fault = checkFault(given);
      if (fault.fault === "quotaFull" && !quotasOf(fault.service).includes(fault.quota))
        throw new FaultRefused([{ field: "quota", problem: `expected one of ${quotasOf(fault.service).join(", ")} for ${fault.service}` }]);
      const entry = registry.add(fault);
      const { id, sinceMs } = entry;
      try {
        const undo = await begin(id, fault);
        if (undo) await registry.undoWith(id, undo);
        else await registry.end(id);
      } catch (error) {
        await registry.end(id);
        throw error;
      }
      return { id, fault, sinceMs, stop: async () => void (await registry.end(id)) };
    },
    list: () => registry.list(),
    end: (id) => registry.end(id),
    async clear() {
      for (const { id } of registry.list()) await registry.end(id);
    },
  };

  /** A service of a dark region reaches nobody, and nobody reaches it. The lab's own looks (`service:…`) see everything. */
  function inTheDark(service: string, operation: string, input: any, caller: Caller): boolean {
    if (!caller.principal.endsWith(".amazonaws.com")) return false;
    const born = service === "events" && operation === "LabDeliver" ? input.event?.region : undefined;
    const crosses = born !== undefined && born !== caller.region;
    if (crosses && darkFor(world, registry, born, undefined)) return true;
    // What is born in the dark goes on there.
    return (crosses || service !== "events") && darkFor(world, registry, caller.region, undefined) !== undefined;
  }

  function wrap(service: string, operation: string, run: Operation): Operation {
    return (input, caller) => {
      if (inTheDark(service, operation, input, caller)) throw unavailable();
      if (service === "lambda" && operation === "Invoke" && isLost(input, caller)) return { StatusCode: 202 };
      const outside = !caller.principal.startsWith("service:");
      if (outside && functions.isDoomed(caller.requestId))
        return (async () => {
          try {
            return await run(input, caller);
          } finally {
            functions.afterwards(caller.requestId);
          }
        })();
      const stale = outside ? staleFor(service, operation, caller) : undefined;
      return stale ? stale.answer(operation, input, caller.region, () => run(input, caller)) : run(input, caller);
    };
  }

  /** Executions that are started by name are Lambda's to keep: only plain events are lost. */
  function isLost(input: any, caller: Caller): boolean {
    if (input.InvocationType !== "Event" || input.DurableExecutionName) return false;
    const name =
      String(input.FunctionName)
        .replace(/^arn:[^:]+:lambda:[^:]+:\d+:function:/, "")
        .split(":")[0] ?? "";
    return registry
      .of("invokeLost")
      .some((each) => fits(each.fault.function, name) && registry.strikes(each, `an event for ${name}`, caller.region));
  }

  function staleFor(service: string, operation: string, caller: Caller): Past | undefined {
    if (!/^(Describe|List)/.test(operation) || caller.account !== world.account) return undefined;
    const name = callingFunction(caller.principal);
    for (const each of registry.of("staleRead")) {
      if (each.fault.service !== service || (each.fault.function !== undefined && !fits(each.fault.function, name ?? ""))) continue;
      const past = pasts.get(each.id);
      if (past && registry.strikes(each, `${service}:${operation}`, caller.region)) return past;
    }
    return undefined;
  }

  return {
    ...faults,
    before: requestFaults(world, registry, silence, functions),
    around: (service) =>
      Object.create(service, {
        operations: {
          enumerable: true,
          value: Object.fromEntries(Object.entries(service.operations).map(([name, run]) => [name, wrap(service.name, name, run)])),
        },
      }),
    carry: (region, event, handOn) => events.carry(region, event, handOn),
    variables: (name) => functions.variables(name),
  };
}
