/** The only call of Understudy that deletes an instance: one that a drill or an offsite dump has made. It refuses every other name before AWS is asked. */
import { DeleteDBInstanceCommand, RDSClient } from "@aws-sdk/client-rds";
import { Problem } from "../core/problem.ts";
import { DRILL, OFFSITE } from "../core/restore.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";

const rds = perRegion((region) => new RDSClient({ region, ...CLIENT_SETTINGS }));

export async function deleteTemporary(region: string, id: string): Promise<void> {
  if (![DRILL, OFFSITE].some((start) => id.startsWith(start)))
    throw new Problem("NotTemporary", `${id} was made neither by a drill nor by an offsite dump, and nothing else is deleted`, {
      hint: "Look at what named it.",
    });
  await rds(region).send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: id, SkipFinalSnapshot: true }));
}
