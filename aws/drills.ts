/** The only call of Understudy that deletes: the instance a drill has made. It refuses every other name before AWS is asked. */
import { DeleteDBInstanceCommand, RDSClient } from "@aws-sdk/client-rds";
import { Problem } from "../core/problem.ts";
import { DRILL } from "../core/restore.ts";
import { CLIENT_SETTINGS, perRegion } from "./clients.ts";

const rds = perRegion((region) => new RDSClient({ region, ...CLIENT_SETTINGS }));

export async function deleteDrill(region: string, id: string): Promise<void> {
  if (!id.startsWith(DRILL))
    throw new Problem("NotADrill", `${id} was not made by a drill, and nothing else is deleted`, { hint: "Look at what named it." });
  await rds(region).send(new DeleteDBInstanceCommand({ DBInstanceIdentifier: id, SkipFinalSnapshot: true }));
}
