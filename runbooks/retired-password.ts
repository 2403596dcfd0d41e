/**
 * The password that the fence's rung "credentials" gives a former primary's master user. It follows from the one in the plan's secret, so
 * every process and every successor comes to the same and none has to be stored. It keeps out clients that know the instance's own
 * address and the old password, whatever opens its network; it is no defence against somebody who has the secret and knows Understudy.
 */
import { createHmac } from "node:crypto";
import type { Retired } from "../core/facts.ts";
import type { Target } from "../databases/engines.ts";

/** MariaDB takes at most 41 characters (CreateDBInstance, MasterUserPassword). */
const LONGEST = 40;

export const retiredPassword = (password: string, { instance, generation }: Pick<Retired, "instance" | "generation">): string =>
  createHmac("sha256", password).update(`former primary ${instance}, generation ${generation}`).digest("base64url").slice(0, LONGEST);

/** The ways into a former primary, the likelier first: nobody saw whether a change that was asked for came into force. */
export const waysInto = (target: Target, retired: Retired): readonly Target[] =>
  retired.credentialsAtMs === undefined ? [target] : [{ ...target, password: retiredPassword(target.password, retired) }, target];
