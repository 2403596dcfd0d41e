/** The plan's vault, as a place that calls go to. */
import type { OtherAccount } from "../aws/clients.ts";
import { otherAccount } from "../aws/other-account.ts";
import type { VaultPlan } from "../core/plan/schema.ts";
import { Problem } from "../core/problem.ts";
import { vaultPlace } from "../core/vault.ts";
import type { Settings } from "./settings.ts";

export function vaultOf({ plan, account }: Settings, { region, role, externalId, ...vault }: VaultPlan): OtherAccount {
  if (vault.account !== account)
    return otherAccount({ name: vaultPlace({ region, ...vault }), region, role, externalId, session: `understudy-${plan.name}` });
  throw new Problem("VaultIsHere", `The vault is the account Understudy runs in, ${account}: who loses that one loses both`, {
    hint: "Name another account, its role and its key under vault in the plan.",
  });
}
