/** What `order` sends to `site`: which site, and under which claim. What is to be done stands in the claim. */
import * as z from "zod/mini";
import { EventRefused, type Reading } from "./refused.ts";
import { shape } from "./wake.ts";

const counted = z.int().check(z.gte(1));
const order = z.strictObject({ site: z.string(), generation: counted, attempt: counted });

export type SiteOrder = z.infer<typeof order>;

export function readSiteOrder(event: unknown, _reading: Reading): SiteOrder {
  const parsed = order.safeParse(event);
  if (parsed.success) return parsed.data;
  const field = parsed.error.issues[0]?.path.join(".");
  throw new EventRefused(
    "MalformedEvent",
    `This is no order (${shape(event)})${field ? `: look at "${field}"` : ""}.`,
    'Expected: {"site": "web", "generation": 1, "attempt": 1}',
  );
}
