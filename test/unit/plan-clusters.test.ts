/** Plans whose database is a cluster: what they need, and which mistakes are named. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parsePlan } from "../../core/plan/parse.ts";
import { clusterPlan } from "../lab/cluster-plan.ts";

const example = readFileSync(join(import.meta.dirname, "..", "..", "recovery-plan.yml"), "utf8");

describe("a cluster as the database", () => {
  const cluster = (primary: string, standbys = "[]") => clusterPlan(example, primary, standbys);
  const problems = (text: string) => {
    const parsed = parsePlan(text);
    return parsed.ok ? [] : parsed.problems.map(({ field, problem }) => `${field}: ${problem}`);
  };

  test("is called by its identifier, and needs no standby, fence or backup of its own", () => {
    const parsed = parsePlan(cluster("{ cluster: shop, region: eu-central-1 }"));
    expect(parsed).toMatchObject({
      ok: true,
      plan: { databases: { shop: { primary: { instance: "shop", cluster: "shop" }, standbys: [] } } },
    });
  });

  test("of a global database has the other clusters as its standbys", () => {
    const text = cluster("{ globalCluster: world, cluster: near, region: eu-central-1 }", "[{ cluster: far, region: eu-west-1 }]");
    expect(problems(text)).toEqual([]);
  });

  test.each([
    ["both", "{ instance: shop-a, cluster: shop, region: eu-central-1 }", "[]", /primary: expected an instance or a cluster, got both/],
    ["neither", "{ region: eu-central-1 }", "[]", /primary: expected an instance or a cluster, got neither/],
    ["an instance without a standby", "{ instance: shop-a, region: eu-central-1 }", "[]", /standbys: expected at least one standby/],
    [
      "a cluster with replicas",
      "{ cluster: shop, region: eu-central-1 }",
      "[{ instance: b, region: eu-central-1 }]",
      /standbys: expected an empty list/,
    ],
    ["a global database alone", "{ globalCluster: w, cluster: a, region: eu-central-1 }", "[]", /standbys: expected the other clusters/],
    [
      "a global database of instances",
      "{ globalCluster: w, instance: a, region: eu-central-1 }",
      "[]",
      /globalCluster: expected it beside the cluster/,
    ],
    [
      "two clusters in one region",
      "{ globalCluster: w, cluster: a, region: eu-central-1 }",
      "[{ cluster: b, region: eu-central-1 }]",
      /standbys\[0\]\.region: expected a region other than eu-central-1/,
    ],
  ])("%s is a mistake that is named", (_, primary, standbys, message) => {
    expect(problems(cluster(primary, standbys)).join("\n")).toMatch(message);
  });

  test("is not restored by Understudy", () => {
    const text = cluster("{ cluster: shop, region: eu-central-1 }").replace(
      "    failover:\n",
      "    restore: { eu-west-1: { securityGroups: [sg-0a1b2c3d4e5f6a990] } }\n    failover:\n",
    );
    expect(problems(text)).toEqual([
      "databases.shop.restore: expected none: Understudy takes no backups of a cluster, so it restores none",
    ]);
  });

  test("takes no backups of Understudy's, and its name moves by its record", () => {
    const text = cluster("{ cluster: shop, region: eu-central-1 }")
      .replace("backups: []", "backups: [{ database: shop, everyMinutes: 60, copyTo: eu-west-1 }]")
      .replace("    database: shop\nbackups", "    database: shop\n    repoint: latch\nbackups");
    expect(problems(text).join("\n")).toMatch(/backups\[0\]\.database: expected a database that runs on an instance/);
  });
});
