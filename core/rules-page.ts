/** Writes the rule table as a page, so that a change of policy can be reviewed by someone who reads no TypeScript. Pure. */
import { RULES } from "./rules.ts";

export function rulesPage(): string {
  const rows = RULES.map(
    (rule) => `| ${rule.number} | ${rule.kind}${rule.tell && rule.kind === "hold" ? ", told" : ""} | ${rule.when} | ${rule.sentence} |`,
  );
  return [
    "# The rules",
    "",
    "Read from the top; the first row that matches decides. Refusals are mailed with their sentence; of the holds only those marked “told”.",
    "All refusals stand before the one row that acts. `npm run docs` writes this page from `core/rules.ts`.",
    "",
    "| rule | decision | when | what the operator reads |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}
