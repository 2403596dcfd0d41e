/** Services work with a customer's key in their caller's name: whether the caller may. A service's own key is open to all of its account. */
import { aliasesOf, findKey } from "./kms-keys.ts";
import type { Caller, World } from "./world.ts";

export interface KeyUse {
  /** As it stands in kms:ViaService: "rds". */
  readonly service: string;
  readonly region: string;
  readonly arn: string;
  readonly actions: readonly string[];
}

/** What keeps the caller from the key; null when nothing does. */
export async function refusalOf(world: World, caller: Caller, { service, region, arn, actions }: KeyUse): Promise<string | null> {
  const own = arn.split(":")[4] === world.account;
  if (findKey(world, world.account, region, arn)?.manager === "AWS")
    return own ? null : `${arn} is another account's own key for ${service}.`;
  // Services of the lab ask for themselves; without the permissions service, as in a lab of a few services, keys of the account are open.
  if (!caller.principal.startsWith("arn:")) return null;
  if (!world.services.has("permissions")) return own ? null : `${arn} is another account's.`;
  const context = {
    "kms:ViaService": `${service}.${region}.amazonaws.com`,
    "kms:CallerAccount": caller.account,
    "kms:GrantIsForAWSResource": "true",
    "kms:ResourceAliases": aliasesOf(world, arn),
    "aws:ViaAWSService": "true",
  };
  const needs = actions.map((action) => ({ action, resource: arn, context }));
  const asked = { principal: caller.principal, needs };
  const answer: { refusal: string | null } = await world.call("permissions", "LabMayDo", asked, { region });
  return answer.refusal;
}
