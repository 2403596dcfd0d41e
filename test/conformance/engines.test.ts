/** What RDS relies on, asked of every engine alike. MariaDB is left out with a notice when its programs are not on this machine. */
import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Cluster, Engine } from "../../lab/engines/engine.ts";
import { engineNamed } from "../../lab/engines/engines.ts";
import { prepareDir } from "../../lab/engines/folders.ts";
import { runningIn } from "../../lab/engines/processes.ts";
import { connectSimulated } from "../../lab/engines/simulated.ts";
import { openGate } from "../../lab/network/gate.ts";
import { openSession, type ShopSession } from "../../lab/shop/session.ts";

const PASSWORD = "s3cret pass'word";
const patient = { timeout: 20_000, interval: 10 };

/** An engine as its clients meet it. */
interface Bench {
  readonly engine: Engine;
  readonly process: string;
  connect(port: number, timeoutMs?: number): Promise<ShopSession>;
  /** A parameter that takes effect at once, and how to read it. */
  readonly dynamic: { name: string; value: string; sql: string; shows: unknown };
}

const connectAs = (engine: "postgres" | "mariadb") => (port: number, timeoutMs?: number) =>
  openSession({ engine, host: "127.0.0.1", port, database: "shop", username: "shop", password: PASSWORD }, timeoutMs ?? 3000);

const BENCHES: Record<string, Bench> = {
  postgres: {
    engine: engineNamed("postgres"),
    process: "postgres",
    connect: connectAs("postgres"),
    dynamic: { name: "wal_receiver_timeout", value: "7000", sql: "SHOW wal_receiver_timeout", shows: { wal_receiver_timeout: "7s" } },
  },
  mariadb: {
    engine: engineNamed("mariadb"),
    process: "mariadbd",
    connect: connectAs("mariadb"),
    dynamic: { name: "slave_net_timeout", value: "7", sql: "SELECT @@slave_net_timeout AS seconds", shows: { seconds: 7 } },
  },
  simulated: {
    engine: engineNamed("simulated"),
    process: "none",
    connect: async (port) => {
      const session = connectSimulated(port, "shop", PASSWORD);
      return { keep: async ({ id }) => session.write(id), orders: async () => new Set(session.ids()), run: async () => {}, drop: () => {} };
    },
    dynamic: { name: "max_connections", value: "70", sql: "SHOW max_connections", shows: { max_connections: "70" } },
  },
};

const missing = await engineNamed("mariadb")
  .version()
  .then(
    () => null,
    (error: Error) => error.message,
  );
if (missing) console.warn(`The MariaDB tests are skipped. ${missing}`);

describe.each(Object.keys(BENCHES).filter((name) => name !== "mariadb" || missing === null))("%s", (name) => {
  const bench = BENCHES[name] as Bench;
  const base = mkdtempSync(path.join(os.tmpdir(), "understudy-test-"));
  const clusters: Cluster[] = [];
  const closers: (() => unknown)[] = [];
  const cluster = (id: string): Cluster => {
    const made = bench.engine.cluster(path.join(base, id));
    clusters.push(made);
    return made;
  };
  const within = async <T>(where: Cluster, work: (session: ShopSession) => Promise<T>): Promise<T> => {
    const session = await bench.connect(where.port as number);
    try {
      return await work(session);
    } finally {
      session.drop();
    }
  };
  const write = (where: Cluster, id: number) => within(where, (session) => session.keep({ id, item: "tea", sentAtMs: 0 }));
  const ids = async (where: Cluster) => [...(await within(where, (session) => session.orders()))].sort((a, b) => a - b);
  const primary = cluster("primary");

  /** A standby of the primary behind a gate of its own, streaming. */
  const standbyOf = async (id: string) => {
    const gate = await (bench.engine.openGate ?? openGate)({ address: "127.0.0.1", port: 0, target: () => primary.port });
    closers.push(() => gate.close());
    const standby = cluster(id);
    await standby.initAsStandby(primary, gate.port);
    await standby.start();
    await vi.waitFor(async () => expect((await standby.replication()).receiver).toBe("streaming"), patient);
    return { standby, gate };
  };

  beforeAll(async () => {
    prepareDir(base);
    await primary.init();
    await primary.start();
    await primary.provision({ user: "shop", password: PASSWORD, database: "shop" });
    await within(primary, (session) =>
      session.run(["create table orders (id bigint primary key, item varchar(100) not null, sent_at_ms bigint not null)"]),
    );
    await write(primary, 1);
  });

  afterAll(async () => {
    for (const close of closers) await close();
    await Promise.all(clusters.map((each) => each.kill()));
    rmSync(base, { recursive: true, force: true });
  });

  test("it says its version and knows its parameters", async () => {
    expect(await bench.engine.version()).toMatch(/^\d+\.\d+/);
    const parameters = await bench.engine.parameters();
    expect(parameters.get(bench.dynamic.name)).toMatchObject({ dynamic: true, modifiable: true, type: "integer" });
    expect(parameters.get("port")).toMatchObject({ dynamic: false, modifiable: false });
  });

  test("the primary is killed: connections are refused, and after a start every acknowledged row is there", async () => {
    await write(primary, 2);
    const port = primary.port as number;
    await primary.kill();
    expect(primary.alive()).toBe(false);
    expect(runningIn(primary.data, bench.process)).toEqual([]);
    await expect(bench.connect(port)).rejects.toThrow(/ECONNREFUSED/);
    await primary.start();
    expect(await ids(primary)).toEqual([1, 2]);
  });

  test("the primary hangs: nobody is answered until it goes on", async () => {
    primary.hang();
    expect(primary.alive()).toBe(false);
    await expect(bench.connect(primary.port as number, 200)).rejects.toThrow(/time/i);
    primary.resume();
    expect(await ids(primary)).toEqual([1, 2]);
  });

  test("a standby follows and takes no writes; its link breaks in each way, shows it, and heals", async () => {
    const { standby, gate } = await standbyOf("follower");
    expect(standby.isStandby()).toBe(true);
    await write(primary, 3);
    await vi.waitFor(async () => expect(await ids(standby)).toEqual([1, 2, 3]), patient);
    await expect(write(standby, 0)).rejects.toThrow(/read.only/i);

    await standby.pauseReplay();
    await write(primary, 4);
    await vi.waitFor(async () => expect(await standby.replication()).toMatchObject({ receiver: "streaming", replayPaused: true }), patient);
    expect(await ids(standby)).toEqual([1, 2, 3]);
    await standby.resumeReplay();
    await vi.waitFor(async () => expect(await ids(standby)).toEqual([1, 2, 3, 4]), patient);

    gate.partition(true);
    await write(primary, 5);
    expect(await ids(standby)).toEqual([1, 2, 3, 4]);
    gate.partition(false);
    await vi.waitFor(async () => expect(await ids(standby)).toEqual([1, 2, 3, 4, 5]), patient);

    await standby.follow(undefined);
    await vi.waitFor(async () => expect((await standby.replication()).receiver).not.toBe("streaming"), patient);
    await write(primary, 6);
    expect(await ids(standby)).toEqual([1, 2, 3, 4, 5]);
    await standby.follow(gate.port);
    await vi.waitFor(async () => expect(await ids(standby)).toEqual([1, 2, 3, 4, 5, 6]), patient);
    await standby.stop();
    await standby.start();
    await write(primary, 7);
    await vi.waitFor(async () => expect(await ids(standby)).toEqual([1, 2, 3, 4, 5, 6, 7]), patient);
  });

  test.each(["running", "frozen", "dead"])(
    "a backup of a %s primary starts by itself with every row, and is nobody's standby",
    async (state) => {
      const there = await ids(primary);
      if (state === "frozen") primary.hang();
      if (state === "dead") await primary.kill();
      const backup = path.join(base, `backup-${state}`);
      await primary.takeBackup(backup);
      if (state === "frozen") primary.resume();
      if (state === "dead") await primary.start();
      expect(bench.engine.isBackup(backup)).toBe(true);
      const copy = cluster(`restored-${state}`);
      await copy.initFrom(backup);
      await copy.start();
      expect(await ids(copy)).toEqual(there);
      await write(copy, 100);
      expect(copy.isStandby()).toBe(false);
      expect(await ids(primary)).toEqual(there);
      await copy.stop();
    },
  );

  test("a setting reaches the running server, and goes again", async () => {
    const { name: setting, value, sql, shows } = bench.dynamic;
    const [before] = await primary.query(sql);
    await primary.configure({ [setting]: value });
    await vi.waitFor(async () => expect(await primary.query(sql)).toEqual([shows]), patient);
    await primary.configure({});
    await vi.waitFor(async () => expect(await primary.query(sql)).toEqual([before]), patient);
  });

  test("a new password counts at once", async () => {
    await primary.setPassword("shop", "another one");
    await expect(bench.connect(primary.port as number)).rejects.toThrow(/password/i);
    await primary.setPassword("shop", PASSWORD);
    await write(primary, 8);
  });

  test("the primary dies: its standby is promoted, has every row, takes writes and can be followed", async () => {
    const { standby } = await standbyOf("heir");
    await write(primary, 9);
    await vi.waitFor(async () => expect(await ids(standby)).toContain(9), patient);
    const there = await ids(primary);
    await primary.kill();
    await vi.waitFor(async () => expect((await standby.replication()).receiver).not.toBe("streaming"), patient);
    await standby.promote();
    await standby.stop();
    await standby.start();
    expect(standby.isStandby()).toBe(false);
    expect((await standby.replication()).inRecovery).toBe(false);
    await write(standby, 10);
    expect(await ids(standby)).toEqual([...there, 10]);
    const next = cluster("next");
    await next.initAsStandby(standby, standby.port as number);
    await next.start();
    await write(standby, 11);
    await vi.waitFor(async () => expect(await ids(next)).toEqual([...there, 10, 11]), patient);
  });

  test("all are removed, and nothing of theirs is left", async () => {
    for (const each of clusters) await each.destroy();
    expect(clusters.filter((each) => each.exists() || runningIn(each.data, bench.process).length > 0)).toEqual([]);
  });
});
