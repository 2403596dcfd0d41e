/**
 * Faults of functions: their sudden death, and a wrong clock. Which call kills whom is decided in requests.ts.
 */
import type { Lambda } from "../cloud/lambda/index.ts";
import { fits, type Registry } from "./registry.ts";

export class FunctionFaults {
  private readonly faults: Registry;
  private readonly lambda: () => Lambda;
  /** Functions to kill once the operation of a request has had its effect, by request id. */
  private readonly doomed = new Map<string, string>();

  constructor(faults: Registry, lambda: () => Lambda) {
    this.faults = faults;
    this.lambda = lambda;
  }

  /** Ends every process of the function at once, with whatever else it was doing. */
  kill(name: string): void {
    this.lambda().kill(name);
  }

  killAfter(requestId: string, name: string): void {
    this.doomed.set(requestId, name);
  }

  /** Called when a request's operation has ended. */
  afterwards(requestId: string): void {
    const name = this.doomed.get(requestId);
    if (name === undefined) return;
    this.doomed.delete(requestId);
    this.kill(name);
  }

  isDoomed(requestId: string): boolean {
    return this.doomed.has(requestId);
  }

  /** What a function's process is started with, beside its own environment. */
  variables(name: string): Record<string, string> {
    let seconds = 0;
    for (const { fault } of this.faults.of("clockSkew")) if (fits(fault.function, name)) seconds += fault.seconds;
    return seconds === 0 ? {} : { LAB_CLOCK_SKEW_MS: String(seconds * 1000) };
  }
}
