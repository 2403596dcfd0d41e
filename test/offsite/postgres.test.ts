/** A PostgreSQL database leaves AWS: killed on the way, gone on with, and brought back by the kit alone. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Target } from "../../databases/engines.ts";
import { PostgresCluster } from "../../lab/engines/postgres.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { openPostgres } from "../../offsite/postgres-source.ts";
import { CutShort } from "../../offsite/source.ts";
import { ask } from "./ask.ts";
import { MARKER, ODD_POSTGRES } from "./odd-postgres.ts";
import { type Provider, provider } from "./provider.ts";
import { CLIENTS, downloaded, dumpNow, killedAtPart, newKey, partsSent, runKit, type Story } from "./story.ts";

const folder = throwawayFolder();
const primary = new PostgresCluster(join(folder.path, "primary"));
const elsewhere = new PostgresCluster(join(folder.path, "elsewhere"));
const PASSWORD = "correct-horse";
const target = (cluster: PostgresCluster): Target => ({
  host: "127.0.0.1",
  port: cluster.port as number,
  database: "shop",
  username: "shop",
  password: PASSWORD,
});
const noClient = spawnSync(CLIENTS.postgres, ["--version"]).status !== 0;
if (noClient) console.warn("The restore of PostgreSQL is skipped: there is no psql on this machine (apt-get install postgresql-client).");

let story: Story;
let at: Provider;

beforeAll(async () => {
  for (const cluster of [primary, elsewhere]) {
    await cluster.init();
    await cluster.start();
    await cluster.provision({ user: "shop", password: PASSWORD, database: "shop" });
  }
  await onPrimary(...ODD_POSTGRES.split(/;\n(?= {2}\S)/));
  story = { engine: "postgres", source: target(primary), masterKey: newKey() };
});

afterAll(async () => {
  await Promise.all([primary.kill(), elsewhere.kill()]);
  await folder.leave();
});

const onPrimary = (...statements: string[]) => ask(target(primary), ...statements);

/** Of every table, whatever order its rows lie in. */
async function checksums(where: Target): Promise<Record<string, unknown>> {
  const tables = await ask(
    where,
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname !~ '^pg_' and schemaname <> 'information_schema' order by 1",
  );
  const sums: Record<string, unknown> = {};
  for (const { name } of tables)
    sums[String(name)] = (
      await ask(where, `select count(*), md5(string_agg(t::text, '|' order by t::text collate "C")) from ${name} t`)
    )[0];
  return sums;
}

async function schemaLines(where: Target): Promise<string[]> {
  const source = await openPostgres(where);
  source.close();
  return [...source.snapshot.schema.pre.split("\n"), ...source.snapshot.schema.post.split("\n")].sort();
}

describe("a PostgreSQL database", () => {
  test.skipIf(noClient)(
    "killed in the middle of a part, goes on without sending a finished part again, and the kit alone brings it back (R17)",
    async () => {
      at = await provider();
      await killedAtPart(story, at, 5);
      const outcome = await dumpNow(story, at);
      expect(outcome).toMatchObject({ state: "finished", beganAnew: null });
      const sent = partsSent(at, outcome.id);
      expect(new Set(sent).size).toBe(sent.length);
      expect(outcome.sentParts).toBe(outcome.manifest!.totals.parts - 4);
      expect(outcome.manifest!.parts.map(({ number }) => number)).toEqual(sent.map(Number));

      const kit = await downloaded(at, outcome.id);
      const restored = await runKit("restore", kit, story.masterKey, target(elsewhere));
      expect(restored.text).toMatch(/\nEqual: all tables have the dump's rows, and \d+ of \d+ parts the same SHA-256/);
      expect(restored.code).toBe(0);
      expect(await checksums(target(elsewhere))).toEqual(await checksums(target(primary)));
      expect(await schemaLines(target(elsewhere))).toEqual(await schemaLines(target(primary)));
      expect(await ask(target(elsewhere), "insert into orders (place) values (1) returning id, ticket, words")).toEqual([
        { id: 12001, ticket: 61000, words: "none;" },
      ]);

      const again = await runKit("restore", kit, story.masterKey, target(elsewhere));
      expect(again.text).toMatch(/the database is not empty .* nothing was restored/);
      expect(again.code).toBe(1);
      const different = await runKit("check", kit, story.masterKey, target(elsewhere));
      expect(different.text).toMatch(/DIFFERENT: public.orders has 12001 rows, the dump 12000/);
      expect(different.code).toBe(1);
    },
  );

  test("whose server ends a slice in the middle still stands at its one moment", async () => {
    const source = await openPostgres(target(primary));
    try {
      const orders = source.snapshot.tables.find(({ name }) => name === "public.orders")!;
      const rowsOf = async (rows: number, limitMs: number, after: string[] | null = null) => {
        let text = "";
        for await (const bytes of source.rows(orders, { by: "key", after, rows }, limitMs)) text += bytes.toString();
        return text;
      };
      await expect(rowsOf(12_000, 2)).rejects.toBeInstanceOf(CutShort);
      await onPrimary("insert into orders (place) values (1)");
      expect(source.keyOf(orders, await rowsOf(1, 800, ["11999"]))).toEqual(["12000"]);
      expect(await rowsOf(1, 800, ["12000"])).toBe("");
    } finally {
      source.close();
      await onPrimary("delete from orders where id > 12000", "select setval('orders_id_seq', 12000)");
    }
  });

  test("cannot be read at the provider: no marker, no name of a table or column (R21)", async () => {
    at = await provider();
    const { id } = await dumpNow(story, at);
    const keys = await at.keys();
    expect(keys).toContain(`shop/${id}/manifest`);
    for (const key of keys) {
      const bytes = await at.bytes(key);
      for (const word of [MARKER, "orders", "place 17"]) expect({ key, found: bytes.includes(word) }).toEqual({ key, found: false });
    }
  });

  test("moved between the kill and the next run: two moments are not mixed, the dump begins anew", async () => {
    at = await provider();
    await killedAtPart(story, at, 3);
    await onPrimary("update places set name = name || '!' where id = 7");
    const told: string[] = [];
    const outcome = await dumpNow(story, at, { tell: (sentence) => told.push(sentence) });
    expect(outcome.state).toBe("finished");
    expect(outcome.beganAnew).toMatch(/^the source has moved from .* to .*: two moments would be mixed$/);
    expect(told).toEqual([expect.stringMatching(/^Begins anew and leaves .* unfinished: the source has moved/)]);
    expect(outcome.sentParts).toBe(outcome.manifest!.totals.parts);
  });

  test("that holds what a dump cannot hold is refused by name, and dumped when that is accepted", async () => {
    at = await provider();
    await onPrimary("create aggregate longest (text) (sfunc = textcat, stype = text)");
    try {
      const what = "aggregates: public.longest";
      await expect(dumpNow(story, at)).rejects.toMatchObject({ name: "NotCarried", message: expect.stringContaining(what) });
      expect(await at.keys()).toEqual([]);
      const { manifest } = await dumpNow(story, at, { accepted: [what] });
      expect(manifest!.notCarried).toEqual([what]);
    } finally {
      await onPrimary("drop aggregate longest (text)");
    }
  });
});
