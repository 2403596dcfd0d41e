/** A throwaway lab with the shop, Understudy deployed, and what tests ask of them. */
import { readFileSync } from "node:fs";
import { inject, onTestFinished } from "vitest";
import type { DatabaseRecord } from "../../core/facts.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import type { Plan } from "../../core/plan/schema.ts";
import type { LabEvent } from "../../lab/cloud/world.ts";
import { type ShopDatabase, seedShop } from "../../lab/estate.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { type Lab, type LabOptions, startLab } from "../../lab/lab.ts";
import { clusterEndpoint, endpoint, readJson, stateBucket, waitFor } from "../../lab/look.ts";
import { countLost } from "../../lab/shop/orders.ts";
import { Traffic } from "../../lab/shop/traffic.ts";

export function testPlan(): Plan {
  const parsed = parsePlan(readFileSync(inject("planFile"), "utf8"));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.plan;
}

/** The first backup is only waited for: what a move takes keeps the lab's own durations. */
const BACKED_UP_SOON = { firstTickMs: 300, snapshotMs: 50, copyQueueMs: 20, copyMs: 50 };

export interface ShopOptions {
  readonly seed?: number;
  readonly timings?: LabOptions["timings"];
  readonly durableSpeed?: number;
  readonly durableFirstPage?: number;
  /** Another plan than the tests', packaged. */
  readonly product?: { readonly plan: Plan; readonly folder: string };
}

export class Shop {
  readonly lab: Lab;
  readonly plan: Plan;
  readonly access: ShopDatabase;
  readonly bucket: string;

  constructor(lab: Lab, plan: Plan, access: ShopDatabase, bucket: string) {
    this.lab = lab;
    this.plan = plan;
    this.access = access;
    this.bucket = bucket;
  }

  /** Up, seeded, deployed, the probe voting and the standby following. Ends with the test. */
  static async open({ product, timings, ...options }: ShopOptions = {}): Promise<Shop> {
    const plan = product?.plan ?? testPlan();
    const lab = await startLab({ folder: throwawayFolder(), timings: { ...BACKED_UP_SOON, ...timings }, ...options });
    onTestFinished(() => lab.close());
    const [access] = (await lab.estate(plan)) as [ShopDatabase];
    const { primary } = plan.databases.shop as Plan["databases"][string];
    const where = primary.cluster ? clusterEndpoint : endpoint;
    await seedShop(await where(lab, plan.regions.primary, primary.instance), "shop", access);
    await lab.deploy(plan, product?.folder ?? inject("packageFolder"));
    const shop = new Shop(lab, plan, access, await stateBucket(lab, plan.regions.recovery, "understudy-corner-shop-watch"));
    await waitFor("the probe's votes to be well", 20_000, async () => {
      const vote = await shop.vote();
      // A cluster's standbys are RDS's own: nobody asks them.
      return vote?.primarySeen === "alive" && (primary.cluster || (vote.linkSeen === "streaming" && vote.lagSeconds !== null));
    });
    if (plan.backups.length === 0) return shop;
    // The first scheduled backup is out of the way: it holds the primary in `backing-up` for a moment.
    await waitFor("the first backup's end", 20_000, () => shop.mailed("backup done"));
    return shop;
  }

  json<T>(key: string): Promise<T | null> {
    return readJson<T>(this.lab, this.plan.regions.recovery, this.bucket, key);
  }

  vote(): Promise<{ primarySeen: string; linkSeen: string; lagSeconds: number | null } | null> {
    return this.json("databases/shop/vote.json");
  }

  record(): Promise<DatabaseRecord | null> {
    return this.json("databases/shop/record.json");
  }

  /** The move has ended in the new generation. When it never does, what the watcher said instead is in the error. */
  async moved(limitMs = 60_000): Promise<DatabaseRecord> {
    try {
      return await waitFor("the move to end in generation 2", limitMs, async () => {
        const record = await this.record();
        return record?.generation === 2 ? record : null;
      });
    } catch (error) {
      const record = JSON.stringify(await this.record());
      const mails = this.lab.mail.mails.slice(-4).map(({ text }) => text);
      throw new Error([(error as Error).message, record, ...this.decisions().slice(-20), ...mails].join("\n"));
    }
  }

  /** Lines of this kind that functions have logged so far. */
  said(what: string): LabEvent[] {
    return this.lab.world.story.filter((event) => event.kind === "log" && event.what.includes(`"what":"${what}"`));
  }

  /** What the watcher decided so far, each with the clock. */
  decisions(): string[] {
    return this.said("decision").map(({ at, what }) => `${new Date(at).toISOString()} ${/"sentence":"([^"]*)"/.exec(what)?.[1] ?? what}`);
  }

  mailed(words: string): boolean {
    return this.lab.mail.mails.some((mail) => mail.subject.includes(words) || mail.text.includes(words));
  }

  /** Requests for one operation so far, answered well. */
  calls(operation: string): LabEvent[] {
    return this.lab.world.story.filter((event) => event.kind === "call" && event.what === operation && Number(event.detail?.status) < 300);
  }

  /** Those of them that are about one instance. */
  callsOn(instance: string, operation: string): LabEvent[] {
    return this.calls(operation).filter(
      ({ detail }) => (detail?.input as { DBInstanceIdentifier?: string })?.DBInstanceIdentifier === instance,
    );
  }

  /** The moves there have been, by name. */
  async moves(): Promise<string[]> {
    const of = { FunctionName: "understudy-corner-shop-move" };
    const { DurableExecutions } = await this.lab.world.call("lambda", "ListDurableExecutionsByFunction", of, {
      region: this.plan.regions.recovery,
    });
    // What rebuilds the standby afterwards is no move.
    const names: string[] = DurableExecutions.map((it: { DurableExecutionName: string }) => it.DurableExecutionName);
    return names.filter((name) => name.startsWith("move-"));
  }

  /** Brings a function's next minute forward: its own rule fires at once, as a schedule does that is switched on again. */
  async minute(name: string): Promise<void> {
    const { region, call } = { region: this.plan.regions.recovery, call: this.lab.world.call.bind(this.lab.world) };
    const { Rules } = await call("events", "ListRules", {}, { region });
    const own = (rule: { Name: string; ScheduleExpression?: string }) =>
      rule.ScheduleExpression && rule.Name.toLowerCase().includes(`-${name}eventsrule`);
    const { Name } = Rules.find(own) as { Name: string };
    await call("events", "DisableRule", { Name }, { region });
    await call("events", "EnableRule", { Name }, { region });
  }

  /** Starts a durable function under a name; Lambda starts a name once. */
  async start(name: string, DurableExecutionName: string, payload: object): Promise<void> {
    const order = { FunctionName: `understudy-corner-shop-${name}`, Qualifier: "durable", InvocationType: "Event" };
    const Payload = Buffer.from(JSON.stringify(payload));
    await this.lab.world.call("lambda", "Invoke", { ...order, DurableExecutionName, Payload }, { region: this.plan.regions.recovery });
  }

  /** Invokes a function and waits for its answer. */
  async invoke<T>(name: string, payload: unknown): Promise<T> {
    const { Payload, FunctionError } = await this.lab.world.call(
      "lambda",
      "Invoke",
      {
        FunctionName: `understudy-corner-shop-${name}`,
        InvocationType: "RequestResponse",
        Payload: Buffer.from(typeof payload === "string" ? payload : JSON.stringify(payload)),
      },
      { region: this.plan.regions.recovery },
    );
    const answer = JSON.parse(Buffer.from(Payload).toString("utf8"));
    if (FunctionError) throw new Error(`${name}: ${JSON.stringify(answer)}`);
    return answer as T;
  }

  traffic(): Traffic {
    const { engine, username, password } = this.access;
    const traffic = new Traffic({
      engine,
      dns: { host: "127.0.0.1", port: this.lab.dns.port },
      name: "db.shop.internal",
      port: this.plan.databases.shop?.port ?? 5432,
      database: "shop",
      username,
      password,
      tickMs: 20,
    });
    onTestFinished(() => traffic.stop());
    return traffic;
  }

  /** Orders that were acknowledged and are not on this instance. */
  async lost(traffic: Traffic, instance: string, region = this.plan.regions.primary): Promise<number[]> {
    const orders = traffic.acknowledged.map((one) => one.order);
    return await countLost(await this.placeOf(instance, region), "shop", this.access, orders);
  }

  /** Host and port of an instance of the primary region, or of a cluster's writer, wherever it is. */
  private async placeOf(id: string, region: string): Promise<{ host: string; port: number }> {
    const { primary, standbys } = this.plan.databases.shop as Plan["databases"][string];
    const cluster = [primary, ...standbys].find((member) => member.cluster === id);
    return cluster ? await clusterEndpoint(this.lab, cluster.region, id) : await endpoint(this.lab, region, id);
  }
}
