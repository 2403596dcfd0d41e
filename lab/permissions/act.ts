/**
 * For services that act in a role's name (a rule's target, a function's network and log): whether that role may. Without the
 * permissions service, as in a lab of a few services, everything is allowed.
 */
import type { World } from "../cloud/world.ts";

export interface Act {
  readonly roleArn: string;
  /** The session's name on AWS: a function's name, for a function. */
  readonly session: string;
  readonly action: string;
  readonly resource: string;
}

/** The refusal's sentence; null when the role may. */
export async function refusalFor(world: World, region: string, act: Act): Promise<string | null> {
  if (!world.services.has("permissions")) return null;
  const answer: { refusal: string | null } = await world.call("permissions", "LabMayRole", act, { region });
  return answer.refusal;
}
