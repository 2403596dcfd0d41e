/**
 * The list of known differences, conformance/differences.json: who is right, why, and the AWS page that decides. Finds the entry that
 * explains a difference, and remembers which entries were of use.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { Difference } from "./compare.ts";
import type { Json } from "./json.ts";

const FILE = join(import.meta.dirname, "differences.json");

const Entry = z.strictObject({
  /** `rds:CreateDBInstance`, several with commas, `rds:*`, or the `as` of one call. */
  calls: z.string(),
  /** The end of the difference's path (`VpcSecurityGroups.Status`), or `error`. */
  member: z.string(),
  /** What each side says, as JSON; "absent" for nothing, "*" for anything. */
  lab: z.json(),
  moto: z.json(),
  /** Whom AWS's documentation agrees with; `neither` where both are free to say what they like. */
  right: z.enum(["lab", "moto", "neither"]),
  reason: z.string().min(20),
  page: z.url({ protocol: /^https$/ }),
});

export type Entry = z.infer<typeof Entry>;

export interface Explanations {
  find(call: { readonly name: string; readonly as?: string }, difference: Difference): Entry | undefined;
  /** Entries that explained nothing. */
  idle(): Entry[];
}

export function readEntries(text = readFileSync(FILE, "utf8")): Entry[] {
  const read = z.array(Entry).safeParse(JSON.parse(text));
  if (!read.success) throw new Error(`conformance/differences.json does not hold:\n${z.prettifyError(read.error)}`);
  return read.data;
}

export function explanations(entries: readonly Entry[]): Explanations {
  const used = new Set<Entry>();
  return {
    find(call, difference) {
      const found = entries.find((entry) => isAbout(entry, call) && explains(entry, difference));
      if (found) used.add(found);
      return found;
    },
    idle: () => entries.filter((entry) => !used.has(entry)),
  };
}

function isAbout(entry: Entry, { name, as }: { name: string; as?: string }): boolean {
  return entry.calls.split(/,\s*/).some((each) => each === name || each === as || each === name.replace(/:.*/, ":*"));
}

function explains(entry: Entry, { path, lab, moto }: Difference): boolean {
  const here = path === entry.member || path.endsWith(`.${entry.member}`);
  return here && says(entry.lab, lab) && says(entry.moto, moto);
}

function says(listed: Json, value: Json | undefined): boolean {
  if (listed === "*") return true;
  return value === undefined ? listed === "absent" : JSON.stringify(listed) === JSON.stringify(value);
}
