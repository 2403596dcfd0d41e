/**
 * The shop's client, a process of its own: writes one order every tick through the DNS name over one connection, keeps answers no
 * longer than their TTL, reconnects at the next tick after any error. Reports every acknowledged order to its parent.
 * It knows the name and nothing else: what happens behind it is what an application would see.
 */
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { type Answer, lookUp } from "./lookup.ts";

export interface ClientSettings {
  readonly dns: { readonly host: string; readonly port: number };
  readonly name: string;
  readonly port: number;
  readonly database: string;
  readonly username: string;
  readonly password: string;
  readonly tickMs: number;
}

export type ClientReport =
  | { readonly kind: "acknowledged"; readonly order: number; readonly sentAtMs: number; readonly atMs: number; readonly address: string }
  | { readonly kind: "trouble"; readonly order: number; readonly atMs: number; readonly message: string }
  | { readonly kind: "stopped"; readonly orders: number };

const PATIENCE_MS = 1000;
const settings = JSON.parse(process.env.SHOP_CLIENT ?? "null") as ClientSettings;
const report = (line: ClientReport) => process.send?.(line);

let stopping = false;
process.on("message", () => {
  stopping = true;
});
process.on("disconnect", () => process.exit(0));

let kept: (Answer & { until: number }) | undefined;
async function address(): Promise<string> {
  if (!kept || Date.now() >= kept.until) {
    const answer = await lookUp(settings.dns, settings.name);
    if (!answer) throw new Error(`${settings.name} does not resolve`);
    kept = { ...answer, until: Date.now() + answer.ttlSeconds * 1000 };
  }
  return kept.address;
}

let connection: { client: pg.Client; address: string } | undefined;
async function connected(): Promise<{ client: pg.Client; address: string }> {
  if (connection) return connection;
  const host = await address();
  const client = new pg.Client({
    ...settings,
    user: settings.username,
    host,
    connectionTimeoutMillis: PATIENCE_MS,
    query_timeout: PATIENCE_MS,
    application_name: "shop",
  });
  client.on("error", () => drop());
  try {
    await client.connect();
  } catch (error) {
    destroy(client);
    throw error;
  }
  connection = { client, address: host };
  return connection;
}

function destroy(client: pg.Client): void {
  void client.end().catch(() => {});
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

function drop(): void {
  if (connection) destroy(connection.client);
  connection = undefined;
}

let order = 0;
for (let next = Date.now(); !stopping; next = Math.max(next + settings.tickMs, Date.now())) {
  await pause(Math.max(0, next - Date.now()));
  order++;
  const sentAtMs = Date.now();
  try {
    const through = await connected();
    await through.client.query("insert into orders (id, item, sent_at_ms) values ($1, $2, $3)", [order, `item ${order % 7}`, sentAtMs]);
    report({ kind: "acknowledged", order, sentAtMs, atMs: Date.now(), address: through.address });
  } catch (error) {
    drop();
    report({ kind: "trouble", order, atMs: Date.now(), message: (error as Error).message });
  }
}
drop();
report({ kind: "stopped", orders: order });
process.disconnect();
