/** What a plan must say of the instances and clusters of each database, beyond its shape. Pure; every finding at once. */
import type { Finding } from "./check.ts";
import type { WrittenPlan } from "./schema.ts";

export function checkMembers(plan: WrittenPlan): Finding[] {
  const findings: Finding[] = [];
  for (const [key, database] of Object.entries(plan.databases)) {
    const { primary, standbys } = database;
    const find = (path: (string | number)[], problem: string) => findings.push({ path: ["databases", key, ...path], problem });
    const either = (path: (string | number)[], { instance, cluster }: { instance?: string; cluster?: string }) => {
      if (instance === undefined && cluster === undefined) find(path, "expected an instance or a cluster, got neither");
      if (instance !== undefined && cluster !== undefined)
        find(path, "expected an instance or a cluster, got both: name the one clients write to");
    };
    either(["primary"], primary);
    standbys.forEach((standby, index) => {
      either(["standbys", index], standby);
    });
    if (primary.cluster === undefined) {
      if (primary.globalCluster !== undefined)
        find(["primary", "globalCluster"], "expected it beside the cluster that writes now: a global database is made of clusters");
      if (standbys.length === 0) find(["standbys"], "expected at least one standby");
      standbys.forEach(({ cluster }, index) => {
        if (cluster !== undefined)
          find(["standbys", index, "cluster"], "expected an instance: the standby of an instance is its read replica");
      });
      continue;
    }
    if (primary.globalCluster === undefined && standbys.length > 0)
      find(
        ["standbys"],
        "expected an empty list: RDS keeps a cluster's standbys itself; those of a global database need globalCluster beside the cluster",
      );
    if (primary.globalCluster !== undefined && standbys.length === 0)
      find(["standbys"], "expected the other clusters of the global database, at least one");
    standbys.forEach(({ instance, region }, index) => {
      if (instance !== undefined)
        find(["standbys", index, "instance"], "expected a cluster: the standbys of a global database are clusters");
      if (region === primary.region)
        find(["standbys", index, "region"], `expected a region other than ${primary.region}: a global database has one cluster in each`);
    });
    plan.records.forEach(({ database: of, repoint }, index) => {
      if (of === key && repoint === "latch")
        findings.push({
          path: ["records", index, "repoint"],
          problem: 'expected "record": a latch knows the addresses of instances alone',
        });
    });
    plan.backups.forEach(({ database: of }, index) => {
      if (of === key)
        findings.push({
          path: ["backups", index, "database"],
          problem: `expected a database that runs on an instance: Understudy takes no snapshots of clusters yet, so let RDS keep those of "${key}" and copy them`,
        });
    });
  }
  return findings;
}
