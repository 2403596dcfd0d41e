/** Afterwards: why it was decided so, and what another policy would have done. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { waitFor } from "../../lab/look.ts";
import { Shop } from "./shop.ts";

const ROOT = join(import.meta.dirname, "..", "..");

test("the morning after: the failover is explained from its record, and a more patient policy is tried on it (S33)", async () => {
  const shop = await Shop.open();
  const patient = join(ROOT, "dist", "patient-plan.yml");
  writeFileSync(patient, readFileSync(inject("planFile"), "utf8").replace(/cooldownMinutes: \d+/, "$&\n      mode: shadow"));
  const traffic = shop.traffic();
  await waitFor("the client to write", 10_000, () => traffic.acknowledged.length > 20);
  await shop.lab.rds.faults.kill("eu-central-1", "shop-a");
  await shop.moved();
  await traffic.stop();

  const run = (...args: string[]) => command(shop, ...args);
  const newest = await run("explain", "shop", "--json");
  expect(newest, newest.said).toMatchObject({ code: 0 });
  const listed = await shop.lab.world.call(
    "s3",
    "ListObjectsV2",
    { Bucket: shop.bucket, Prefix: "decisions/shop/" },
    { region: "eu-west-1" },
  );
  const key: string = listed.Contents.map(({ Key }: { Key: string }) => Key).find((each: string) => each.endsWith("-r401.json"));
  const [, day, time] = /(\d{4}-\d\d-\d\d)\/([\d-]+)Z-r401/.exec(key) as unknown as [string, string, string];
  const at = `${day}T${time.replace(/^(\d\d)-(\d\d)-(\d\d)-/, "$1:$2:$3.")}Z`;

  const explained = await run("explain", "shop", "--at", at);
  expect(explained, explained.said).toMatchObject({ code: 0 });
  const words = explained.said.replace(/\s+/g, " ");
  expect(words).toContain("Failover to shop-b:");
  expect(words).toContain("shop-b (hot): fit");
  expect(words).toContain("401 matched: a probe and the links have lost the primary");
  expect(words).toContain("The rules of today decide the same from the same facts.");
  for (const line of explained.said.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);

  const replayed = await run("replay", "shop", "--policy", patient, "--from", day);
  expect(replayed, replayed.said).toMatchObject({ code: 0 });
  const others = replayed.said.replace(/\s+/g, " ");
  expect(others).toMatch(/(\d+) kept decisions from .*: the other policy decides 1 of them otherwise\./);
  expect(others).toContain("was Failover to shop-b:");
  expect(others).toContain("would be Would fail over to shop-b now:");
  expect((await run("replay", "shop", "--policy", "dist/test-plan.yml", "--from", "yesterday")).said).toContain(
    '--from is "yesterday": expected a day or a time in UTC.',
  );
});

async function command(shop: Shop, ...args: string[]): Promise<{ code: number; said: string }> {
  const env = { ...process.env, AWS_ACCESS_KEY_ID: "bench", AWS_SECRET_ACCESS_KEY: "bench", AWS_ENDPOINT_URL: shop.lab.wire.url };
  const words = [join(ROOT, "cli", "understudy.ts"), ...args, "--plan", inject("planFile")];
  return await new Promise((resolve) =>
    execFile(process.execPath, words, { cwd: ROOT, env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, said: `${out}${err}` }),
    ),
  );
}
