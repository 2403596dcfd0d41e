/** Drills under AWS's durable kit: the newest copy is restored aside, looked through, deleted. */
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { afterEach, expect, test } from "vitest";
import { bench, instead } from "./bench.ts";

const open = bench();
const AWAY = "eu-west-1";
let restores: (() => void)[] = [];
afterEach(() => {
  for (const restore of restores) restore();
  restores = [];
});

async function run(file: "backup" | "drill", payload: object) {
  const { handler } = await import(`../../functions/${file}.ts`);
  const execution = await new LocalDurableTestRunner({ handlerFunction: handler as never }).run({ payload });
  return execution.getResult() as { outcome: string; sentence: string; report: string };
}

const instances = async () => {
  const { DBInstances } = await open().lab.world.call("rds", "DescribeDBInstances", {}, { region: AWAY });
  return DBInstances.map((it: { DBInstanceIdentifier: string }) => it.DBInstanceIdentifier);
};
const drill = (second: string) => run("drill", { database: "shop", name: `understudy-drill-shop-20261121t0900${second}`, by: "alice" });

test("there is no backup: the drill fails and says so, and makes nothing", async () => {
  const { news } = open();
  expect(await drill("00")).toMatchObject({ outcome: "failed", sentence: expect.stringContaining("no backup of shop on record") });
  expect(news.at(-1)).toMatchObject({ kind: "Drill Failed", commands: ["npm run understudy -- drill shop"] });
  expect(await instances()).toEqual([]);
});

test("the newest copy is restored aside, looked through, reported, and nothing of it is left", async () => {
  const { news, lab, plan, bucket } = open();
  const { probeLap } = await import("../../runbooks/probe.ts");
  const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
  await probeLap(readSettings(), protectedDatabase(readSettings().plan, "shop"));
  await run("backup", { database: "shop", slot: "20261121t0600" });
  const groups: string[][] = [];
  restores.push(
    instead(lab, "rds", "RestoreDBInstanceFromDBSnapshot", (before) => (input) => {
      groups.push((input as { VpcSecurityGroupIds: string[] }).VpcSecurityGroupIds);
      return before(input);
    }),
  );
  const { outcome, sentence, report } = await drill("01");
  expect(sentence).toMatch(
    /^The newest backup of shop can be restored: it answered after \d+ s, and holds \d+ tables, \d+ rows counted\.$/,
  );
  expect(outcome).toBe("passed");
  expect(groups).toEqual([[plan.databases.shop?.drainSecurityGroups?.[AWAY]]]);
  expect(await instances()).toEqual([]);
  const { Body } = await lab.world.call("s3", "GetObject", { Bucket: bucket, Key: report }, { region: AWAY });
  expect(JSON.parse(Buffer.from(Body).toString("utf8"))).toMatchObject({ passed: true, trouble: [], leftOver: null });
  expect(news.at(-1)).toMatchObject({ kind: "Drill Passed", next: "Nothing." });
});

test("a table of the last drill is missing in the newest copy: the drill fails, and the copy is deleted all the same", async () => {
  const { lab, bucket, news } = open();
  const Key = "drills/shop/manifest.json";
  const { Body } = await lab.world.call("s3", "GetObject", { Bucket: bucket, Key }, { region: AWAY });
  const manifest = JSON.parse(Buffer.from(Body).toString("utf8"));
  const changed = { ...manifest, tables: { ...manifest.tables, "public.invoices": 12 } };
  await lab.world.call("s3", "PutObject", { Bucket: bucket, Key, Body: Buffer.from(JSON.stringify(changed)) }, { region: AWAY });
  const { outcome, sentence } = await drill("02");
  expect(outcome).toBe("failed");
  expect(sentence).toContain("are missing: public.invoices");
  expect(await instances()).toEqual([]);
  expect(news.at(-1)?.kind).toBe("Drill Failed");
});

test("somebody else's instance has the drill's name: it stays", async () => {
  const { lab } = open();
  const id = "understudy-drill-shop-20261121t090003";
  const snapshot = "understudy-shop-20261121t0600";
  await lab.world.call(
    "rds",
    "RestoreDBInstanceFromDBSnapshot",
    { DBInstanceIdentifier: id, DBSnapshotIdentifier: snapshot },
    { region: AWAY },
  );
  const { sentence } = await drill("03");
  expect(sentence).toContain("that this restore did not make");
  expect(await instances()).toEqual([id]);
});
