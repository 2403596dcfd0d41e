/** Drills under AWS's durable kit: the newest copy is restored aside, looked through, deleted. */
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { afterEach, expect, test } from "vitest";
import { ServiceError } from "../../lab/wire/errors.ts";
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

test("drills are planned for every seven days: one begins each week, by a name of its own, and the drill says that the plan asked for it", async () => {
  const { lab, news } = open();
  const { startDueDrill } = await import("../../runbooks/every-days.ts");
  const { protectedDatabase, readSettings } = await import("../../runbooks/settings.ts");
  const settings = readSettings();
  const planned = { ...settings, plan: { ...settings.plan, drills: { everyDays: 7 } } };
  const shop = protectedDatabase(planned.plan, "shop");
  const begun: { name: string; payload: object }[] = [];
  const listen = (refused: boolean) =>
    restores.push(
      instead(lab, "lambda", "Invoke", () => (call) => {
        if (refused) throw new ServiceError("AccessDeniedException", "not authorized to perform: lambda:InvokeFunction", 403);
        const { DurableExecutionName, Payload } = call as { DurableExecutionName: string; Payload: Uint8Array };
        begun.push({ name: DurableExecutionName, payload: JSON.parse(Buffer.from(Payload).toString("utf8")) });
        return { StatusCode: 202 };
      }),
    );
  listen(false);
  const at = (text: string) => Date.parse(text);
  expect(await startDueDrill(settings, shop, at("2026-11-21T09:00:00Z"))).toBeNull();
  const week = await startDueDrill(planned, shop, at("2026-11-21T09:00:00Z"));
  expect(week).toBe("understudy-drill-shop-20261119t000000");
  expect(await startDueDrill(planned, shop, at("2026-11-25T23:59:59Z"))).toBe(week);
  expect(await startDueDrill(planned, shop, at("2026-11-26T00:00:00Z"))).toBe("understudy-drill-shop-20261126t000000");
  // The same name and the same payload: Lambda joins them.
  expect(begun.map(({ name, payload }) => ({ name, payload }))).toEqual(
    [week, week, "understudy-drill-shop-20261126t000000"].map((name) => ({ name, payload: { database: "shop", name, by: null } })),
  );
  // The schedule's other work goes on where a drill cannot be started, or there is nothing to drill.
  listen(true);
  expect(await startDueDrill(planned, shop, at("2026-12-03T00:00:00Z"))).toBeNull();
  const never = { ...planned, state: { ...planned.state, bucket: "understudy-empty" } };
  const location = { CreateBucketConfiguration: { LocationConstraint: AWAY } };
  await lab.world.call("s3", "CreateBucket", { Bucket: never.state.bucket, ...location }, { region: AWAY });
  expect(await startDueDrill(never, shop, at("2026-12-03T00:00:00Z"))).toBeNull();
  expect(begun).toHaveLength(3);

  await run("drill", begun[0]?.payload as object);
  expect(news.at(-1)?.details).toContainEqual(["Asked for by", "the plan's schedule"]);
});
