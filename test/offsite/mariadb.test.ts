/** A MariaDB database leaves AWS: killed on the way, gone on with, and brought back by the kit alone. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import mysql from "mysql2/promise";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Target } from "../../databases/engines.ts";
import { engineNamed } from "../../lab/engines/engines.ts";
import { MariaDbCluster } from "../../lab/engines/mariadb.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { openMariaDb } from "../../offsite/mariadb-source.ts";
import { CutShort } from "../../offsite/source.ts";
import { MARKER, ODD_MARIADB } from "./odd-mariadb.ts";
import { type Provider, provider } from "./provider.ts";
import { downloaded, dumpNow, killedAtPart, newKey, partsSent, runKit, type Story } from "./story.ts";

const missing = await engineNamed("mariadb")
  .version()
  .then(
    () => null,
    (error: Error) => error.message,
  );
if (missing) console.warn(`The offsite dump of MariaDB is not tested. ${missing}`);

describe.skipIf(missing)("a MariaDB database", () => {
  const folder = throwawayFolder();
  const primary = new MariaDbCluster(join(folder.path, "primary"));
  const elsewhere = new MariaDbCluster(join(folder.path, "elsewhere"));
  const PASSWORD = "correct-horse";
  const target = (cluster: MariaDbCluster): Target => ({
    host: "127.0.0.1",
    port: cluster.port as number,
    database: "shop",
    username: "shop",
    password: PASSWORD,
  });
  let story: Story;
  let at: Provider;

  beforeAll(async () => {
    for (const cluster of [primary, elsewhere]) {
      await cluster.init();
      // As the parameter group of whoever has functions and triggers on RDS.
      await cluster.configure({ log_bin_trust_function_creators: "1" });
      await cluster.start();
      await cluster.provision({ user: "shop", password: PASSWORD, database: "shop" });
    }
    await onPrimary(...ODD_MARIADB);
    story = { engine: "mariadb", source: target(primary), masterKey: newKey() };
  });

  afterAll(async () => {
    await Promise.all([primary.kill(), elsewhere.kill()]);
    await folder.leave();
  });

  async function ask(where: Target, ...statements: string[]): Promise<Record<string, unknown>[]> {
    const { host, port, database, username: user, password } = where;
    const client = await mysql.createConnection({ host, port, database, user, password, charset: "utf8mb4", dateStrings: true });
    try {
      let rows: unknown;
      for (const sql of statements) [rows] = await client.query(sql);
      return rows as Record<string, unknown>[];
    } finally {
      client.destroy();
    }
  }
  const onPrimary = (...statements: string[]) => ask(target(primary), ...statements);

  const TABLES = ["places", "orders", "`odd ``table`", "log", "bytes_first", "empty_one", "parts"];
  /** By the server's own sum of its own rows. */
  const checksums = async (where: Target) => await ask(where, `checksum table ${TABLES.join(", ")} extended`);

  async function schemaLines(where: Target): Promise<string[]> {
    const source = await openMariaDb(where);
    source.close();
    // A counter is where its last row left it, whatever was rolled back before.
    const text = source.snapshot.schema.pre + source.snapshot.schema.post;
    return text
      .replaceAll(/ AUTO_INCREMENT=\d+/g, "")
      .replaceAll(/,$/gm, "")
      .replaceAll(/ STARTS '[^']+'/g, "")
      .split("\n")
      .sort();
  }

  test("killed in the middle of a part, goes on without sending a finished part again, and the kit alone brings it back (R17)", async () => {
    at = await provider();
    await killedAtPart(story, at, 7);
    const outcome = await dumpNow(story, at);
    expect(outcome).toMatchObject({ state: "finished", beganAnew: null });
    const sent = partsSent(at, outcome.id);
    expect(new Set(sent).size).toBe(sent.length);
    expect(outcome.sentParts).toBe(outcome.manifest!.totals.parts - 6);
    expect(outcome.manifest!.parts.map(({ number }) => number)).toEqual(sent.map(Number));

    const kit = await downloaded(at, outcome.id);
    const restored = await runKit("restore", kit, story.masterKey, target(elsewhere), "mariadb");
    expect(restored.text).toMatch(/\nEqual: all tables have the dump's rows, and \d+ of \d+ parts the same SHA-256/);
    expect(restored.code).toBe(0);
    expect(await checksums(target(elsewhere))).toEqual(await checksums(target(primary)));
    expect(await schemaLines(target(elsewhere))).toEqual(await schemaLines(target(primary)));
    expect(await ask(target(elsewhere), "select n from a_louder")).toEqual(await onPrimary("select n from a_louder"));
    const [row] = await ask(target(elsewhere), "insert into orders (place) values (1) returning id, ticket, words");
    // Counters go on where the source's stood.
    const [next] = await onPrimary(
      "select auto_increment as id from information_schema.tables where table_schema = 'shop' and table_name = 'orders'",
    );
    expect(row).toEqual({ id: Number(next?.id), ticket: 61000, words: "none;" });

    const again = await runKit("restore", kit, story.masterKey, target(elsewhere), "mariadb");
    expect(again.text).toMatch(/the database is not empty .* nothing was restored/);
    expect(again.code).toBe(1);
  });

  test("killed in the middle of a table without a key, reads it again and sends only the rest", async () => {
    at = await provider();
    const { manifest } = await dumpNow(story, at);
    const log = manifest!.tables.findIndex(({ name }) => name === "`log`");
    const parts = manifest!.parts.filter(({ table }) => table === log);
    expect(parts.length).toBeGreaterThan(1);
    // A new dump of the same rows has the same parts.
    await killedAtPart(story, at, parts[1]!.number);
    const outcome = await dumpNow(story, at);
    expect(outcome.beganAnew).toBeNull();
    const sent = partsSent(at, outcome.id);
    expect(new Set(sent).size).toBe(sent.length);
    expect(outcome.manifest!.totals.rows).toBe(manifest!.totals.rows);
    expect(outcome.manifest!.parts.filter(({ table }) => table === log).map(({ plainSha256 }) => plainSha256)).toEqual(
      parts.map(({ plainSha256 }) => plainSha256),
    );
  });

  test("read slowly, or ended by the server in the middle of a slice, gives every row it gives whole and once", async () => {
    const source = await openMariaDb(target(primary));
    try {
      const log = source.snapshot.tables.find(({ name }) => name === "`log`")!;
      let rows = 0;
      // More than waits in memory: the server is held back again and again.
      for await (const bytes of source.rows(log, { by: "whole" }, 60_000)) {
        rows += bytes.toString("latin1").split("\n").length - 1;
        await sleep(1);
      }
      expect(rows).toBe(22_000);
      const orders = source.snapshot.tables.find(({ name }) => name === "`orders`")!;
      const cut = async () => {
        for await (const bytes of source.rows(orders, { by: "key", after: null, rows: 12_000 }, 2)) expect(bytes.at(-1)).toBe(10);
      };
      await expect(cut()).rejects.toBeInstanceOf(CutShort);
      let first = "";
      for await (const bytes of source.rows(orders, { by: "key", after: ["11998"], rows: 1 }, 800)) first += bytes.toString();
      expect(source.keyOf(orders, first)).toEqual(["11999"]);
    } finally {
      source.close();
    }
  });

  test("cannot be read at the provider: no marker, no name of a table or column (R21)", async () => {
    at = await provider();
    await dumpNow(story, at);
    for (const key of await at.keys()) {
      const bytes = await at.bytes(key);
      for (const word of [MARKER, "orders", "place 17"]) expect({ key, found: bytes.includes(word) }).toEqual({ key, found: false });
    }
  });

  test("moved between the kill and the next run: two moments are not mixed, the dump begins anew", async () => {
    at = await provider();
    await killedAtPart(story, at, 3);
    await onPrimary("update places set name = concat(name, '!') where id = 7");
    const outcome = await dumpNow(story, at);
    expect(outcome.state).toBe("finished");
    expect(outcome.beganAnew).toMatch(/^the source has moved from .* to .*: two moments would be mixed$/);
    expect(outcome.sentParts).toBe(outcome.manifest!.totals.parts);
  });

  test("with a table that knows no transactions is refused by name", async () => {
    at = await provider();
    await onPrimary("create table plain_file (id int) engine = Aria");
    try {
      await expect(dumpNow(story, at)).rejects.toMatchObject({
        name: "NotCarried",
        message: expect.stringContaining("one moment of `plain_file`"),
      });
    } finally {
      await onPrimary("drop table plain_file");
    }
  });
});
