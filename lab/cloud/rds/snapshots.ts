/** Snapshots: taken from instances, listed, deleted. Each is a folder that holds real data. Copies are in copies.ts, automated ones in backups.ts. */
import type { Operation, World } from "../world.ts";
import { refuse } from "./errors.ts";
import { snapshotEvent } from "./events.ts";
import { filters, identifier, mergeTags, only, page, required, tags } from "./input.ts";
import { mustBe, type Rds, setStatus } from "./lifecycle.ts";
import { toSnapshot } from "./shapes.ts";
import {
  arnOf,
  findInstance,
  findReadable,
  findSnapshot,
  type InstanceRecord,
  isForeign,
  parseArn,
  rdsState,
  regionState,
  type SnapshotRecord,
  type Tag,
} from "./state.ts";

/** AWS's usual quota of manual snapshots in a region. Copies still under way count. */
const MANUAL_PER_REGION = 100;
const TYPES = ["manual", "automated", "shared", "public", "awsbackup"];

export function snapshotOperations(rds: Rds): Record<string, Operation> {
  const { world, fleet } = rds;

  return {
    CreateDBSnapshot(input, { region }) {
      only(input, "CreateDBSnapshot", "DBSnapshotIdentifier", "DBInstanceIdentifier", "Tags");
      const instance = findInstance(world, region, required(input, "DBInstanceIdentifier"));
      if (instance.cluster)
        throw refuse(
          "InvalidParameterValue",
          "The specified instance is a member of a cluster and a snapshot cannot be created directly. Please use the CreateDBClusterSnapshot API instead.",
        );
      const snapshot = newSnapshot(rds, instance, input, "DBSnapshotIdentifier", () =>
        mustBe(instance, ["available", "storage-optimization"], "be backed up"),
      );
      setStatus(world, instance, "backing-up");
      const settle = (): void => {
        if (instance.status === "backing-up") setStatus(world, instance, "available");
      };
      const take = async (): Promise<void> => {
        await takeSnapshot(rds, instance, snapshot);
        settle();
      };
      fleet.work(0, `taking the snapshot ${snapshot.id}`, region, take, () => {
        snapshotStatus(world, snapshot, "failed");
        settle();
      });
      return { DBSnapshot: toSnapshot(world, snapshot) };
    },

    DescribeDBSnapshots(input, { region }) {
      const { DBSnapshotIdentifier: id, DBInstanceIdentifier: instanceId, DbiResourceId: resourceId, SnapshotType: type } = input;
      if (id && instanceId)
        throw refuse("InvalidParameterCombination", "DBSnapshotIdentifier and DBInstanceIdentifier cannot be given together.");
      if (type !== undefined && !TYPES.includes(type))
        throw refuse("InvalidParameterValue", `Invalid snapshot type: ${type}. Known: ${TYPES.join(", ")}.`);
      const matches = filters<SnapshotRecord>(input.Filters, {
        "db-instance-id": (each) => [each.instanceId, arnOf(world, each.sourceRegion ?? region, "db", each.instanceId)],
        "db-snapshot-id": (each) => [each.id],
        "dbi-resource-id": (each) => [each.resourceId],
        "snapshot-type": (each) => [each.type],
        engine: (each) => [each.engine],
      });
      const wantedInstance = instanceId && (parseArn(instanceId)?.id ?? instanceId.toLowerCase());
      const all = (id ? [findReadable(world, region, id)] : listed(world, region, input))
        .filter((each) => !wantedInstance || each.instanceId === wantedInstance)
        .filter((each) => !resourceId || each.resourceId === resourceId)
        .filter((each) => !type || (isForeign(world, each) ? sharedAs(world, each) : each.type) === type);
      const { page: shown, marker } = page(all.filter(matches), (each) => (isForeign(world, each) ? each.arn : each.id), input);
      return { Marker: marker, DBSnapshots: shown.map((each) => toSnapshot(world, each)) };
    },

    async DeleteDBSnapshot(input, { region }) {
      only(input, "DeleteDBSnapshot", "DBSnapshotIdentifier");
      const snapshot = findSnapshot(world, region, required(input, "DBSnapshotIdentifier"));
      if (snapshot.type === "automated") throw refuse("InvalidDBSnapshotState", "automated snapshots cannot be deleted.");
      if (snapshot.status !== "available" && snapshot.status !== "failed") {
        throw refuse(
          "InvalidDBSnapshotState",
          `Cannot delete the snapshot because it is not currently in the available state: ${snapshot.id} is ${snapshot.status}.`,
        );
      }
      // A copy that still reads it finds its record gone, and fails.
      delete regionState(world, region).snapshots[snapshot.id];
      const answer = { ...toSnapshot(world, snapshot), Status: "deleted" };
      world.tell({
        kind: "state",
        region,
        service: "rds",
        what: `the snapshot ${snapshot.id} is deleted`,
        detail: { snapshot: snapshot.arn },
      });
      snapshotEvent(world, snapshot, "0041");
      await fleet.dropBackup(snapshot);
      return { DBSnapshot: answer };
    },
  };
}

/** The account's own; what others share with it, with everyone or with it by name, only when it is asked for. */
function listed(
  world: World,
  region: string,
  input: { SnapshotType?: string; IncludeShared?: boolean; IncludePublic?: boolean },
): SnapshotRecord[] {
  const wanted = [input.SnapshotType, input.IncludeShared && "shared", input.IncludePublic && "public"];
  const others = [...world.accounts.values()].filter((each) => each !== world);
  const foreign = others.flatMap((other) => Object.values(rdsState(other).regions[region]?.snapshots ?? {}));
  return [
    ...Object.values(regionState(world, region).snapshots),
    ...foreign.filter((each) => wanted.includes(sharedAs(world, each) ?? "no")),
  ];
}

function sharedAs(world: World, { sharedWith = [] }: SnapshotRecord): "shared" | "public" | undefined {
  if (sharedWith.includes(world.account)) return "shared";
  return sharedWith.includes("all") ? "public" : undefined;
}

/** Checks the request and keeps the new record, status `creating`. `member` names the identifier in the request; `last` is asked after the other checks. */
export function newSnapshot(
  { world }: Rds,
  instance: InstanceRecord,
  input: { DBSnapshotIdentifier?: string; Tags?: unknown },
  member: string,
  last: () => void = () => {},
): SnapshotRecord {
  const { region } = instance;
  const id = identifier({ [member]: input.DBSnapshotIdentifier }, member, 255);
  const own = tags(input.Tags);
  roomFor(world, region, id);
  last();
  return addSnapshot(world, instance, id, "manual", instance.copyTagsToSnapshot ? mergeTags(instance.tags, own) : own);
}

/** The record of a snapshot that is about to be taken. */
export function addSnapshot(
  world: World,
  instance: InstanceRecord,
  id: string,
  type: SnapshotRecord["type"],
  snapshotTags: Tag[],
): SnapshotRecord {
  const { region } = instance;
  const record: SnapshotRecord = {
    id,
    arn: arnOf(world, region, "snapshot", id),
    region,
    status: "",
    type,
    instanceId: instance.id,
    resourceId: instance.resourceId,
    instanceCreatedAt: instance.createdAt,
    engine: instance.engine,
    engineVersion: instance.engineVersion,
    storageGb: instance.storageGb,
    storageType: instance.storageType,
    kmsKeyId: instance.kmsKeyId,
    masterUser: instance.masterUser,
    dbName: instance.dbName,
    port: instance.port,
    zone: instance.zone,
    retentionDays: instance.retentionDays,
    backupWindow: instance.backupWindow,
    tags: snapshotTags,
    takenSince: world.now(),
  };
  regionState(world, region).snapshots[id] = record;
  snapshotStatus(world, record, "creating");
  snapshotEvent(world, record, type === "manual" ? "0040" : "0090");
  return record;
}

/** Refuses an identifier that is taken and a region that is full. */
export function roomFor(world: World, region: string, id: string): void {
  const { snapshots } = regionState(world, region);
  if (id in snapshots)
    throw refuse("DBSnapshotAlreadyExists", `Cannot create the snapshot because a snapshot with the identifier ${id} already exists.`);
  if (Object.values(snapshots).filter(({ type }) => type === "manual").length >= MANUAL_PER_REGION)
    throw refuse("SnapshotQuotaExceeded", `Cannot create more than ${MANUAL_PER_REGION} manual snapshots`);
}

/** Copies the instance's data as it is now, and resolves when the snapshot is available. */
export async function takeSnapshot(
  { world, fleet }: Rds,
  instance: InstanceRecord,
  snapshot: SnapshotRecord,
  atLeastMs = world.timings.snapshotMs,
): Promise<void> {
  const started = world.now();
  const diedAt = instance.fault?.at;
  await fleet.keepBackup(instance, snapshot);
  await fleet.pause(atLeastMs - (world.now() - started));
  snapshot.createdAt = started;
  snapshot.originalCreatedAt = started;
  // A dead database has taken no transaction since it died.
  snapshot.databaseAt = diedAt ?? started;
  snapshotStatus(world, snapshot, "available");
  snapshotEvent(world, snapshot, snapshot.type === "manual" ? "0042" : "0091");
}

const WORDS: Record<string, string> = { creating: "being made", pending: "waiting for its turn", failed: "lost: it failed" };

export function snapshotStatus(world: World, snapshot: SnapshotRecord, status: string): void {
  snapshot.status = status;
  world.tell({
    kind: "state",
    region: snapshot.region,
    service: "rds",
    what: `the snapshot ${snapshot.id} is ${WORDS[status] ?? status}`,
    detail: { snapshot: snapshot.arn, status },
  });
}
