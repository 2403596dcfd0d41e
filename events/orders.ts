/** Orders: what `watch` and `snapshot` send to the durable functions, and an operator by hand. Checked field by field. */
import * as z from "zod/mini";
import { region } from "../core/plan/forms.ts";
import type { Reading } from "./refused.ts";
import { EventRefused } from "./refused.ts";
import { shape } from "./wake.ts";

const counted = z.int().check(z.gte(1));
const move = z.strictObject({
  kind: z.enum(["failover", "switchover", "failback", "reboot-failover", "restore", "native", "rebuild", "afterwards", "warm"]),
  database: z.string(),
  generation: counted,
  attempt: counted,
});
const backup = z.strictObject({
  database: z.string(),
  slot: z.string().check(z.regex(/^\d{8}t\d{4}$/)),
  from: z.optional(region),
});

const machine = z.strictObject({ machine: z.string(), slot: z.string().check(z.regex(/^\d{8}t\d{4}$/)) });

const nullable = z.nullable(z.string());
const restore = z.strictObject({
  database: z.string(),
  order: z.string(),
  generation: counted,
  name: z.string(),
  from: nullable,
  at: nullable,
  region: nullable,
  by: z.string(),
  reason: z.string(),
  request: nullable,
  again: z.boolean(),
});

const drill = z.strictObject({
  database: z.string(),
  name: z.string().check(z.regex(/^understudy-drill-[a-z0-9-]{1,46}$/)),
  by: nullable,
});

const offsite = z.strictObject({ database: z.string(), name: z.string().check(z.regex(/^understudy-offsite-[a-z0-9-]{1,44}$/)) });

const bucket = z.strictObject({ bucket: z.string(), name: z.string().check(z.regex(/^understudy-bucket-[a-z0-9-]{1,44}$/)) });

export type BucketOrder = z.infer<typeof bucket>;
export type MachineOrder = z.infer<typeof machine>;
const vault = z.strictObject({ database: z.string(), slot: backup.shape.slot });

export type VaultOrder = z.infer<typeof vault>;
export type OffsiteOrder = z.infer<typeof offsite>;
export type DrillOrder = z.infer<typeof drill>;
export type RestoreOrder = z.infer<typeof restore>;
export type MoveOrder = z.infer<typeof move>;
export type BackupOrder = z.infer<typeof backup>;

export const readMoveOrder = (event: unknown, _reading: Reading): MoveOrder =>
  order(move, event, '{"kind": "failover", "database": "shop", "generation": 1, "attempt": 1}');

export const readBackupOrder = (event: unknown, _reading: Reading): BackupOrder =>
  order(backup, event, '{"database": "shop", "slot": "20261121t0900"}');

export const readMachineOrder = (event: unknown, _reading: Reading): MachineOrder =>
  order(machine, event, '{"machine": "web-1", "slot": "20261121t0900"}');

export const readDrillOrder = (event: unknown, _reading: Reading): DrillOrder =>
  order(drill, event, '{"database": "shop", "name": "understudy-drill-shop-20261121t090000", "by": null}');

export const readOffsiteOrder = (event: unknown, _reading: Reading): OffsiteOrder =>
  order(offsite, event, '{"database": "shop", "name": "understudy-offsite-shop-20261121"}');

export const readBucketOrder = (event: unknown, _reading: Reading): BucketOrder =>
  order(bucket, event, '{"bucket": "uploads", "name": "understudy-bucket-uploads-20261121"}');

export const readVaultOrder = (event: unknown, _reading: Reading): VaultOrder =>
  order(vault, event, '{"database": "shop", "slot": "20261121t0900"}');

export const readRestoreOrder = (event: unknown, _reading: Reading): RestoreOrder =>
  order(
    restore,
    event,
    '{"database": "shop", "order": "k3v9x2m4p7q1", "generation": 1, "name": "shop-restored-20261121t090000", "from": null, "at": null, "region": null, "by": "alice", "reason": "a look at last week", "request": null, "again": false}',
  );

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
