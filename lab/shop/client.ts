/**
 * The shop's client, a process of its own: writes one order every tick through the DNS name over one connection, keeps answers no
 * longer than their TTL, gives a connection up that is not there when the answer it goes by has run out, reconnects at the next tick
 * after any error. Reports every acknowledged order to its parent.
 * It knows the name and nothing else: what happens behind it is what an application would see.
 */
import { setTimeout as pause } from "node:timers/promises";
import { type Answer, lookUp } from "./lookup.ts";
import { openSession, type ShopAccess, type ShopSession } from "./session.ts";

export interface ClientSettings extends Omit<ShopAccess, "host"> {
  readonly dns: { readonly host: string; readonly port: number };
  readonly name: string;
  readonly tickMs: number;
  /** How long a connection or an order may take before it is given up; a second, if nothing is said. */
  readonly patienceMs?: number;
}

export type ClientReport =
  | { readonly kind: "looked up"; readonly atMs: number; readonly address: string; readonly untilMs: number }
  | { readonly kind: "acknowledged"; readonly order: number; readonly sentAtMs: number; readonly atMs: number; readonly address: string }
  | { readonly kind: "trouble"; readonly order: number; readonly atMs: number; readonly message: string }
  | { readonly kind: "stopped"; readonly orders: number };

const settings = JSON.parse(process.env.SHOP_CLIENT ?? "null") as ClientSettings;
const patienceMs = settings.patienceMs ?? 1000;
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
    const atMs = Date.now();
    kept = { ...answer, until: atMs + answer.ttlSeconds * 1000 };
    report({ kind: "looked up", atMs, address: kept.address, untilMs: kept.until });
  }
  return kept.address;
}

let connection: { session: ShopSession; address: string } | undefined;
async function connected(): Promise<{ session: ShopSession; address: string }> {
  if (connection) return connection;
  const host = await address();
  const leftMs = kept && kept.ttlSeconds > 0 ? kept.until - Date.now() : patienceMs;
  const session = await inTime(openSession({ ...settings, host }, patienceMs, drop), leftMs);
  connection = { session, address: host };
  return connection;
}

async function inTime(opening: Promise<ShopSession>, leftMs: number): Promise<ShopSession> {
  const given = new AbortController();
  const expired = pause(Math.max(0, leftMs), null, { signal: given.signal }).catch(() => null);
  const session = await Promise.race([opening, expired]).finally(() => given.abort());
  if (session) return session;
  void opening.then(
    (late) => late.drop(),
    () => {},
  );
  throw new Error(`${settings.name} is to be asked again: its answer ran out before anybody answered there`);
}

function drop(): void {
  connection?.session.drop();
  connection = undefined;
}

let order = 0;
for (let next = Date.now(); !stopping; next = Math.max(next + settings.tickMs, Date.now())) {
  await pause(Math.max(0, next - Date.now()));
  order++;
  const sentAtMs = Date.now();
  try {
    const through = await connected();
    await through.session.keep({ id: order, item: `item ${order % 7}`, sentAtMs });
    report({ kind: "acknowledged", order, sentAtMs, atMs: Date.now(), address: through.address });
  } catch (error) {
    drop();
    report({ kind: "trouble", order, atMs: Date.now(), message: (error as Error).message });
  }
}
drop();
report({ kind: "stopped", orders: order });
process.disconnect();
