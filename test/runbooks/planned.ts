/** What the tests of planned moves ask of a bench: an order claimed and run under AWS's kit, and the world as the shop's clients see it. */
import net from "node:net";
import type { DurableLambdaHandler } from "@aws/durable-execution-sdk-js";
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import pg from "pg";
import type { Order } from "../../core/facts.ts";
import { endpoint, waitFor } from "../../lab/look.ts";
import type { Bench } from "./bench.ts";

export const REGION = "eu-central-1";

export class Planned {
  private readonly open: () => Bench;

  constructor(open: () => Bench) {
    this.open = open;
  }

  async settings() {
    const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
    const settings = readSettings();
    return { settings, shop: protectedDatabase(settings.plan, "shop") };
  }

  async laps(count: number) {
    const { probeLap } = await import("../../runbooks/probe.ts");
    const { settings, shop } = await this.settings();
    let last = await probeLap(settings, shop);
    for (let lap = 1; lap < count; lap++) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      last = await probeLap(settings, shop);
    }
    return last;
  }

  async record() {
    const { settings, shop } = await this.settings();
    const { readRecord } = await import("../../runbooks/record.ts");
    return (await readRecord(settings, shop)).value;
  }

  order(generation: number, change: Partial<Order> = {}): Order {
    return {
      id: `order-${generation}`,
      verb: "switchover",
      target: null,
      overrides: [],
      reason: "for the bench",
      by: "arn:aws:iam::111122223333:user/alice",
      atMs: Date.now(),
      generation,
      ...change,
    };
  }

  /** Claims the database for an order, as the function `order` does. */
  async claimed(target: string, change: Partial<Order> = {}) {
    const { settings, shop } = await this.settings();
    const { claim, readRecord } = await import("../../runbooks/record.ts");
    const stored = await readRecord(settings, shop);
    const order = this.order(stored.value.generation, change);
    const taken = await claim(settings, stored, { kind: order.verb, target, rule: 403, sentence: "for the bench", order }, Date.now());
    return taken && { ...taken, generation: stored.value.generation };
  }

  async run({ kind, generation, attempt }: { kind: string; generation: number; attempt: number }, handlerFunction?: DurableLambdaHandler) {
    const { handler } = await import("../../functions/move.ts");
    const runner = new LocalDurableTestRunner({ handlerFunction: handlerFunction ?? (handler as never) });
    const execution = await runner.run({ payload: { kind, generation, attempt, database: "shop" } });
    const status = execution.getStatus();
    return {
      status,
      result: (status === "FAILED" ? null : execution.getResult()) as { outcome: string; sentence: string },
      steps: execution.getOperations().map((it) => it.getName()),
      record: await this.record(),
    };
  }

  /** The probe has looked, an order is claimed, the move has run. */
  async move(target: string, change: Partial<Order> = {}) {
    await this.laps(1);
    const taken = await this.claimed(target, change);
    if (!taken) throw new Error("the bench could not claim the database");
    return await this.run(taken);
  }

  /** A client of the shop: it comes from elsewhere than Understudy's functions. */
  async client(instance: string): Promise<pg.Client> {
    const { lab, plan } = this.open();
    const socket = new net.Socket();
    const connect = socket.connect.bind(socket) as (options: object) => net.Socket;
    socket.connect = ((port: number, host: string) => connect({ port, host, localAddress: "127.0.0.1" })) as never;
    const { SecretString } = await lab.world.call(
      "secretsmanager",
      "GetSecretValue",
      { SecretId: plan.databases.shop?.secret },
      { region: plan.regions.recovery },
    );
    const { username, password } = JSON.parse(SecretString);
    const client = new pg.Client({
      ...(await endpoint(lab, REGION, instance)),
      user: username,
      password,
      database: "shop",
      connectionTimeoutMillis: 1000,
      query_timeout: 2000,
      stream: () => socket,
    });
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  /** null: it was acknowledged. */
  async refusal(instance: string): Promise<string | null> {
    try {
      const client = await this.client(instance);
      try {
        await client.query("create table if not exists clients (id bigint)");
        await client.query("insert into clients values (1)");
        return null;
      } finally {
        void client.end().catch(() => {});
      }
    } catch (error) {
      return (error as Error).message;
    }
  }

  async describe(instance: string) {
    const { DBInstances } = await this.open().lab.world.call(
      "rds",
      "DescribeDBInstances",
      { DBInstanceIdentifier: instance },
      { region: REGION },
    );
    return DBInstances[0];
  }

  async groups(instance: string): Promise<string[]> {
    return (await this.describe(instance)).VpcSecurityGroups.map(
      (group: { VpcSecurityGroupId: string; Status: string }) => `${group.VpcSecurityGroupId}:${group.Status}`,
    );
  }

  async nameTarget(): Promise<string> {
    const { ResourceRecordSets } = await this.open().lab.world.call(
      "route53",
      "ListResourceRecordSets",
      { HostedZoneId: "Z08CORNERSHOP0001" },
      { region: "us-east-1" },
    );
    const set = ResourceRecordSets.find((each: { Type: string }) => each.Type === "CNAME");
    return set.ResourceRecords[0].Value.split(".")[0];
  }

  /** Nothing claimed, nothing remembered, the standby following. */
  async afresh(): Promise<void> {
    const { lab, plan, bucket } = this.open();
    for (const Key of ["databases/shop/record.json", "databases/shop/vote.json"])
      await lab.world.call("s3", "DeleteObject", { Bucket: bucket, Key }, { region: plan.regions.recovery });
    await waitFor("the standby to follow", 20_000, async () => {
      const { vote } = await this.laps(2);
      return vote.linkSeen === "streaming" && (vote.lagSeconds ?? 99) < 2;
    });
  }
}
