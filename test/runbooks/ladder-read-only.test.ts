import { afterEach, beforeAll, expect, test } from "vitest";
import type { Evidence } from "../../core/evidence.ts";
import type { Rung } from "../../core/ladder.ts";
import type { DatabasePlan } from "../../core/plan/schema.ts";
import { waitFor } from "../../lab/look.ts";
import { ServiceError } from "../../lab/wire/errors.ts";
import { bench, instead } from "./bench.ts";
import { Planned, REGION } from "./planned.ts";

const open = bench();
const shop = new Planned(open);
const OWN = "shop-a-own";
const IN_ANY_WAY = { verb: "failover", overrides: [207, 303, 304, 305, 306] } as const;

const rds = (operation: string, input: object) => open().lab.world.call("rds", operation, input, { region: REGION });
const setting = async (): Promise<string> =>
  String((await open().lab.rds.cluster(REGION, "shop-a").query("show default_transaction_read_only"))[0]?.default_transaction_read_only);
const planned = async () =>
  (await shop.settings()).shop.plan as { failover: { fence?: Rung[] } } & Pick<DatabasePlan, "fenceParameterGroups">;

beforeAll(async () => {
  await shop.afresh();
  const { DBParameterGroups } = await rds("DescribeDBParameterGroups", { DBParameterGroupName: "shop-postgres" });
  const { DBParameterGroupFamily } = DBParameterGroups[0];
  await rds("CreateDBParameterGroup", { DBParameterGroupName: OWN, DBParameterGroupFamily, Description: "shop-a's own" });
  await rds("ModifyDBInstance", { DBInstanceIdentifier: "shop-a", DBParameterGroupName: OWN, ApplyImmediately: true });
  await waitFor("its own parameter group", 20_000, async () => {
    const { DBInstanceStatus, DBParameterGroups: groups } = await shop.describe("shop-a");
    return DBInstanceStatus === "available" && groups[0].DBParameterGroupName === OWN;
  });
  const plan = await planned();
  plan.failover.fence = ["read-only", "network", "sessions"];
  Object.assign(plan, { fenceParameterGroups: { "shop-a": OWN } });
});

const restores: (() => void)[] = [];
afterEach(() => {
  for (const restore of restores.splice(0)) restore();
});

test("the fence has a read-only rung and the standby shares the parameter group: it is left alone, and said so", async () => {
  const { settings, shop: database } = await shop.settings();
  const { makeReadOnly } = await import("../../runbooks/read-only.ts");
  const { readRecord } = await import("../../runbooks/record.ts");
  const plan = { ...database.plan, fenceParameterGroups: { "shop-b": "shop-postgres" } };
  const record = (await readRecord(settings, database)).value;
  const touched: unknown[] = [];
  restores.push(
    instead(open().lab, "rds", "ModifyDBParameterGroup", (call) => (input) => {
      touched.push(input);
      return call(input);
    }),
  );
  const climbed = await makeReadOnly({ ...database, plan }, { ...record, standbys: ["shop-b"] }, "shop-b", async () => null);
  expect(climbed).toMatchObject({ rung: "read-only", holds: false, seen: expect.stringContaining("would become read-only with it") });
  const other = await makeReadOnly({ ...database, plan }, record, "shop-a", async () => null);
  expect(other).toMatchObject({ holds: false, seen: expect.stringContaining("names no parameter group") });
  expect(touched).toEqual([]);
});

test("the move is called off after the read-only rung: the old primary takes writes again (S15)", async () => {
  restores.push(
    instead(open().lab, "rds", "RebootDBInstance", () => () => {
      throw new ServiceError("AccessDenied", "User is not authorized to perform: rds:RebootDBInstance", 403);
    }),
  );
  const { result, steps } = await shop.move("shop-b", IN_ANY_WAY);
  expect(result).toMatchObject({ outcome: "failed", sentence: expect.stringContaining('at the stage "fence"') });
  expect(steps).toContain("it is made read-only");
  expect(await setting()).toBe("off");
  await waitFor("its clients to write again", 20_000, async () => (await shop.refusal("shop-a")) === null);
});

test("a primary that still answers is made read-only at once, before its network is gone; its parameter group is given back (S2, S3)", async () => {
  const { result, record } = await shop.move("shop-b", IN_ANY_WAY);
  expect(result.outcome, result.sentence).toBe("succeeded");
  const { lab, plan, bucket } = open();
  const { execution } = record.lastMove as { execution: string };
  const { Body } = await lab.world.call(
    "s3",
    "GetObject",
    { Bucket: bucket, Key: `evidence/shop/${execution}.json` },
    { region: plan.regions.recovery },
  );
  const pack: Evidence = JSON.parse(Buffer.from(Body).toString("utf8"));
  expect(pack.ladder).toMatchObject([
    { rung: "read-only", holds: true, seen: expect.stringContaining("read-only transaction") },
    { rung: "network", holds: true },
    { rung: "sessions", holds: true },
  ]);
  // Whoever takes the group over now is not bound by it.
  const { Parameters } = await rds("DescribeDBParameters", { DBParameterGroupName: OWN, Source: "user" });
  expect(Parameters).toEqual([]);
  expect(await shop.refusal("shop-b")).toBeNull();
});
