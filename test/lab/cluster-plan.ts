/** The tests' plan with a cluster where the instances were. */
import { parseDocument } from "yaml";

export function clusterPlan(text: string, primary: string, standbys: string): string {
  const plan = parseDocument(text);
  const value = (yaml: string) => parseDocument(yaml).toJS();
  plan.setIn(["databases", "shop", "primary"], value(primary));
  plan.setIn(["databases", "shop", "standbys"], value(standbys));
  plan.deleteIn(["databases", "shop", "drainSecurityGroups"]);
  plan.setIn(["databases", "shop", "fenceSecurityGroups"], {});
  plan.setIn(["backups"], []);
  return plan.toString();
}
