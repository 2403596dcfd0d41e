/**
 * The KMS key something lives under. RDS asks KMS whether the key can be used, and whether the caller may: it works with a customer's
 * key in the caller's name, who needs kms:DescribeKey and kms:CreateGrant on it (RDS User Guide, AWS KMS key management). Its own
 * aws/rds key is open to all of the account. Encrypts nothing.
 */
import { refusalOf } from "../kms-callers.ts";
import { keyUsable } from "../kms-keys.ts";
import type { Caller, World } from "../world.ts";
import { refuse } from "./errors.ts";

const ACTIONS = ["kms:DescribeKey", "kms:CreateGrant"];
const DEFAULT = "alias/aws/rds";

/** The ARN of the key a request names, or of the region's own for RDS. */
export async function keyFor(world: World, caller: Caller, given: string | undefined): Promise<string> {
  return await usable(world, caller, caller.region, given ?? DEFAULT, "Specified KMS key");
}

/** For something that is encrypted already and is to be read: in its own region, and perhaps under another account's key. */
export async function readableUnder(world: World, caller: Caller, region: string, key: string | undefined): Promise<void> {
  if (key) await usable(world, caller, region, key, "The source snapshot KMS key");
}

async function usable(world: World, caller: Caller, region: string, given: string, what: string): Promise<string> {
  const answer = keyUsable(world, region, given, world.account);
  const refusal = answer.usable
    ? await refusalOf(world, caller, { service: "rds", region, arn: answer.arn, actions: ACTIONS })
    : answer.reason;
  if (answer.usable && refusal === null) return answer.arn;
  world.tell({ kind: "state", region: caller.region, service: "rds", what: `RDS cannot use a key for ${caller.principal}: ${refusal}` });
  const named = answer.usable ? answer.arn : given;
  throw refuse(
    "KMSKeyNotAccessibleFault",
    `${what} [${named}] does not exist, is not enabled or you do not have permissions to access it.`,
  );
}
