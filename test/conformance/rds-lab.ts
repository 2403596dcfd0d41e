/**
 * RDS with real databases behind the wire, CloudWatch beside it, and nothing else: up in about two seconds, with a primary, its replica
 * and one snapshot. Calls go through the real SDK clients, so that what is judged is what a program outside would see.
 */
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import * as api from "@aws-sdk/client-rds";
import pg from "pg";
import { expect, vi } from "vitest";
import { createCloudWatch } from "../../lab/cloud/cloudwatch.ts";
import { createRds, type RdsService } from "../../lab/cloud/rds/index.ts";
import { World } from "../../lab/cloud/world.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { startWire } from "../../lab/wire/server.ts";

export const HOME = "eu-central-1";
export const AWAY = "eu-west-1";
export const ACCOUNT = "111122223333";
/** How long a state is waited for; the mutation check, which knows that some never come, waits less. */
export const patient = { timeout: Number(process.env.CONFORMANCE_PATIENCE_MS ?? 20_000), interval: 10 };
const PASSWORD = "correct-horse";
const OPEN = {
  GroupId: "sg-open",
  GroupName: "app",
  IpPermissions: [{ IpProtocol: "-1", IpRanges: [{ CidrIp: "10.0.0.0/8" }] }],
};

/** What a refusal looks like to a program: wire code and HTTP status. */
export const refusal = (Code: string, httpStatusCode: number, message: RegExp = /./) =>
  expect.objectContaining({
    Code,
    message: expect.stringMatching(message),
    $metadata: expect.objectContaining({ httpStatusCode }),
  });

export class RdsLab {
  readonly world: World;
  readonly rds: RdsService;
  /** Events that RDS sent, in order. */
  readonly events: { region: string; detail: { EventID: string; SourceIdentifier: string } }[] = [];
  private readonly clients = new Map<string, api.RDSClient>();
  private readonly folder = throwawayFolder();
  private losing: string | undefined;
  private wire: Awaited<ReturnType<typeof startWire>> | undefined;

  private constructor() {
    const timings = { modifyInstanceMs: 20, rebootMs: 20, promoteLingerMs: 300, snapshotMs: 50, copyMs: 300, copyQueueMs: 300 };
    const state = { ec2: { regions: Object.fromEntries([HOME, AWAY].map((region) => [region, { securityGroups: { "sg-open": OPEN } }])) } };
    this.world = new World({ dir: this.folder.path, timings, state, account: ACCOUNT });
    this.rds = createRds(this.world, { metricsEveryMs: 50, backupsEveryMs: 50 });
    this.world.register({ name: "events", operations: { LabDeliver: ({ event }) => void this.events.push(event) } });
    this.world.register({ name: "ec2", operations: {} });
    this.world.register(createCloudWatch(this.world));
    this.world.register(this.rds);
  }

  /** Up with `shop-a`, its replica `shop-b` (unless `alone`) and the snapshot `daily` of shop-a; or `empty`. */
  static async open({ alone = false, empty = false } = {}): Promise<RdsLab> {
    const lab = new RdsLab();
    lab.wire = await startWire(lab.world, {
      port: 0,
      principalFor: () => `arn:aws:iam::${ACCOUNT}:root`,
      before: (_request, { operation }) => {
        if (operation !== lab.losing) return;
        lab.losing = undefined;
        return "lose reply";
      },
    });
    await lab.world.start();
    if (empty) return lab;
    await lab.create("shop-a");
    await lab.available("shop-a");
    if (!alone) await lab.replica("shop-b", "shop-a");
    const Tags = [{ Key: "kind", Value: "daily" }];
    await lab.send(new api.CreateDBSnapshotCommand({ DBInstanceIdentifier: "shop-a", DBSnapshotIdentifier: "daily", Tags }));
    await lab.snapshotIs("daily", "available");
    await lab.available("shop-a");
    return lab;
  }

  async close(): Promise<void> {
    for (const client of this.clients.values()) client.destroy();
    await this.world.close();
    await this.wire?.close();
    await this.folder.leave();
  }

  private options(region: string) {
    const credentials = { accessKeyId: "tester", secretAccessKey: "secret" };
    return { region, endpoint: this.wire?.url ?? "", credentials, maxAttempts: 1 };
  }

  client(region: string): api.RDSClient {
    const known = this.clients.get(region) ?? new api.RDSClient(this.options(region));
    this.clients.set(region, known);
    return known;
  }

  cloudWatch(region = HOME): CloudWatchClient {
    return new CloudWatchClient(this.options(region));
  }

  // biome-ignore lint/suspicious/noExplicitAny: the command's own types are lost in one method for all of them
  send(command: any, region = HOME): Promise<any> {
    return this.client(region).send(command);
  }

  create(id: string, more: object = {}): Promise<unknown> {
    const input = {
      DBInstanceIdentifier: id,
      Engine: "postgres",
      DBInstanceClass: "db.t4g.micro",
      AllocatedStorage: 20,
      MasterUsername: "shop",
      MasterUserPassword: PASSWORD,
      DBName: "shop",
      Port: 25_433,
      VpcSecurityGroupIds: ["sg-open"],
    };
    return this.send(new api.CreateDBInstanceCommand({ ...input, ...more }));
  }

  async replica(id: string, source: string, region = HOME): Promise<void> {
    const input = { DBInstanceIdentifier: id, SourceDBInstanceIdentifier: source, VpcSecurityGroupIds: ["sg-open"] };
    await this.send(new api.CreateDBInstanceReadReplicaCommand(input), region);
    await this.available(id, region);
    if (region === HOME) await this.available(source);
  }

  async instance(id: string, region = HOME): Promise<api.DBInstance> {
    return (await this.send(new api.DescribeDBInstancesCommand({ DBInstanceIdentifier: id }), region)).DBInstances[0];
  }

  async snapshot(id: string, region = HOME): Promise<api.DBSnapshot> {
    return (await this.send(new api.DescribeDBSnapshotsCommand({ DBSnapshotIdentifier: id }), region)).DBSnapshots[0];
  }

  async available(id: string, region = HOME): Promise<void> {
    await vi.waitFor(async () => expect((await this.instance(id, region)).DBInstanceStatus).toBe("available"), patient);
  }

  async snapshotIs(id: string, status: string, region = HOME): Promise<api.DBSnapshot> {
    return await vi.waitFor(async () => {
      const snapshot = await this.snapshot(id, region);
      expect(snapshot.Status).toBe(status);
      return snapshot;
    }, patient);
  }

  snapshotArn(id: string, region = HOME): string {
    return `arn:aws:rds:${region}:${ACCOUNT}:snapshot:${id}`;
  }

  /** Asks the destination for a copy of a snapshot of the home region. */
  async copy(target: string, more: object = {}, region = AWAY, source = "daily"): Promise<api.DBSnapshot> {
    const ids = { SourceDBSnapshotIdentifier: this.snapshotArn(source), TargetDBSnapshotIdentifier: target };
    return (await this.send(new api.CopyDBSnapshotCommand({ ...ids, ...more }), region)).DBSnapshot;
  }

  /** The next call of the operation has its effect, and its caller sees a broken connection. */
  loseReplyOf(operation: string): void {
    this.losing = operation;
  }

  /** What a call ends in that is expected to fail, for a client with the SDK's usual three attempts. */
  // biome-ignore lint/suspicious/noExplicitAny: an error of the SDK
  async impatient(call: (client: api.RDSClient) => Promise<unknown>): Promise<any> {
    const client = new api.RDSClient({ ...this.options(HOME), maxAttempts: 3 });
    const caught = await call(client).catch((error: object) => ({ ...error }));
    client.destroy();
    return caught;
  }

  /** A client of the database, as the shop is one. */
  async connect(id: string, region = HOME): Promise<pg.Client> {
    const { Endpoint } = await this.instance(id, region);
    const host = this.world.state<Record<string, string>>("hosts", () => ({}))[Endpoint?.Address ?? ""] as string;
    const login = { user: "shop", password: PASSWORD, database: "shop", connectionTimeoutMillis: 3000, query_timeout: 3000 };
    const client = new pg.Client({ host, port: Endpoint?.Port as number, ...login });
    client.on("error", () => {});
    await client.connect();
    return client;
  }

  async sql(id: string, text: string, region = HOME): Promise<pg.QueryResultRow[]> {
    const client = await this.connect(id, region);
    try {
      return (await client.query(text)).rows;
    } finally {
      await client.end().catch(() => {});
    }
  }
}
