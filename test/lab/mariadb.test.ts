/** MariaDB as RDS gives it: what its master user may not do, what a promotion throws away, and that a move loses nothing all the same. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import mysql from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from "vitest";
import { packageProduct } from "../../cli/package.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import { askStandby, conditionOf, reached, writeCanary } from "../../databases/mariadb.ts";
import { createRds, type RdsService } from "../../lab/cloud/rds/index.ts";
import { World } from "../../lab/cloud/world.ts";
import { engineNamed } from "../../lab/engines/engines.ts";
import { type ShopDatabase, seedShop } from "../../lab/estate.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { startLab } from "../../lab/lab.ts";
import { endpoint, stateBucket, waitFor } from "../../lab/look.ts";
import { openSession } from "../../lab/shop/session.ts";
import { Traffic } from "../../lab/shop/traffic.ts";
import { thereAndBack } from "./planned-story.ts";
import { Shop } from "./shop.ts";

const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const PASSWORD = "correct-horse";
const patient = { timeout: 20_000, interval: 20 };

const missing = await engineNamed("mariadb")
  .version()
  .then(
    () => null,
    (error: Error) => error.message,
  );
if (missing) console.warn(`The MariaDB tests are skipped. ${missing}`);

test("positions are compared domain by domain", () => {
  expect(reached("0-1-7", "0-1-7")).toBe(true);
  expect(reached("0-2-8", "0-1-7")).toBe(true);
  expect(reached("0-1-6", "0-1-7")).toBe(false);
  expect(reached("0-1-7", "0-1-7,3-1-1")).toBe(false);
  expect(reached("3-1-1, 0-1-7", "0-1-7,3-1-1")).toBe(true);
  expect(reached("", "")).toBe(true);
  expect(reached("", "0-1-1")).toBe(false);
});

describe.skipIf(missing)("RDS for MariaDB", () => {
  const folder = throwawayFolder();
  let world: World;
  let rds: RdsService;
  // biome-ignore lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
  const call = (operation: string, input: object = {}, region = HOME): Promise<any> => world.call("rds", operation, input, { region });
  const describeOne = async (id: string, region = HOME) =>
    (await call("DescribeDBInstances", { DBInstanceIdentifier: id }, region)).DBInstances[0];
  const until = (id: string, status: string, region = HOME) =>
    vi.waitFor(async () => {
      const instance = await describeOne(id, region);
      expect(instance.DBInstanceStatus).toBe(status);
      return instance;
    }, patient);
  const target = async (id: string, region = HOME) => {
    const { Endpoint } = await describeOne(id, region);
    const host = world.state<Record<string, string>>("hosts", () => ({}))[Endpoint.Address] as string;
    return { host, port: Endpoint.Port as number, database: "shop", username: "shop", password: PASSWORD };
  };
  const sql = async (id: string, text: string, region = HOME): Promise<Record<string, unknown>[]> => {
    const { host, port, database } = await target(id, region);
    const client = await mysql.createConnection({ host, port, database, user: "shop", password: PASSWORD, connectTimeout: 3000 });
    client.on("error", () => {});
    try {
      const [rows] = await client.query(text);
      return rows as Record<string, unknown>[];
    } finally {
      client.destroy();
    }
  };
  const primary = (id: string, more: object = {}) => ({
    DBInstanceIdentifier: id,
    Engine: "mariadb",
    DBInstanceClass: "db.t4g.micro",
    AllocatedStorage: 20,
    MasterUsername: "shop",
    MasterUserPassword: PASSWORD,
    DBName: "shop",
    ...more,
  });
  /** Rows the replica has received and not applied, and the source dead. */
  const leaveInTheRelayLog = async (source: string, replica: string, rows: number) => {
    await rds.faults.pauseReplay(HOME, replica);
    for (let n = 1; n <= rows; n++) await sql(source, `INSERT INTO orders VALUES (${n + 1000})`);
    const [at] = await rds.cluster(HOME, source).query("SELECT @@gtid_binlog_pos AS position");
    await vi.waitFor(async () => {
      const [status] = await rds.cluster(HOME, replica).query("SHOW SLAVE STATUS");
      expect(status?.Gtid_IO_Pos).toBe(at?.position);
    }, patient);
    await rds.faults.kill(HOME, source);
  };
  const pair = async (source: string, replica: string) => {
    await call("CreateDBInstance", primary(source));
    await until(source, "available");
    await sql(source, "CREATE TABLE orders (id INT PRIMARY KEY)");
    await call("CreateDBInstanceReadReplica", { DBInstanceIdentifier: replica, SourceDBInstanceIdentifier: source });
    await until(replica, "available");
    await vi.waitFor(async () => expect((await describeOne(replica)).StatusInfos[0].Status).toBe("replicating"), patient);
  };

  beforeAll(async () => {
    world = new World({
      dir: folder.path,
      timings: { modifyInstanceMs: 20, rebootMs: 20, promoteLingerMs: 30, snapshotMs: 50, copyMs: 50, copyQueueMs: 30, restoreMs: 20 },
    });
    rds = createRds(world, { metricsEveryMs: 50 });
    world.register(rds);
    await world.start();
    await pair("shop-a", "shop-b");
  });
  afterAll(async () => {
    await world?.close();
    await folder.leave();
  });

  test("instances say what they are", async () => {
    expect(await describeOne("shop-a")).toMatchObject({
      Engine: "mariadb",
      EngineVersion: await engineNamed("mariadb").version(),
      LicenseModel: "general-public-license",
      Endpoint: { Port: 3306 },
      DBParameterGroups: [{ DBParameterGroupName: expect.stringMatching(/^default\.mariadb\d+\.\d+$/) }],
      OptionGroupMemberships: [{ OptionGroupName: expect.stringMatching(/^default:mariadb-\d+-\d+$/) }],
    });
    expect((await call("DescribeDBEngineVersions", { Engine: "mariadb" })).DBEngineVersions).toMatchObject([
      { Engine: "mariadb", DBParameterGroupFamily: expect.stringMatching(/^mariadb/) },
    ]);
  });

  test.each([
    "SET GLOBAL read_only = 1",
    "SET GLOBAL gtid_slave_pos = ''",
    "STOP SLAVE",
    "CHANGE MASTER TO MASTER_HOST = 'elsewhere'",
    "PURGE BINARY LOGS BEFORE NOW()",
    "SHUTDOWN",
    "GRANT SUPER ON *.* TO shop@'%'",
    "SELECT 'x' INTO OUTFILE '/tmp/x'",
  ])("the master user may not: %s", async (statement) => {
    await expect(sql("shop-a", statement)).rejects.toThrow(/Access denied|not allowed/);
  });

  test("nobody logs in as RDS's own superuser over the network", async () => {
    const { host, port } = await target("shop-a");
    await expect(mysql.createConnection({ host, port, user: "rdsadmin" })).rejects.toThrow(/Access denied/);
    await expect(mysql.createConnection({ host, port, user: "root" })).rejects.toThrow(/Access denied/);
  });

  test("procedures do what the master user may not: replication stops and starts, a session is killed", async () => {
    await sql("shop-b", "CALL mysql.rds_stop_replication");
    expect((await describeOne("shop-b")).StatusInfos).toMatchObject([{ Normal: false, Status: "stopped" }]);
    await sql("shop-a", "INSERT INTO orders VALUES (1)");
    expect(await sql("shop-b", "SELECT id FROM orders")).toEqual([]);
    await sql("shop-b", "CALL mysql.rds_start_replication");
    await vi.waitFor(async () => expect(await sql("shop-b", "SELECT id FROM orders")).toEqual([{ id: 1 }]), patient);
    await vi.waitFor(async () => expect((await describeOne("shop-b")).StatusInfos).toMatchObject([{ Status: "replicating" }]), patient);

    const { host, port } = await target("shop-a");
    const idle = await mysql.createConnection({ host, port, user: "shop", password: PASSWORD });
    idle.on("error", () => {});
    await sql("shop-a", `CALL mysql.rds_kill(${idle.threadId})`);
    await expect(idle.query("SELECT 1")).rejects.toThrow();
    idle.destroy();
    const [own] = await rds
      .cluster(HOME, "shop-b")
      .query("SELECT id FROM information_schema.processlist WHERE user = 'system user' LIMIT 1");
    await expect(sql("shop-b", `CALL mysql.rds_kill(${own?.id})`)).rejects.toThrow(/belongs to Amazon RDS/);
  });

  test("a replica made writable diverges: its error is RDS's status, and skipping it brings replication back", async () => {
    const family = (await describeOne("shop-b")).DBParameterGroups[0].DBParameterGroupName.replace("default.", "");
    await call("CreateDBParameterGroup", {
      DBParameterGroupName: "writable",
      DBParameterGroupFamily: family,
      Description: "a writable replica",
    });
    await call("ModifyDBParameterGroup", {
      DBParameterGroupName: "writable",
      Parameters: [{ ParameterName: "read_only", ParameterValue: "0", ApplyMethod: "immediate" }],
    });
    await expect(sql("shop-b", "INSERT INTO orders VALUES (2)")).rejects.toThrow(/--read-only/);
    await call("ModifyDBInstance", { DBInstanceIdentifier: "shop-b", DBParameterGroupName: "writable" });
    await call("RebootDBInstance", { DBInstanceIdentifier: "shop-b" });
    await until("shop-b", "available");
    await sql("shop-b", "CREATE TABLE only_here (id INT PRIMARY KEY)");
    await sql("shop-a", "CREATE TABLE only_here (id INT PRIMARY KEY)");
    await vi.waitFor(
      async () =>
        expect((await describeOne("shop-b")).StatusInfos).toMatchObject([{ Status: "error", Message: expect.stringMatching(/./) }]),
      patient,
    );
    await sql("shop-b", "CALL mysql.rds_skip_repl_error");
    await sql("shop-a", "INSERT INTO orders VALUES (3)");
    await vi.waitFor(async () => expect(await sql("shop-b", "SELECT id FROM orders WHERE id = 3")).toEqual([{ id: 3 }]), patient);
    expect(await sql("shop-b", "CALL mysql.rds_skip_repl_error")).toMatchObject([[{ Message: expect.stringMatching(/No errors/) }], {}]);
    await call("DeleteDBInstance", { DBInstanceIdentifier: "shop-b", SkipFinalSnapshot: true });
    await vi.waitFor(() => expect(describeOne("shop-b")).rejects.toMatchObject({ code: "DBInstanceNotFound" }), patient);
  });

  test("a group of another engine's family is refused", async () => {
    const { version } = { version: await engineNamed("postgres").version() };
    await expect(
      call("ModifyDBInstance", { DBInstanceIdentifier: "shop-a", DBParameterGroupName: `default.postgres${version.split(".")[0]}` }),
    ).rejects.toMatchObject({ code: "InvalidParameterCombination", message: expect.stringMatching(/DBParameterGroupFamily mariadb/) });
  });

  test("a snapshot is copied to the other region and restored there; MySQL's name works too", async () => {
    await call("CreateDBInstance", primary("named-mysql", { Engine: "mysql", Port: 3307 }));
    expect(await until("named-mysql", "available")).toMatchObject({ Engine: "mysql", EngineVersion: "8.0.36", Endpoint: { Port: 3307 } });
    await sql("named-mysql", "CREATE TABLE orders (id INT PRIMARY KEY) SELECT 7 AS id");
    const { DBSnapshot } = await call("CreateDBSnapshot", { DBSnapshotIdentifier: "kept", DBInstanceIdentifier: "named-mysql" });
    expect(DBSnapshot).toMatchObject({ Engine: "mysql", OptionGroupName: "default:mysql-8-0" });
    const status = async (region: string) =>
      (await call("DescribeDBSnapshots", { DBSnapshotIdentifier: "kept" }, region)).DBSnapshots[0].Status;
    await vi.waitFor(async () => expect(await status(HOME)).toBe("available"), patient);
    await call("CopyDBSnapshot", { SourceDBSnapshotIdentifier: DBSnapshot.DBSnapshotArn, TargetDBSnapshotIdentifier: "kept" }, AWAY);
    await vi.waitFor(async () => expect(await status(AWAY)).toBe("available"), patient);
    await call("RestoreDBInstanceFromDBSnapshot", { DBInstanceIdentifier: "restored", DBSnapshotIdentifier: "kept" }, AWAY);
    await until("restored", "available", AWAY);
    expect(await sql("restored", "SELECT id FROM orders", AWAY)).toEqual([{ id: 7 }]);
    await sql("restored", "INSERT INTO orders VALUES (8)", AWAY);
  });

  test("the source is deleted: its replica in another region becomes a primary too", async () => {
    await call(
      "CreateDBInstanceReadReplica",
      { DBInstanceIdentifier: "far", SourceDBInstanceIdentifier: (await describeOne("named-mysql")).DBInstanceArn },
      AWAY,
    );
    await until("far", "available", AWAY);
    await until("named-mysql", "available");
    await call("DeleteDBInstance", { DBInstanceIdentifier: "named-mysql", SkipFinalSnapshot: true });
    await vi.waitFor(
      async () =>
        expect(await describeOne("far", AWAY)).toMatchObject({
          DBInstanceStatus: "available",
          ReadReplicaSourceDBInstanceIdentifier: undefined,
        }),
      patient,
    );
    await sql("far", "INSERT INTO orders VALUES (9)", AWAY);
  });

  test("50 rows are in the relay log when the primary dies: who promotes at once loses them", async () => {
    await pair("naive-a", "naive-b");
    await leaveInTheRelayLog("naive-a", "naive-b", 50);
    expect(await askStandby(await target("naive-b"), "shop", 3000)).toMatchObject({ inRecovery: true, drained: false });
    await call("PromoteReadReplica", { DBInstanceIdentifier: "naive-b" });
    await vi.waitFor(
      async () => expect(await describeOne("naive-b")).toMatchObject({ DBInstanceStatus: "available", StatusInfos: undefined }),
      patient,
    );
    expect(await sql("naive-b", "SELECT COUNT(*) AS n FROM orders")).toEqual([{ n: 0 }]);
    expect(await askStandby(await target("naive-b"), "shop", 3000)).toMatchObject({ inRecovery: false, drained: true });
  });

  test("who stops replication and starts it again while the primary is dead loses them too; who waits for the one thread loses none", async () => {
    await pair("stopped-a", "stopped-b");
    await call("CreateDBInstanceReadReplica", { DBInstanceIdentifier: "waited-b", SourceDBInstanceIdentifier: "stopped-a" });
    await until("waited-b", "available");
    await vi.waitFor(async () => expect((await describeOne("waited-b")).StatusInfos[0].Status).toBe("replicating"), patient);
    await rds.faults.pauseReplay(HOME, "waited-b");
    await leaveInTheRelayLog("stopped-a", "stopped-b", 50);
    const applied = async (id: string) => (await sql(id, "SELECT COUNT(*) AS n FROM orders"))[0]?.n;

    await rds.faults.resumeReplay(HOME, "waited-b");
    await vi.waitFor(
      async () => expect(await askStandby(await target("waited-b"), "shop", 3000)).toMatchObject({ drained: true }),
      patient,
    );
    expect(await applied("waited-b")).toBe(50);

    await sql("stopped-b", "CALL mysql.rds_stop_replication");
    await sql("stopped-b", "CALL mysql.rds_start_replication");
    await vi.waitFor(
      async () => expect(await rds.cluster(HOME, "stopped-b").replication()).toMatchObject({ replayPaused: false }),
      patient,
    );
    expect(await applied("stopped-b")).toBe(0);
  });

  test("an answer is an answer, even a refusal; silence is none", async () => {
    const there = await target("shop-a");
    const error = (promise: Promise<unknown>) => promise.then(() => undefined).catch((caught: unknown) => caught);
    await writeCanary(there, "it's a \\ token", 3000);
    expect(conditionOf(await error(writeCanary({ ...there, password: "wrong" }, "x", 3000)))).toBe("refuses");
    await rds.faults.hang(HOME, "shop-a");
    expect(conditionOf(await error(writeCanary(there, "x", 300)))).toBe("hung");
    await rds.faults.kill(HOME, "shop-a");
    expect(conditionOf(await error(writeCanary(there, "x", 3000)))).toBe("gone");
  });
});

describe.skipIf(missing)("a move on MariaDB", () => {
  const folder = join(import.meta.dirname, "..", "..", "dist", "mariadb-test");
  const planFile = join(folder, "plan.yml");
  let packaged: string;

  beforeAll(async () => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      planFile,
      readFileSync(inject("planFile"), "utf8").replace("engine: postgres", "engine: mariadb").replace("port: 5432", "port: 3306"),
    );
    packaged = await packageProduct(planFile, "dist/mariadb-test");
  });

  async function open(): Promise<Shop> {
    const parsed = parsePlan(readFileSync(planFile, "utf8"));
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const { plan } = parsed;
    const lab = await startLab({ folder: throwawayFolder() });
    onTestFinished(() => lab.close());
    const [access] = (await lab.estate(plan)) as [ShopDatabase];
    await seedShop(await endpoint(lab, HOME, "shop-a"), "shop", access);
    await lab.deploy(plan, packaged);
    const shop = new Shop(lab, plan, access, await stateBucket(lab, AWAY, "understudy-corner-shop-watch"));
    await waitFor("the probe's votes to be well", 30_000, async () => {
      const vote = await shop.vote();
      return vote?.primarySeen === "alive" && vote.linkSeen === "streaming" && vote.lagSeconds !== null;
    });
    await waitFor("the first backup's end", 30_000, () => shop.mailed("backup done"));
    return shop;
  }

  test("50 rows are in the relay log when the primary dies: the standby applies them before it is promoted, and none is lost", async () => {
    const shop = await open();
    const { username, password } = shop.access;
    const session = await openSession(
      { engine: "mariadb", ...(await endpoint(shop.lab, HOME, "shop-a")), database: "shop", username, password },
      5000,
    );
    onTestFinished(() => session.drop());
    const acknowledged = Array.from({ length: 50 }, (_, n) => n + 1);
    await shop.lab.rds.faults.pauseReplay(HOME, "shop-b");
    for (const id of acknowledged) await session.keep({ id, item: "in the relay log", sentAtMs: Date.now() });
    const standby = shop.lab.rds.cluster(HOME, "shop-b");
    await waitFor("all of it to be received", 5000, async () => {
      const [at] = await shop.lab.rds.cluster(HOME, "shop-a").query("SELECT @@gtid_binlog_pos AS position");
      const [status] = await standby.query("SHOW SLAVE STATUS");
      return reached(String(status?.Gtid_IO_Pos), String(at?.position));
    });
    await shop.lab.rds.faults.kill(HOME, "shop-a");

    const done = (step: string) =>
      shop.lab.world.story.some((event) => event.kind === "durable" && event.what.includes(`${step} succeeded`));
    await waitFor("the old primary to be fenced", 60_000, () => done("a write to the old primary is refused"));
    expect(await standby.query("SELECT COUNT(*) AS n FROM shop.orders")).toEqual([{ n: 0 }]);
    expect(shop.calls("rds:PromoteReadReplica")).toEqual([]);
    await shop.lab.rds.faults.resumeReplay(HOME, "shop-b");

    expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b", lastMove: { outcome: "succeeded" } });
    const orders = await openSession(
      { engine: "mariadb", ...(await endpoint(shop.lab, HOME, "shop-b")), database: "shop", username, password },
      5000,
    );
    onTestFinished(() => orders.drop());
    const there = await orders.orders();
    expect(acknowledged.filter((id) => !there.has(id))).toEqual([]);
  });

  test("the primary hangs with its port open: its standby takes over", async () => {
    const shop = await open();
    await shop.lab.rds.faults.hang(HOME, "shop-a");
    expect(await shop.moved()).toMatchObject({ generation: 2, primary: "shop-b", lastMove: { outcome: "succeeded" } });
  });

  test("the probe cannot reach the primary, its standby can: nothing happens", async () => {
    const shop = await open();
    await shop.lab.rds.faults.partition(HOME, "shop-a", { from: "clients" });
    await waitFor("the probe to lose the primary", 30_000, async () => (await shop.vote())?.primarySeen === "lost");
    expect(await shop.invoke("watch", {})).toMatchObject([{ rule: 103, execution: null }]);
    expect(shop.calls("rds:PromoteReadReplica")).toEqual([]);
  });

  test("a switchover under write load and the way back: nothing lost, a new standby each time (S23)", async () => {
    const shop = await open();
    const { username, password } = shop.access;
    const dns = { host: "127.0.0.1", port: shop.lab.dns.port };
    const traffic = new Traffic({
      engine: "mariadb",
      dns,
      name: "db.shop.internal",
      port: 3306,
      database: "shop",
      username,
      password,
      tickMs: 20,
    });
    onTestFinished(() => traffic.stop());
    await thereAndBack(shop, traffic);
  });
});
