import pg from "pg";
import { expect, test } from "vitest";
import { APP_GROUP } from "../../lab/estate.ts";
import { endpoint, snapshots, waitFor } from "../../lab/look.ts";
import { Shop } from "./shop.ts";

test("the copied snapshot, restored in the second region, holds the rows written before it was taken", async () => {
  const shop = await Shop.open();
  const [copy] = await snapshots(shop.lab, ["eu-west-1"]);
  const rds = (operation: string, input: object) => shop.lab.world.call("rds", operation, input, { region: "eu-west-1" });
  await rds("RestoreDBInstanceFromDBSnapshot", {
    DBInstanceIdentifier: "shop-restored",
    DBSnapshotIdentifier: copy?.id,
    VpcSecurityGroupIds: [APP_GROUP],
  });
  await waitFor(
    "the restored instance",
    20_000,
    async () =>
      (await rds("DescribeDBInstances", { DBInstanceIdentifier: "shop-restored" })).DBInstances[0].DBInstanceStatus === "available",
  );
  const client = new pg.Client({
    ...(await endpoint(shop.lab, "eu-west-1", "shop-restored")),
    user: "shopkeeper",
    password: shop.access.password,
    database: "shop",
  });
  await client.connect();
  const { rows } = await client.query("select count(*)::int as products, (select pg_is_in_recovery()) as standby from products");
  await client.end();
  expect(rows).toEqual([{ products: 1000, standby: false }]);
});
