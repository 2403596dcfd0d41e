/** JSON values, and the way to one inside another. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** The value at `A.B[0].C` and all its like; undefined where the way ends. */
export function at(value: Json | undefined, path: string): Json | undefined {
  let here: Json | undefined = value;
  for (const step of path.match(/[^.[\]]+/g) ?? []) {
    if (here === null || typeof here !== "object") return undefined;
    here = (here as Record<string, Json>)[step];
  }
  return here;
}
