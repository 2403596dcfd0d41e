/** What every function shares: read the event once, answer a refused one with its reason. Everything else is Lambda's to retry. */
import type { MiddlewareObj } from "@middy/core";
import type { BucketPlan, MachinePlan } from "../core/plan/schema.ts";
import { EventRefused, type Reading } from "../events/refused.ts";
import type { Wake } from "../events/wake.ts";
import { type Protected, protectedDatabase, protectedDatabases, readSettings } from "../runbooks/settings.ts";

export interface Refusal {
  readonly error: { readonly name: string; readonly message: string; readonly hint: string };
}

export function reads<Event>(read: (event: unknown, reading: Reading) => Event): MiddlewareObj<Event> {
  return {
    before: (request) => {
      request.event = read(request.event, { account: readSettings().account, nowMs: Date.now() });
    },
    onError: (request) => {
      if (!(request.error instanceof EventRefused)) return;
      const { name, message, hint } = request.error;
      console.warn(JSON.stringify({ what: "event refused", name, message, hint }));
      request.response = { error: { name, message, hint } } satisfies Refusal;
    },
  };
}

/** The database a wake names, or all of the plan. */
export function databasesOf(wake: Wake): Protected[] {
  const { plan } = readSettings();
  return "database" in wake && wake.database ? [protectedDatabase(plan, wake.database)] : protectedDatabases(plan);
}

/** None when a wake names a database. */
export const machinesOf = (wake: Wake): readonly MachinePlan[] =>
  "database" in wake && wake.database ? [] : (readSettings().plan.machines ?? []);

export const bucketsOf = (wake: Wake): readonly BucketPlan[] =>
  "database" in wake && wake.database ? [] : (readSettings().plan.buckets ?? []);
