/**
 * What stands before every Route 53 call: the account's five requests a second, and the control plane's light switch. The
 * control plane lives in us-east-1; DNS answers and health checks do not pass through here, so they go on in the dark.
 */
import { ServiceError } from "../wire/errors.ts";
import { type Darkness, stateOf } from "./route53-state.ts";
import type { Caller, Operation, World } from "./world.ts";

const REQUESTS_A_SECOND = 5;
const DARK_LOOK_MS = 100;

/** Stands for the loss of us-east-1. Changes accepted before it and not yet in sync stay PENDING until the light is back. */
export function controlPlaneDark(world: World, on: boolean, how: Darkness = "refuses"): void {
  const state = stateOf(world);
  if (on) state.dark = how;
  else delete state.dark;
  const what = on ? `the control plane of Route 53 is dark: it ${how === "hangs" ? "does not answer" : "answers 503"}` : "it answers again";
  world.tell({ kind: "fault", region: "us-east-1", service: "route53", what: on ? what : `the control plane of Route 53: ${what}` });
}

/** The lab building its world is not a caller: it waits for nobody. */
const isTheLab = (caller: Caller) => caller.principal === "service:lab";

/** Puts light and limit before an operation. `throttle` false takes the limit away. */
export function guarded(world: World, throttle: boolean): (run: Operation) => Operation {
  let tokens = REQUESTS_A_SECOND;
  let filledAt = world.now();

  /** A token bucket over every operation, as the limit is the account's. Calls inside the lab do not count. */
  function take(caller: Caller): void {
    if (!throttle || caller.principal.startsWith("service:")) return;
    const now = world.now();
    tokens = Math.min(REQUESTS_A_SECOND, tokens + ((now - filledAt) / 1000) * REQUESTS_A_SECOND);
    filledAt = now;
    if (tokens < 1) throw new ServiceError("Throttling", "Rate exceeded", 400);
    tokens -= 1;
  }

  async function refuse(): Promise<never> {
    while (stateOf(world).dark === "hangs") await world.sleep(DARK_LOOK_MS);
    throw new ServiceError("ServiceUnavailable", "The service is currently unavailable.", 503);
  }

  return (run) => (input, caller) => {
    if (stateOf(world).dark && !isTheLab(caller)) return refuse();
    take(caller);
    return run(input, caller);
  };
}
