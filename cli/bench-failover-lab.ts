/** A new lab with one shop and its client for each measured run, and what is asked of both afterwards. */
import type { DatabasePlan, Plan } from "../core/plan/schema.ts";
import type { LabEvent } from "../lab/cloud/world.ts";
import { type ShopDatabase, seedShop } from "../lab/estate.ts";
import { throwawayFolder } from "../lab/folder.ts";
import { type Lab, startLab } from "../lab/lab.ts";
import { endpoint, waitFor } from "../lab/look.ts";
import { countLost } from "../lab/shop/orders.ts";
import { Traffic } from "../lab/shop/traffic.ts";

const TICK_MS = 20;
/** The client's own: how long it waits for a server that says nothing, before it asks the name again. */
export const CLIENT_PATIENCE_MS = 250;

export interface Bench {
  readonly lab: Lab;
  readonly plan: Plan;
  /** The first database of the plan: the one that is killed. */
  readonly name: string;
  readonly access: ShopDatabase;
  readonly traffic: Traffic;
  close(): Promise<void>;
}

const open = new Set<() => Promise<void>>();

/** For a measurement that is broken off: no server of a lab outlives it. */
export async function closeBenches(): Promise<void> {
  await Promise.allSettled([...open].map((close) => close()));
}

/** `packaged`: Understudy for this plan; null leaves it out. */
export async function openBench(plan: Plan, packaged: string | null, seed: number): Promise<Bench> {
  const lab = await startLab({ folder: throwawayFolder(), seed });
  let traffic: Traffic | undefined;
  const close = async () => {
    if (!open.delete(close)) return;
    await traffic?.stop();
    await lab.close();
  };
  open.add(close);
  try {
    const [access] = await lab.estate(plan);
    if (!access) throw new Error("the plan has no database");
    const database = databaseOf(plan, access.name);
    await seedShop(await endpoint(lab, database.primary.region, database.primary.instance), database.database, access);
    if (packaged !== null) await lab.deploy(plan, packaged);
    const client = new Traffic({
      dns: { host: "127.0.0.1", port: lab.dns.port },
      engine: access.engine,
      name: recordOf(plan, access.name).name,
      port: database.port,
      database: database.database,
      username: access.username,
      password: access.password,
      tickMs: TICK_MS,
      patienceMs: CLIENT_PATIENCE_MS,
    });
    traffic = client;
    await waitFor("the client's first order", 20_000, () => client.last);
    return { lab, plan, name: access.name, access, traffic: client, close };
  } catch (error) {
    await close();
    throw error;
  }
}

export const databaseOf = (plan: Plan, name: string) => plan.databases[name] as DatabasePlan;
export const hotStandbyOf = (database: DatabasePlan) => database.standbys[0] as DatabasePlan["standbys"][number];
export const recordOf = (plan: Plan, name: string) => plan.records.find((record) => record.database === name) as Plan["records"][number];

/** The primary's processes end at once, as by kill -9; the moment. */
export async function killPrimary({ lab, plan, name }: Bench): Promise<number> {
  const { primary } = databaseOf(plan, name);
  const atMs = Date.now();
  await lab.rds.faults.kill(primary.region, primary.instance);
  return atMs;
}

export interface ClientsSide {
  readonly firstWriteAtMs: number;
  /** When the client's answer of before the change had run out. */
  readonly keptUntilMs: number;
}

/** Waits until the client has written at another address than before. */
export async function clientWrites({ traffic }: Bench, killedAtMs: number, patienceMs: number): Promise<ClientsSide> {
  const before = traffic.lookedUp.findLast(({ atMs }) => atMs <= killedAtMs)?.address;
  const isNew = ({ address }: { address: string }) => address !== before;
  const first = await waitFor("the client to write again", patienceMs, () =>
    traffic.acknowledged.find((one) => one.sentAtMs > killedAtMs && isNew(one)),
  );
  const old = traffic.lookedUp.findLast((one) => one.atMs <= first.atMs && !isNew(one));
  return { firstWriteAtMs: first.atMs, keptUntilMs: old?.untilMs ?? killedAtMs };
}

/** Orders that were acknowledged and are not in the new primary. */
export async function lostOrders({ lab, plan, name, access, traffic }: Bench): Promise<number> {
  await traffic.stop();
  const database = databaseOf(plan, name);
  const standby = hotStandbyOf(database);
  const acknowledged = traffic.acknowledged.map(({ order }) => order);
  return (await countLost(await endpoint(lab, standby.region, standby.instance), database.database, access, acknowledged)).length;
}

/** The first line of the story after a moment that says so. */
export function momentOf(lab: Lab, afterMs: number, kind: LabEvent["kind"], words: string): number {
  const found = lab.world.story.find((event) => event.at >= afterMs && event.kind === kind && event.what.includes(words));
  if (!found) throw new Error(`the lab's story tells of no ${kind} with "${words}"`);
  return found.at;
}

/** AWS's own part: from what was asked to what was then so. */
export const betweenMs = (lab: Lab, afterMs: number, asked: [LabEvent["kind"], string], done: [LabEvent["kind"], string]): number => {
  const from = momentOf(lab, afterMs, ...asked);
  return momentOf(lab, from, ...done) - from;
};
