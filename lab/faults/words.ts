/**
 * A fault from the words of a command line: `databaseKilled --region eu-central-1 --instance shop-a` is the JSON of the same fields.
 * Reads words and checks nothing that vocabulary.ts checks.
 */
import { describeVocabulary, FaultRefused } from "./vocabulary.ts";

/** The fault's JSON, not yet checked, and the flags that are not its fields (`others`). */
export function faultFromWords(
  words: readonly string[],
  others: readonly string[],
): { fault: Record<string, unknown>; rest: Record<string, string> } {
  const [name = "", ...flags] = words;
  const fields = describeVocabulary()[name]?.fields ?? {};
  const fault: Record<string, unknown> = { fault: name };
  const rest: Record<string, string> = {};
  for (let at = 0; at < flags.length; at++) {
    const [, flag, inline] = /^--([A-Za-z0-9]+)(?:=(.*))?$/s.exec(flags[at] ?? "") ?? [];
    if (!flag) throw new FaultRefused([{ field: flags[at] ?? "", problem: "expected --field value" }]);
    const value = inline ?? flags[++at];
    if (value === undefined)
      throw new FaultRefused([{ field: flag, problem: `${fields[flag]?.expected ?? "expected a value"}, got nothing` }]);
    if (others.includes(flag)) rest[flag] = value;
    else fault[flag] = fields[flag]?.number && value.trim() !== "" && !Number.isNaN(Number(value)) ? Number(value) : value;
  }
  return { fault, rest };
}

/** The vocabulary for a terminal. */
export function vocabularyText(): string {
  return Object.entries(describeVocabulary())
    .map(([name, { says, fields }]) => {
      const flags = Object.entries(fields).map(([field, { required }]) => (required ? `--${field}` : `[--${field}]`));
      return `  ${name} ${flags.join(" ")}\n      ${says}`;
    })
    .join("\n");
}
