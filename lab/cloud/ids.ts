/** Identifiers in the form AWS gives them. Their uniqueness is the world's. */
import type { World } from "./world.ts";

export function uuid(world: World): string {
  return world.id(32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
