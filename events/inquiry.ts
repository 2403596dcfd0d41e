/** What an operator asks `status`: the state of everything, or the evidence of a database's moves. Asking changes nothing. */
import * as z from "zod/mini";
import { EventRefused, type Reading } from "./refused.ts";
import { readWake, type Wake } from "./wake.ts";

export type Inquiry = Wake | { readonly kind: "evidence"; readonly database: string; readonly execution: string | null };

const SHORT = /^[a-z][a-z0-9-]{0,80}$/;
const asked = z.strictObject({
  evidence: z.string().check(z.regex(SHORT)),
  execution: z.optional(z.string().check(z.regex(SHORT))),
});

export function readInquiry(event: unknown, reading: Reading): Inquiry {
  if (event === null || typeof event !== "object" || !("evidence" in event)) return readWake(event, reading);
  const parsed = asked.safeParse(event);
  if (parsed.success) return { kind: "evidence", database: parsed.data.evidence, execution: parsed.data.execution ?? null };
  throw new EventRefused(
    "MalformedEvent",
    `This asks for no evidence: look at "${parsed.error.issues[0]?.path.join(".")}".`,
    'Expected: {"evidence": "shop"} or {"evidence": "shop", "execution": "move-shop-g1-a1"}',
  );
}
