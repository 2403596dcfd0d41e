/** The dump that leaves AWS, by the deployed bundles: taken from a restored copy, at a provider that fails, and brought back by the kit alone. */
import { spawnSync } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { beforeEach, expect, inject, test } from "vitest";
import { grantedBy, judge } from "../../cli/granted.ts";
import { packageProduct } from "../../cli/package.ts";
import type { OffsiteNote } from "../../core/offsite-note.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import { PostgresCluster } from "../../lab/engines/postgres.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { endpoint, waitFor } from "../../lab/look.ts";
import { ask } from "../offsite/ask.ts";
import { type Provider, provider } from "../offsite/provider.ts";
import { CLIENTS, downloaded, newKey, runKit } from "../offsite/story.ts";
import { killProcessesOf } from "./processes.ts";
import { Shop } from "./shop.ts";

const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const MARKER = "a-marker-nobody-else-may-read";
const SECRET = "understudy/offsite";
const noClient = spawnSync(CLIENTS.postgres, ["--version"]).status !== 0;
if (noClient)
  console.warn("The restore of an offsite dump is skipped: there is no psql on this machine (apt-get install postgresql-client).");

let at: Provider;
let packaged: string;
const masterKey = newKey();

beforeEach(async () => {
  at = await provider();
});

/** Opens the shop with a plan that sends a dump to the provider, and its secret in the recovery region. */
async function open(): Promise<Shop> {
  const text = readFileSync(inject("planFile"), "utf8").replace(
    "    copyTo: eu-west-1\n",
    `$&    offsite: { everyDays: 1, endpoint: "${at.endpoint}", region: ${at.region}, bucket: ${at.bucket}, prefix: dumps, secret: ${SECRET} }\n`,
  );
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const file = join(import.meta.dirname, "..", "..", "dist", "offsite-plan.yml");
  writeFileSync(file, text);
  packaged = await packageProduct(file, "dist/offsite-product");
  return await Shop.open({ durableSpeed: 100, durableFirstPage: 2, product: { plan: parsed.plan, folder: packaged } });
}

const keep = (shop: Shop, secret: object) =>
  shop.lab.world.call("secretsmanager", "CreateSecret", { Name: SECRET, SecretString: JSON.stringify(secret) }, { region: AWAY });
const GOOD = { accessKeyId: "offsite", secretAccessKey: "secret", masterKey: masterKey.toString("hex") };

async function onPrimary(shop: Shop, ...statements: string[]) {
  const { host, port } = await endpoint(shop.lab, HOME, "shop-a");
  const { username, password } = shop.access;
  return await ask({ host, port, database: "shop", username, password }, ...statements);
}

const noted = (shop: Shop) => shop.json<OffsiteNote>("offsite/shop/newest.json");
const instances = async (shop: Shop): Promise<string[]> => {
  const { DBInstances } = await shop.lab.world.call("rds", "DescribeDBInstances", {}, { region: AWAY });
  return DBInstances.map((it: { DBInstanceIdentifier: string }) => it.DBInstanceIdentifier);
};
/** A backup of now: the dump is taken from the newest copy. */
async function backedUp(shop: Shop, slot: string): Promise<void> {
  const before = shop.lab.mail.mails.length;
  await shop.start("backup", `backup-shop-${slot}`, { database: "shop", slot });
  await waitFor("the backup's mail", 30_000, () =>
    shop.lab.mail.mails.slice(before).some(({ subject }) => subject.includes("backup done")),
  );
}

const begin = (shop: Shop, name: string) => shop.start("offsite", name, { database: "shop", name });

/** The mail of a dump that failed, on one line. */
async function failed(shop: Shop, name: string): Promise<string> {
  await begin(shop, name);
  const mail = await waitFor("the mail", 60_000, () => shop.lab.mail.mails.find(({ text }) => text.includes(`Reference: ${name}`)));
  expect(mail.subject).toContain("offsite dump FAILED");
  return mail.text.replaceAll(/\s+/g, " ");
}

test("the secret lacks its key, the credentials are refused: told, and nothing is made that costs money. Then a database leaves AWS: its function is killed in the middle, the provider fails meanwhile, a backup goes on beside it; the kit alone brings it back, and nobody can read it without the key (R17, R18, R21)", async () => {
  const shop = await open();
  await onPrimary(
    shop,
    "create table notes (id int primary key, words text)",
    `insert into notes select i, '${MARKER} ' || md5(i::text) || repeat(md5((i * 7)::text), 60) from generate_series(1, 24000) i`,
  );
  await keep(shop, { accessKeyId: "offsite", secretAccessKey: "secret" });
  expect(await failed(shop, "understudy-offsite-shop-20270102")).toContain('lacks "masterKey"');
  const value = { SecretId: SECRET, SecretString: JSON.stringify(GOOD) };
  await shop.lab.world.call("secretsmanager", "PutSecretValue", value, { region: AWAY });
  at.mood = () => ({ status: 403, code: "InvalidAccessKeyId" });
  const refused = await failed(shop, "understudy-offsite-shop-20270103");
  expect(refused).toContain("refuses (InvalidAccessKeyId");
  expect(refused).toContain("The backups in AWS are untouched.");
  expect(await noted(shop)).toBeNull();
  // The provider was looked at before anything was restored.
  expect(shop.calls("rds:RestoreDBInstanceFromDBSnapshot")).toEqual([]);

  await backedUp(shop, "20261121t0601");
  const name = "understudy-offsite-shop-20270101";
  // The second part is held back, and the function dies while it is on its way.
  at.mood = (method, key) => (method === "PUT" && key.endsWith("parts/000002") ? "hold" : "pass");
  await begin(shop, name);
  await waitFor("the second part to be on its way", 90_000, () => at.held.some((key) => key.endsWith("parts/000002")));
  // From here on the provider fails, and the function is gone.
  at.mood = (method) => (method === "PUT" ? { status: 503, code: "SlowDown" } : "pass");
  expect(killProcessesOf("understudy-corner-shop-offsite")).toBe(1);
  const sentBefore = at.puts.filter((key) => key.includes("/parts/"));
  expect(sentBefore.length).toBeGreaterThan(0);

  await backedUp(shop, "20261121t0602");
  await waitFor("the dump to give the provider time", 60_000, () => shop.said("offsite dump met trouble").length > 0);
  expect(shop.mailed("a dump is offsite")).toBe(false);
  at.mood = () => "pass";
  const note = await waitFor("the dump to be noted", 120_000, () => noted(shop));
  await waitFor("the mail", 60_000, () => shop.mailed("a dump is offsite"));
  expect(await instances(shop)).not.toContain(name);

  const parts = at.puts.filter((key) => key.includes(`/${note.id}/parts/`));
  expect(new Set(parts).size).toBe(parts.length);
  expect(parts).toHaveLength(note.totals.parts);
  expect(note).toMatchObject({ endpoint: at.endpoint, bucket: at.bucket, prefix: "dumps", from: expect.stringContaining("20261121t0601") });
  for (const key of await at.keys()) {
    const bytes = await at.bytes(key);
    expect(bytes.includes(MARKER), key).toBe(false);
    // It was compressed before it was sealed: what is not encrypted could be unpacked.
    expect(() => gunzipSync(bytes.subarray(16, -32)), key).toThrow();
  }

  // Its role has what it needs (the lab refuses what it has not), and nothing else.
  const unused = judge(grantedBy(packaged), shop.lab.permissions.notes.all).filter(({ problem }) => problem !== null);
  expect(unused.filter(({ role }) => role === "OffsiteRole")).toEqual([]);
  // It has the databases' clients as they are.
  expect(statSync(join(packaged, "..", "offsite", "index.mjs")).size).toBeLessThan(2_300_000);

  if (noClient) return;
  const folder = throwawayFolder();
  const elsewhere = new PostgresCluster(join(folder.path, "elsewhere"));
  try {
    await elsewhere.init();
    await elsewhere.start();
    await elsewhere.provision({ user: "shop", password: "correct-horse", database: "shop" });
    const target = { host: "127.0.0.1", port: elsewhere.port as number, database: "shop", username: "shop", password: "correct-horse" };
    const kit = await downloaded(at, note.id, "dumps/shop");
    const restored = await runKit("restore", kit, masterKey, target);
    expect(restored.text).toContain("Equal: all tables have the dump's rows");
    expect(restored.code).toBe(0);
    const sum = "select count(*)::int as rows, md5(string_agg(words, '|' order by id)) as sum from notes";
    expect(await ask(target, sum)).toEqual(await onPrimary(shop, sum));
  } finally {
    await elsewhere.kill();
    await folder.leave();
  }
}, 240_000);
