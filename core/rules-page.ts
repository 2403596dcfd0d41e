/** Writes the rule tables as a page, so that a change of policy can be reviewed by someone who reads no TypeScript. Pure. */
import { ELIGIBILITY } from "./candidates.ts";
import { REQUEST_RULES } from "./requests.ts";
import { RESTORE_RULES } from "./restore.ts";
import { RULES } from "./rules.ts";

const mark = (overridable: boolean) => (overridable ? ", overridable" : "");

export function rulesPage(): string {
  const rows = RULES.map(
    (rule) =>
      `| ${rule.number} | ${rule.kind}${rule.tell && rule.kind === "hold" ? ", told" : ""}${mark(rule.overridable)} | ${rule.when} | ${rule.sentence} |`,
  );
  const unfit = ELIGIBILITY.map((rule) => `| ${rule.number} | refuse${mark(rule.overridable)} | ${rule.when} | ${rule.sentence} |`);
  return [
    "# The rules",
    "",
    "Read from the top; the first row that matches decides. Refusals are mailed with their sentence; of the holds only those marked “told”.",
    "All refusals stand before the rows that act. A row marked “overridable” gives way, once, to a person's order that names its number.",
    "`npm run docs` writes this page from `core/rules.ts` and `core/candidates.ts`.",
    "",
    "| rule | decision | when | what the operator reads |",
    "|---|---|---|---|",
    ...rows,
    "",
    "## Why a standby is not fit",
    "",
    "Every standby is held against these rows; the first that matches is its reason. Of those that are fit the best is taken: in the primary's",
    "region before others, then the least behind, then the plan's order.",
    "",
    "| rule | decision | when, of the standby | what the operator reads |",
    "|---|---|---|---|",
    ...unfit,
    "",
    "## When an approval does not count",
    "",
    "A request for a move is approved by people, each of them once; with enough of them it becomes an order, and the rules above decide anew.",
    "",
    "| rule | decision | when, of the request | what the operator reads |",
    "|---|---|---|---|",
    ...REQUEST_RULES.map((rule) => `| ${rule.number} | refuse | ${rule.when} | ${rule.sentence} |`),
    "",
    "## When a restored instance does not become the primary",
    "",
    "Where no standby is left a backup is restored beside the primary, and people decide whether it takes its place (core/restore.ts).",
    "",
    "| rule | decision | when | what the operator reads |",
    "|---|---|---|---|",
    ...RESTORE_RULES.map((rule) => `| ${rule.number} | refuse${mark(rule.overridable)} | ${rule.when} | ${rule.sentence} |`),
    "",
  ].join("\n");
}
