/** How the end of restoring is told: what was done, what is left to a person. Pure. */
import type { News } from "./news.ts";

export interface Restored {
  readonly database: string;
  readonly execution: string;
  readonly instance: string;
  /** What it was compared with: whose settings, of when. null: nothing was known. */
  readonly from: { readonly instance: string; readonly atMs: number } | null;
  /** Seen, not only asked for. */
  readonly done: readonly string[];
  readonly left: readonly string[];
}

export function protectionsNews(restored: Restored, evidence: string | null, atMs: number): News {
  const { database, execution, instance, from, done, left } = restored;
  const whose = from ? ` as ${from.instance} was` : "";
  const sentence =
    left.length > 0
      ? `${instance} is not yet protected${whose}: ${left.length} ${left.length === 1 ? "thing is" : "things are"} left to you.`
      : done.length > 0
        ? `${instance} is protected${whose}: what its promotion lost is restored and was seen.`
        : `${instance} is protected${whose}: its promotion lost nothing.`;
  return {
    kind: left.length > 0 ? "Protections Missing" : "Protections Restored",
    id: `${execution}-protections`,
    database,
    atMs,
    sentence,
    details: [
      ["New primary", instance],
      [
        "Compared with",
        from ? `${from.instance}, as of ${new Date(from.atMs).toISOString()}` : "nothing: no settings of the old primary are known",
      ],
      ...done.map((each): readonly [string, string] => ["Restored", each]),
      ...left.map((each): readonly [string, string] => ["Left to you", each]),
      ["Execution", execution],
      ...(evidence ? [["Evidence", evidence] as const] : []),
    ],
    next:
      left.length > 0
        ? `Do what is left to you; until then ${instance} has less around it than the old primary had.`
        : "Nothing. Write the same settings into your infrastructure code.",
  };
}
