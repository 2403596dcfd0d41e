/** With whom a manual snapshot is shared: its attribute "restore". Both ways are safe to repeat. Nothing decides here. */
import { ModifyDBSnapshotAttributeCommand, RDSClient } from "@aws-sdk/client-rds";
import { CLIENT_SETTINGS, perRegion, type Where } from "./clients.ts";
import { isCode } from "./errors.ts";

const rds = perRegion<RDSClient, Where>((region, leave) => new RDSClient({ region, ...CLIENT_SETTINGS, ...leave }));

export async function shareSnapshot(where: Where, id: string, account: string): Promise<void> {
  await rds(where).send(
    new ModifyDBSnapshotAttributeCommand({ DBSnapshotIdentifier: id, AttributeName: "restore", ValuesToAdd: [account] }),
  );
}

/** What is gone is shared with nobody. */
export async function unshareSnapshot(where: Where, id: string, account: string): Promise<void> {
  try {
    await rds(where).send(
      new ModifyDBSnapshotAttributeCommand({ DBSnapshotIdentifier: id, AttributeName: "restore", ValuesToRemove: [account] }),
    );
  } catch (error) {
    if (!isCode(error, "DBSnapshotNotFound")) throw error;
  }
}
