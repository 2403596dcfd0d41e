/** What RDS remembers of DB clusters, their snapshots and Aurora's global databases, as plain JSON. */
import type { FlavourName } from "./flavours.ts";

interface Tag {
  Key: string;
  Value: string;
}

/** What a snapshot keeps of a cluster. */
export interface ClusterData {
  engine: Extract<FlavourName, "postgres" | "aurora-postgresql">;
  engineVersion: string;
  storageGb: number;
  storageType?: string;
  iops?: number;
  kmsKeyId?: string;
  masterUser: string;
  dbName?: string;
  port: number;
  retentionDays: number;
  backupWindow: string;
}

export interface ClusterRecord extends ClusterData {
  id: string;
  arn: string;
  region: string;
  resourceId: string;
  status: string;
  createdAt: number;
  /** A Multi-AZ DB cluster's: its three members are made and deleted with it. Aurora's come and go one by one. */
  instanceClass?: string;
  maintenanceWindow: string;
  groups: string[];
  deletionProtection: boolean;
  copyTagsToSnapshot: boolean;
  tags: Tag[];
  /** The folder of its storage. One member has it open, the writer; readers have copies that follow. */
  volume: string;
  /** Whether the storage is whole: what members start from. */
  hasData: boolean;
  /** The member that has the storage open: the writer, or in a secondary cluster the one that receives from the primary. */
  lead?: string;
  failingOver?: true;
  /** The global database it is in. */
  global?: string;
  /** It was left behind by a failover of its global database, and is to be made again from the new primary. */
  resync?: true;
}

export interface ClusterSnapshotRecord extends ClusterData {
  id: string;
  arn: string;
  region: string;
  status: string;
  type: "manual" | "automated";
  clusterId: string;
  resourceId: string;
  clusterCreatedAt: number;
  createdAt?: number;
  tags: Tag[];
  sourceArn?: string;
  /** A copy under way, and whether from another region. */
  copy?: { from: string; across: boolean; startedAt: number };
  takenSince?: number;
}

export interface GlobalRecord {
  id: string;
  arn: string;
  resourceId: string;
  engine: ClusterData["engine"];
  engineVersion: string;
  dbName?: string;
  encrypted: boolean;
  deletionProtection: boolean;
  tags: Tag[];
  status: string;
  /** ARN of the cluster that writes; the others read. */
  primary?: string;
  secondaries: string[];
  move?: { status: "pending" | "failing-over" | "cancelling"; from: string; to: string; dataLossAllowed: boolean };
}
