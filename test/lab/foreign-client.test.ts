/** A client we did not write, with models of its own: the aws command. */
import { execFile, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { Shop } from "./shop.ts";

const installed = spawnSync("aws", ["--version"]).status === 0;
if (!installed) console.warn("notice: the aws command is not on this machine; its judgement of the lab is skipped");

test.skipIf(!installed)("aws lists the instances, the snapshots of both regions and the records, and invokes status", async () => {
  const shop = await Shop.open();
  const aws = async (region: string, ...args: string[]) => {
    const { stdout } = await promisify(execFile)(
      "aws",
      ["--endpoint-url", shop.lab.wire.url, "--region", region, "--output", "json", ...args],
      {
        env: { PATH: process.env.PATH, HOME: shop.lab.world.dir, AWS_ACCESS_KEY_ID: "lab", AWS_SECRET_ACCESS_KEY: "lab", AWS_PAGER: "" },
      },
    );
    return stdout === "" ? null : JSON.parse(stdout);
  };
  const instances = await aws(
    "eu-central-1",
    "rds",
    "describe-db-instances",
    "--query",
    "DBInstances[].[DBInstanceIdentifier,DBInstanceStatus,ReadReplicaSourceDBInstanceIdentifier]",
  );
  expect(instances).toEqual([
    ["shop-a", "available", null],
    ["shop-b", "available", "shop-a"],
  ]);
  // RDS takes automated ones too.
  const query = ["--snapshot-type", "manual", "--query", "DBSnapshots[].[DBSnapshotIdentifier,Status,SourceRegion]"];
  const [[id]] = await aws("eu-central-1", "rds", "describe-db-snapshots", ...query);
  expect(await aws("eu-west-1", "rds", "describe-db-snapshots", ...query)).toEqual([[id, "available", "eu-central-1"]]);
  const names = await aws(
    "us-east-1",
    "route53",
    "list-resource-record-sets",
    "--hosted-zone-id",
    "Z08CORNERSHOP0001",
    "--query",
    "ResourceRecordSets[?Type=='CNAME'].[Name,TTL]",
  );
  expect(names).toEqual([["db.shop.internal.", 1]]);
  const out = join(shop.lab.world.dir, "status.json");
  expect(await aws("eu-west-1", "lambda", "invoke", "--function-name", "understudy-corner-shop-status", out)).toMatchObject({
    StatusCode: 200,
  });
  expect(JSON.parse(readFileSync(out, "utf8"))).toMatchObject({
    plan: "corner-shop",
    databases: { shop: { primary: "shop-a", diagnosis: "PrimaryHealthy" } },
  });
  const alarms = await aws("eu-west-1", "cloudwatch", "describe-alarms", "--query", "MetricAlarms[].AlarmName");
  const expected = ["mails-failing", "news-lost", "overdue-check-silent", "shop-primary-lost", "shop-probe-silent"];
  expect(alarms).toEqual(expected.map((name) => `understudy-corner-shop-${name}`));
});
