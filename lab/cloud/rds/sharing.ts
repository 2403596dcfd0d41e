/** With whom a manual snapshot is shared: its `restore` attribute. What the others then do with it is in copies.ts and restore.ts. */
import { findKey } from "../kms-keys.ts";
import type { Operation, World } from "../world.ts";
import { refuse } from "./errors.ts";
import { identifier, only, required } from "./input.ts";
import { findSnapshot, parseArn, type SnapshotRecord } from "./state.ts";

/** Accounts one snapshot may be shared with. */
const MOST = 20;

export function sharingOperations(world: World): Record<string, Operation> {
  return {
    ModifyDBSnapshotAttribute(input, { region }) {
      only(input, "ModifyDBSnapshotAttribute", "DBSnapshotIdentifier", "AttributeName", "ValuesToAdd", "ValuesToRemove");
      const wanted = required(input, "DBSnapshotIdentifier");
      // An automated snapshot is not even named here: the colon of its identifier is refused, as by AWS.
      const named = { DBSnapshotIdentifier: parseArn(wanted)?.id ?? wanted };
      const snapshot = findSnapshot(world, region, identifier(named, "DBSnapshotIdentifier", 255));
      if (required(input, "AttributeName") !== "restore")
        throw refuse("InvalidParameterValue", `Invalid attribute name: ${input.AttributeName}. The attribute of a snapshot is restore.`);
      const add: string[] = input.ValuesToAdd ?? [];
      const remove: string[] = input.ValuesToRemove ?? [];
      if (add.length + remove.length === 0)
        throw refuse("InvalidParameterCombination", "Give the accounts in ValuesToAdd or in ValuesToRemove: the request has neither.");
      const strange = [...add, ...remove].find((value) => value !== "all" && !/^\d{12}$/.test(value));
      if (strange !== undefined)
        throw refuse("InvalidParameterValue", `Invalid value for restore: ${strange}. Expected an account of twelve digits, or all.`);
      if (snapshot.status !== "available")
        throw refuse(
          "InvalidDBSnapshotState",
          `The snapshot ${snapshot.id} cannot be shared: its status is ${snapshot.status}, not available.`,
        );
      if (add.length > 0 && snapshot.kmsKeyId) checkEncrypted(region, snapshot, snapshot.kmsKeyId, add);
      const shared = [...new Set([...(snapshot.sharedWith ?? []), ...add])].filter((value) => !remove.includes(value));
      if (shared.filter((value) => value !== "all").length > MOST)
        throw refuse(
          "SharedSnapshotQuotaExceeded",
          `You have exceeded the maximum number of accounts that you can share a snapshot with: ${MOST}.`,
        );
      snapshot.sharedWith = shared;
      world.tell({
        kind: "state",
        region,
        service: "rds",
        what: `the snapshot ${snapshot.id} is ${shared.length > 0 ? `shared with ${shared.join(", ")}` : "private"}`,
        detail: { snapshot: snapshot.arn },
      });
      return { DBSnapshotAttributesResult: toAttributes(snapshot) };
    },
    DescribeDBSnapshotAttributes(input, { region }) {
      return { DBSnapshotAttributesResult: toAttributes(findSnapshot(world, region, required(input, "DBSnapshotIdentifier"))) };
    },
  };

  function checkEncrypted(region: string, snapshot: SnapshotRecord, key: string, add: string[]): void {
    if (add.includes("all"))
      throw refuse("InvalidParameterCombination", `${snapshot.id} is encrypted: it can be shared with accounts and not with all.`);
    if (findKey(world, world.account, region, key)?.manager === "AWS")
      throw refuse(
        "InvalidParameterCombination",
        "Sharing snapshots encrypted with the default service key for RDS is currently not supported.",
      );
  }
}

function toAttributes({ id, sharedWith = [] }: SnapshotRecord) {
  return { DBSnapshotIdentifier: id, DBSnapshotAttributes: [{ AttributeName: "restore", AttributeValues: sharedWith }] };
}
