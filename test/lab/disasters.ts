/**
 * Disasters with real databases, the same for each engine: those in which the standby must take over and those in which nothing may be
 * touched. What is expected of each, and why, is the table in docs/disasters.md.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect, inject, onTestFinished } from "vitest";
import { packageProduct } from "../../cli/package.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { engineOf, type Target } from "../../databases/engines.ts";
import { engineNamed } from "../../lab/engines/engines.ts";
import type { Fault } from "../../lab/faults/vocabulary.ts";
import { endpoint, waitFor } from "../../lab/look.ts";
import { openSession } from "../../lab/shop/session.ts";
import type { Traffic } from "../../lab/shop/traffic.ts";
import { Onlooker } from "./onlooker.ts";
import { Shop } from "./shop.ts";

export type EngineName = "postgres" | "mariadb";
/** Many stages in one story: on a busy machine each takes its time. */
export const PATIENCE_MS = 240_000;
export const REGION = "eu-central-1";
const EFFECTS = ["rds:PromoteReadReplica", "rds:ModifyDBInstance", "rds:RebootDBInstance", "route53:ChangeResourceRecordSets"];
const TWO_DAYS_SECONDS = 172_800;

/** Says why an engine's tests cannot run here; null: they can. */
export async function missing(engine: EngineName): Promise<string | null> {
  const why = await engineNamed(engine)
    .version()
    .then(
      () => null,
      (error: Error) => error.message,
    );
  if (why) console.warn(`The disasters of ${engine} are skipped. ${why}`);
  return why;
}

/** The tests' plan for an engine, compiled. `name`: each test file has a folder of its own. */
export async function productFor(engine: EngineName, name: string): Promise<{ plan: Plan; folder: string } | undefined> {
  if (engine === "postgres") return undefined;
  const text = readFileSync(inject("planFile"), "utf8").replace("engine: postgres", "engine: mariadb").replace("port: 5432", "port: 3306");
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const dist = join(import.meta.dirname, "..", "..", "dist");
  mkdirSync(dist, { recursive: true });
  writeFileSync(join(dist, `${name}-plan.yml`), text);
  return { plan: parsed.plan, folder: await packageProduct(join(dist, `${name}-plan.yml`), `dist/${name}`) };
}

export class Disasters {
  readonly shop: Shop;
  readonly engine: EngineName;
  readonly traffic: Traffic;
  readonly onlooker: Onlooker;

  private constructor(shop: Shop, engine: EngineName, traffic: Traffic, onlooker: Onlooker) {
    this.shop = shop;
    this.engine = engine;
    this.traffic = traffic;
    this.onlooker = onlooker;
  }

  /** A shop with a client that writes and an onlooker. */
  static async open(engine: EngineName, product: { plan: Plan; folder: string } | undefined): Promise<Disasters> {
    const shop = await Shop.open(product ? { product } : {});
    const traffic = shop.traffic();
    await waitFor("the client to write", 10_000, () => traffic.acknowledged.length > 20);
    const onlooker = await Onlooker.start(shop, "shop-a", "shop-b");
    onTestFinished(() => onlooker.verdict().then(() => {}));
    await waitFor("the onlooker to see the primary at work", 10_000, () => onlooker.writers.includes("shop-a"));
    return new Disasters(shop, engine, traffic, onlooker);
  }

  private cluster(instance: string) {
    return this.shop.lab.rds.cluster(REGION, instance);
  }

  async target(instance: string): Promise<Target> {
    const { username, password } = this.shop.access;
    return { ...(await endpoint(this.shop.lab, REGION, instance)), database: "shop", username, password };
  }

  /** Unless told otherwise, a session that waits for minutes, as an application without a timeout does. */
  async session(instance: string, timeoutMs = 100_000) {
    const session = await openSession({ engine: this.engine, ...(await this.target(instance)) }, timeoutMs);
    onTestFinished(() => session.drop());
    return session;
  }

  watch(): Promise<{ rule: number; sentence: string; execution: string | null }[]> {
    return this.shop.invoke("watch", {});
  }

  /** The watcher comes to one of these rules, and starts nothing. */
  async held(what: string, ...rules: number[]): Promise<void> {
    let last = "nothing";
    await waitFor(`${what}: rule ${rules.join(" or ")}`, 30_000, async () => {
      const [answer] = await this.watch();
      if (last !== answer?.sentence) console.log(`${this.engine}, ${what}: ${answer?.sentence}`);
      last = answer?.sentence ?? "nothing";
      return rules.includes(answer?.rule ?? 0);
    });
    await this.untouched();
  }

  async untouched(): Promise<void> {
    expect(await this.shop.record()).toMatchObject({ generation: 1, primary: "shop-a", claim: null, attempts: 0 });
    for (const operation of EFFECTS) expect(this.shop.calls(operation), operation).toEqual([]);
  }

  /** While a fault is in force the watcher holds by one of these rules; when it has ended all is well again. */
  async during(what: string, faults: readonly Fault[], ...rules: number[]): Promise<void> {
    const inForce = [];
    for (const fault of faults) inForce.push(await this.shop.lab.faults.inject(fault));
    await this.held(what, ...rules);
    for (const each of inForce) await each.stop();
    await this.well();
  }

  async well(): Promise<void> {
    const since = Date.now();
    await waitFor("all to be well again", 40_000, async () => {
      const vote = await this.shop.json<{ primarySeen: string; linkSeen: string; lagSeconds: number | null; atMs: number }>(
        "databases/shop/vote.json",
      );
      return vote && vote.atMs > since && vote.primarySeen === "alive" && vote.linkSeen === "streaming" && (vote.lagSeconds ?? 99) < 2;
    });
    await waitFor("the client to write again", 20_000, () => this.traffic.firstAfter(since));
  }

  /** The heart's newest beat on the standby is two days old, and no other will come. */
  async stopReplicationTwoDaysAgo(): Promise<void> {
    const { faults } = this.shop.lab.rds;
    const agedMs = TWO_DAYS_SECONDS * 1000;
    const beats = async (instance: string) => {
      const [row] = await this.cluster(instance).query("select max(at_ms) as at from understudy.heartbeat", { database: "shop" });
      return Number(row?.at);
    };
    // The probe beats each second: its next beat may come in between.
    for (let tries = 0; tries < 20; tries++) {
      await this.cluster("shop-a").query(`update understudy.heartbeat set at_ms = at_ms - ${agedMs}`, { database: "shop" });
      await waitFor("a beat to arrive", 5000, async () => (await beats("shop-b")) > 0);
      await new Promise((resolve) => setTimeout(resolve, 50));
      await faults.stopReplication(REGION, "shop-b");
      if ((await beats("shop-b")) < Date.now() - agedMs / 2) return;
      await faults.resumeReplication(REGION, "shop-b");
    }
    throw new Error("the standby never stood still with the old beat");
  }

  /** Orders that are on the standby once it has applied everything it received. */
  async received(): Promise<Set<number>> {
    const target = await this.target("shop-b");
    await waitFor("the standby to apply what it received", 120_000, async () => {
      const answer = await engineOf(this.engine)
        .askStandby(target, "shop", 5000)
        .catch(() => null);
      return (
        answer?.drained ||
        (await engineOf(this.engine)
          .endsTorn(target, 5000)
          .catch(() => false))
      );
    });
    const rows = await this.cluster("shop-b").query("select id from orders", { database: "shop" });
    return new Set(rows.map(({ id }) => Number(id)));
  }

  /** A table of a million rows on both sides, and an update of all of them that is half done, at a row which somebody holds. */
  async millionRowUpdate(): Promise<{ readonly outcome: Promise<string> }> {
    const session = await this.session("shop-a");
    await session.run(MILLION[this.engine].make);
    const count = async () =>
      Number(
        (
          await this.cluster("shop-b")
            .query("select count(*) as n from stock", { database: "shop" })
            .catch(() => [])
        )[0]?.n,
      );
    await waitFor("the standby to have a million rows", 60_000, async () => (await count()) === 1_000_000);
    await this.well();
    const holder = await this.session("shop-a");
    await holder.run(["begin", "select id from stock where id = 500000 for update"]);
    let ended: unknown;
    const outcome = session.run(["update stock set counted = counted + 1"]).then(
      () => "acknowledged",
      (error) => {
        ended = error;
        return "broken";
      },
    );
    await waitFor("the update to be in its middle", 120_000, async () => {
      if (ended) throw ended;
      // InnoDB shows its transactions anew only to whoever has not looked for a tenth of a second.
      await pause(150);
      const [row] = await this.cluster("shop-a").query(MILLION[this.engine].waiting, { database: "shop" });
      return Number(row?.n) === 1;
    });
    return { outcome };
  }

  async counted(instance: string): Promise<number> {
    const [row] = await this.cluster(instance).query("select count(*) as n from stock where counted > 0", { database: "shop" });
    return Number(row?.n);
  }
}

/** What makes the table, and what counts the updates that wait for somebody. */
const MILLION = {
  postgres: {
    make: ["create table stock as select n as id, 0 as counted from generate_series(1, 1000000) n"],
    waiting: "select count(*) as n from pg_stat_activity where wait_event_type = 'Lock' and query like 'update stock%'",
  },
  mariadb: {
    make: ["create table stock (id int primary key, counted int not null) select seq as id, 0 as counted from seq_1_to_1000000"],
    waiting: "select count(*) as n from information_schema.innodb_trx where trx_state = 'LOCK WAIT' and trx_query like 'update stock%'",
  },
};
