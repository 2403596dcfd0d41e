/** Orders: what `watch` and `snapshot` send to the durable functions, and an operator by hand. Checked field by field. */
import * as z from "zod/mini";
import type { Reading } from "./refused.ts";
import { EventRefused } from "./refused.ts";
import { shape } from "./wake.ts";

const counted = z.int().check(z.gte(1));
const move = z.strictObject({
  kind: z.enum(["failover", "switchover", "failback", "rebuild", "afterwards"]),
  database: z.string(),
  generation: counted,
  attempt: counted,
});
const backup = z.strictObject({ database: z.string(), slot: z.string().check(z.regex(/^\d{8}t\d{4}$/)) });

export type MoveOrder = z.infer<typeof move>;
export type BackupOrder = z.infer<typeof backup>;

export const readMoveOrder = (event: unknown, _reading: Reading): MoveOrder =>
  order(move, event, '{"kind": "failover", "database": "shop", "generation": 1, "attempt": 1}');

export const readBackupOrder = (event: unknown, _reading: Reading): BackupOrder =>
  order(backup, event, '{"database": "shop", "slot": "20261121t0900"}');

function order<Order>(schema: z.ZodMiniType<Order>, event: unknown, example: string): Order {
  const parsed = schema.safeParse(event);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".");
  throw new EventRefused(
    "MalformedEvent",
    `This is no order (${shape(event)})${field ? `: look at "${field}"` : ""}.`,
    `Expected: ${example}`,
  );
}
