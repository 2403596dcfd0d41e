/** What `order` hands over to `watch`: a request by its name, or an order to look through. Neither is believed beyond its form. */
import * as z from "zod/mini";
import type { Order } from "../core/facts.ts";

export type HandOver =
  | { readonly kind: "request"; readonly database: string; readonly request: string }
  | { readonly kind: "look"; readonly database: string; readonly order: Order };

const request = z.strictObject({ database: z.string(), request: z.string() });
const look = z.strictObject({
  database: z.string(),
  order: z.strictObject({
    id: z.string(),
    verb: z.enum(["failover", "switchover", "failback", "reboot-failover"]),
    target: z.nullable(z.string()),
    overrides: z.array(z.int()),
    reason: z.string(),
    by: z.string(),
    atMs: z.number(),
    generation: z.int(),
    allowDataLoss: z.optional(z.boolean()),
  }),
});

/** null: something else woke it. */
export function readHandOver(event: unknown): HandOver | null {
  const named = request.safeParse(event);
  if (named.success) return { kind: "request", ...named.data };
  const asked = look.safeParse(event);
  return asked.success ? { kind: "look", ...asked.data } : null;
}
