/** Looks into a lab the way its owner could: through the services' own operations. For the main job's report and for tests. */
import type { Lab } from "./lab.ts";

/** A JSON document of a bucket; null when it is not there. */
export async function readJson<T>(lab: Lab, region: string, bucket: string, key: string): Promise<T | null> {
  const answer = await lab.world.call("s3", "GetObject", { Bucket: bucket, Key: key }, { region }).catch((error: { code?: string }) => {
    if (error.code === "NoSuchKey") return null;
    throw error;
  });
  return answer === null ? null : (JSON.parse(Buffer.from(answer.Body).toString("utf8")) as T);
}

/** The bucket Understudy keeps its records in: the one deployed function's environment names it. */
export async function stateBucket(lab: Lab, region: string, watchFunction: string): Promise<string> {
  const { Environment } = await lab.world.call("lambda", "GetFunctionConfiguration", { FunctionName: watchFunction }, { region });
  return Environment.Variables.STATE_BUCKET;
}

export interface SnapshotLine {
  readonly id: string;
  readonly region: string;
  readonly status: string;
  readonly takenAt: string;
}

export async function snapshots(lab: Lab, regions: readonly string[]): Promise<SnapshotLine[]> {
  const pages = await Promise.all(
    regions.map(async (region) => {
      const { DBSnapshots } = await lab.world.call("rds", "DescribeDBSnapshots", { SnapshotType: "manual" }, { region });
      // biome-ignore lint/suspicious/noExplicitAny: a DBSnapshot of the RDS API
      return DBSnapshots.map((it: any) => ({
        id: it.DBSnapshotIdentifier,
        region,
        status: it.Status,
        takenAt: (it.OriginalSnapshotCreateTime ?? it.SnapshotCreateTime)?.toISOString() ?? "",
      }));
    }),
  );
  return pages.flat();
}

/** Host and port of an instance. */
export async function endpoint(lab: Lab, region: string, id: string): Promise<{ host: string; port: number }> {
  const { DBInstances } = await lab.world.call("rds", "DescribeDBInstances", { DBInstanceIdentifier: id }, { region });
  const { Address, Port } = DBInstances[0].Endpoint;
  return { host: lab.world.state<Record<string, string>>("hosts", () => ({}))[Address.toLowerCase()] as string, port: Port };
}

/** Host and port of a cluster's writer. */
export async function clusterEndpoint(lab: Lab, region: string, id: string): Promise<{ host: string; port: number }> {
  const { DBClusters } = await lab.world.call("rds", "DescribeDBClusters", { DBClusterIdentifier: id }, { region });
  const { Endpoint, Port } = DBClusters[0];
  return { host: lab.world.state<Record<string, string>>("hosts", () => ({}))[Endpoint.toLowerCase()] as string, port: Port };
}

/** Waits until `look` gives something; says what it waited for when it never does. */
export async function waitFor<T>(
  what: string,
  timeoutMs: number,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
): Promise<T> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > until) throw new Error(`waited ${Math.round(timeoutMs / 1000)} s in vain for this: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
