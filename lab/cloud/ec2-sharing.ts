// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Which EBS snapshots an account sees, and with whom they are shared. A list without conditions holds everybody's public ones too,
 * as on AWS: ask for OwnerIds self.
 */
import { matching, paged, refuse } from "./ec2-request.ts";
import { progressOf, told, toSnapshot } from "./ec2-snapshots.ts";
import { AMAZON, findSnapshot, restorableSnapshots, type SnapshotRecord } from "./ec2-state.ts";
import { stock } from "./ec2-stock.ts";
import { findKey } from "./kms-keys.ts";
import type { Operation, World } from "./world.ts";

export function sharingOperations(world: World): Record<string, Operation> {
  const filters = {
    "snapshot-id": ({ id }: SnapshotRecord) => id,
    "volume-id": ({ volumeId }: SnapshotRecord) => volumeId,
    "volume-size": ({ sizeGiB }: SnapshotRecord) => String(sizeGiB),
    status: ({ state }: SnapshotRecord) => state,
    progress: (snapshot: SnapshotRecord) => progressOf(world, snapshot),
    description: ({ description }: SnapshotRecord) => description,
    encrypted: ({ kmsKeyArn }: SnapshotRecord) => String(kmsKeyArn !== undefined),
    "owner-id": ({ owner }: SnapshotRecord) => owner,
    "owner-alias": ({ owner }: SnapshotRecord) => (owner === AMAZON ? "amazon" : undefined),
    "start-time": ({ startedAt }: SnapshotRecord) => new Date(startedAt).toISOString(),
    "storage-tier": () => "standard",
    "transfer-type": ({ copy }: SnapshotRecord) => copy && (copy.durationMinutes ? "time-based" : "standard"),
  };

  return {
    DescribeSnapshots(input, caller) {
      stock(world, caller.region);
      const visible = restorableSnapshots(world, caller);
      for (const id of input.SnapshotIds ?? [])
        if (!visible.some((each) => each.id === id)) {
          if (!/^snap-/.test(id))
            throw refuse("InvalidParameterValue", `Value (${id}) for parameter snapshotId is invalid. Expected: 'snap-...'.`);
          throw refuse("InvalidSnapshot.NotFound", `The snapshot '${id}' does not exist.`);
        }
      const accounts = (ids?: string[]) => ids?.map((id) => (id === "self" ? caller.account : id === "amazon" ? AMAZON : id));
      const [owners, restorers] = [accounts(input.OwnerIds), accounts(input.RestorableByUserIds)];
      const found = visible
        .filter(({ id }) => !input.SnapshotIds?.length || input.SnapshotIds.includes(id))
        .filter(({ owner }) => !owners?.length || owners.includes(owner))
        .filter(({ owner, sharedWith }) => !restorers?.length || restorers.some((each) => each === owner || sharedWith.includes(each)))
        .filter(matching<SnapshotRecord>(input.Filters, filters));
      const { page, NextToken } = paged(found, input, "snapshotSet", input.SnapshotIds);
      return { Snapshots: page.map((each) => shape(each, caller.account)), NextToken };
    },
    ModifySnapshotAttribute(input, caller) {
      const snapshot = findSnapshot(world, caller, input.SnapshotId);
      const { add, remove } = permissions(input);
      if (add.length > 0 && snapshot.kmsKeyArn) {
        if (add.includes("all")) throw refuse("InvalidParameterValue", `${snapshot.id} is encrypted: it cannot be made public.`);
        if (findKey(world, caller.account, caller.region, snapshot.kmsKeyArn)?.manager === "AWS")
          throw refuse("InvalidParameter", "Snapshots encrypted with the AWS Managed CMK can't be shared. Specify another snapshot.");
      }
      snapshot.sharedWith = [...new Set([...snapshot.sharedWith, ...add])].filter((each) => !remove.includes(each));
      told(world, snapshot, snapshot.sharedWith.length > 0 ? `is shared with ${snapshot.sharedWith.join(", ")}` : "is private");
      return {};
    },
    DescribeSnapshotAttribute(input, caller) {
      const { id, sharedWith } = findSnapshot(world, caller, input.SnapshotId);
      if (input.Attribute === "productCodes") return { SnapshotId: id, ProductCodes: [] };
      attribute(input.Attribute);
      return { SnapshotId: id, CreateVolumePermissions: sharedWith.map((each) => (each === "all" ? { Group: "all" } : { UserId: each })) };
    },
    ResetSnapshotAttribute(input, caller) {
      const snapshot = findSnapshot(world, caller, input.SnapshotId);
      attribute(input.Attribute);
      snapshot.sharedWith = [];
      told(world, snapshot, "is private");
      return {};
    },
  };

  function shape(snapshot: SnapshotRecord, viewer: string): any {
    const { Tags, ...common } = toSnapshot(world, snapshot);
    const shown = { ...common, OwnerAlias: snapshot.owner === AMAZON ? "amazon" : undefined };
    // Tags are seen by the owner alone.
    return snapshot.owner === viewer ? { ...shown, Tags } : shown;
  }
}

/** In either of the two forms a request may have. */
function permissions(input: any): { add: string[]; remove: string[] } {
  if (input.Attribute !== undefined) attribute(input.Attribute);
  const names = (list: any[] = []) => list.map(({ UserId, Group }) => UserId ?? Group);
  const named = [...(input.UserIds ?? []), ...(input.GroupNames ?? [])];
  if (named.length > 0 && input.OperationType !== "add" && input.OperationType !== "remove")
    throw refuse(
      "InvalidParameterValue",
      `Value (${input.OperationType}) for parameter operationType is invalid. Expected: 'add' or 'remove'.`,
    );
  const add = [...names(input.CreateVolumePermission?.Add), ...(input.OperationType === "add" ? named : [])];
  const remove = [...names(input.CreateVolumePermission?.Remove), ...(input.OperationType === "remove" ? named : [])];
  if (add.length + remove.length === 0) throw refuse("InvalidParameterCombination", "No attributes specified.");
  for (const who of [...add, ...remove])
    if (who !== "all" && !/^\d{12}$/.test(who))
      throw refuse("InvalidUserID.Malformed", `Invalid user id: "${who}": expected an account of twelve digits.`);
  return { add, remove };
}

function attribute(name: string): void {
  if (name !== "createVolumePermission")
    throw refuse("InvalidParameterValue", `Value (${name}) for parameter attribute is invalid. Expected: 'createVolumePermission'.`);
}
