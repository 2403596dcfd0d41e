/** The tests' plan with a cluster where the instances were. */
import { parseDocument } from "yaml";

export function clusterPlan(text: string, primary: string, standbys: string): string {
  const plan = parseDocument(text);
  const value = (yaml: string) => parseDocument(yaml).toJS();
  plan.setIn(["databases", "shop", "primary"], value(primary));
  plan.setIn(["databases", "shop", "standbys"], value(standbys));
  for (const each of ["drainSecurityGroups", "restore"]) plan.deleteIn(["databases", "shop", each]);
  plan.setIn(["databases", "shop", "fenceSecurityGroups"], {});
  plan.setIn(["backups"], []);
  return plan.toString();
}
