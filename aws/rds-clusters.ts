/** DB clusters and Aurora Global Databases, in the words of `core/facts.ts`. Nothing decides here. */
import {
  DescribeDBClustersCommand,
  DescribeGlobalClustersCommand,
  FailoverDBClusterCommand,
  FailoverGlobalClusterCommand,
  RDSClient,
  SwitchoverGlobalClusterCommand,
} from "@aws-sdk/client-rds";
import type { InstanceFacts } from "../core/facts.ts";
import { CLIENT_SETTINGS, LOOK_SETTINGS, perRegion } from "./clients.ts";
import { isCode } from "./errors.ts";

const rds = perRegion((region) => new RDSClient({ region, ...CLIENT_SETTINGS }));
const looks = perRegion((region) => new RDSClient({ region, ...LOOK_SETTINGS }));

/** The cluster as one instance that RDS keeps alive: its endpoint is the writer's. null when RDS knows no such cluster. */
export async function describeCluster(region: string, id: string, quickly = false): Promise<InstanceFacts | null> {
  try {
    const { DBClusters } = await (quickly ? looks : rds)(region).send(new DescribeDBClustersCommand({ DBClusterIdentifier: id }));
    const found = DBClusters?.[0];
    if (!found) return null;
    const members = found.DBClusterMembers ?? [];
    return {
      id: found.DBClusterIdentifier ?? "",
      status: found.Status ?? "unknown",
      engineVersion: found.EngineVersion ?? "",
      sourceId: null,
      securityGroups: (found.VpcSecurityGroups ?? []).map((group) => `${group.VpcSecurityGroupId}:${group.Status}`),
      address: found.Endpoint ?? null,
      port: found.Port ?? null,
      native: {
        kind: "cluster",
        at: members.find(({ IsClusterWriter }) => IsClusterWriter)?.DBInstanceIdentifier ?? null,
        members: members.length,
        global: found.GlobalClusterIdentifier ?? null,
      },
    };
  } catch (error) {
    if (isCode(error, "DBClusterNotFound")) return null;
    throw error;
  }
}

/** To the reader that RDS chooses, by their promotion tiers. */
export async function failOverCluster(region: string, id: string): Promise<void> {
  await rds(region).send(new FailoverDBClusterCommand({ DBClusterIdentifier: id }));
}

export interface GlobalFacts {
  readonly status: string;
  /** ARN of the cluster that writes. */
  readonly writer: string | null;
  /** ARNs of all. */
  readonly members: readonly string[];
  /** null: RDS is not moving it. */
  readonly move: { readonly status: string; readonly to: string | null } | null;
}

/** As any region of the global database tells it. null when RDS knows no such one. */
export async function describeGlobal(region: string, id: string): Promise<GlobalFacts | null> {
  try {
    const { GlobalClusters } = await rds(region).send(new DescribeGlobalClustersCommand({ GlobalClusterIdentifier: id }));
    const found = GlobalClusters?.[0];
    if (!found) return null;
    const members = found.GlobalClusterMembers ?? [];
    return {
      status: found.Status ?? "unknown",
      writer: members.find(({ IsWriter }) => IsWriter)?.DBClusterArn ?? null,
      members: members.flatMap(({ DBClusterArn }) => DBClusterArn ?? []),
      move: found.FailoverState?.Status ? { status: found.FailoverState.Status, to: found.FailoverState.ToDbClusterArn ?? null } : null,
    };
  } catch (error) {
    if (isCode(error, "GlobalClusterNotFound")) return null;
    throw error;
  }
}

/** Loses nothing; needs a primary that answers. */
export async function switchOverGlobal(region: string, id: string, targetArn: string): Promise<void> {
  await rds(region).send(new SwitchoverGlobalClusterCommand({ GlobalClusterIdentifier: id, TargetDbClusterIdentifier: targetArn }));
}

/** Takes what the target has. Without AllowDataLoss RDS would make it a switchover, which waits for the primary that is lost. */
export async function failOverGlobal(region: string, id: string, targetArn: string): Promise<void> {
  await rds(region).send(
    new FailoverGlobalClusterCommand({ GlobalClusterIdentifier: id, TargetDbClusterIdentifier: targetArn, AllowDataLoss: true }),
  );
}
