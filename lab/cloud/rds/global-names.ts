/** The name of a global database's writer. */
import type { World } from "../world.ts";
import { digest } from "./state.ts";

/** `<id>.global-<twelve characters>.global.rds.amazonaws.com` */
export function globalEndpoint(world: World, { id }: { id: string }): string {
  return `${id}.global-c${digest(11, world.account, "global")}.global.rds.amazonaws.com`;
}
