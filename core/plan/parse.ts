/**
 * Reads a plan from YAML text: a Plan, or every problem with its line, its field, what was expected and what was found.
 * Pure: the text comes in, nothing is read from disk.
 */
import { type Document, isMap, isNode, isPair, isSeq, LineCounter, parseDocument } from "yaml";
import { checkPlan } from "./check.ts";
import { checkMembers } from "./members.ts";
import { namedPlan, type Plan, planSchema } from "./schema.ts";

export interface PlanProblem {
  readonly line: number;
  readonly column: number;
  /** Dotted path of the field, "" for the whole file. */
  readonly field: string;
  readonly problem: string;
}

export type ParsedPlan = { readonly ok: true; readonly plan: Plan } | { readonly ok: false; readonly problems: PlanProblem[] };

type Path = readonly PropertyKey[];

export function parsePlan(text: string): ParsedPlan {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  if (document.errors.length > 0) {
    return {
      ok: false,
      problems: document.errors.map((error) => ({ ...at(error.pos[0]), field: "", problem: `not valid YAML: ${error.message}` })),
    };
  }
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    // An alias without its anchor is only found when values are put together.
    return { ok: false, problems: [{ line: 1, column: 1, field: "", problem: `not valid YAML: ${(error as Error).message}` }] };
  }
  const place = (path: Path, problem: string): PlanProblem => ({ ...at(offsetOf(document, path)), field: fieldName(path), problem });

  const parsed = planSchema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap((issue): PlanProblem[] => {
      if (issue.code === "unrecognized_keys")
        return issue.keys.map((key) =>
          place([...issue.path, key], "unknown field, expected one the plan knows; remove it or correct its name"),
        );
      // A record's key that breaks the naming rule carries its reason one level down.
      const reason = issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
      const found = valueAt(value, issue.path);
      return [
        place(
          issue.path,
          found === undefined ? `missing; ${reason}` : `${reason}, got ${shown(issue.code === "invalid_key" ? issue.path.at(-1) : found)}`,
        ),
      ];
    });
    return { ok: false, problems: problems.sort((a, b) => a.line - b.line) };
  }
  const plan = namedPlan(parsed.data);
  const findings = [...checkMembers(parsed.data), ...checkPlan(plan)];
  if (findings.length > 0) {
    return { ok: false, problems: findings.map((finding) => place(finding.path, finding.problem)).sort((a, b) => a.line - b.line) };
  }
  return { ok: true, plan };
}

/** "recovery-plan.yml:14:5 databases.shop.port: expected …": one line a problem, as editors and terminals link it. */
export function describeProblem(file: string, problem: PlanProblem): string {
  return `${file}:${problem.line}:${problem.column} ${problem.field === "" ? "" : `${problem.field}: `}${problem.problem}`;
}

function fieldName(path: Path): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`)).join("");
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (inner, key) => (inner === null || typeof inner !== "object" ? undefined : (inner as Record<PropertyKey, unknown>)[key]),
    value,
  );
}

/** Where the field stands in the text; of a missing one, where its nearest existing parent begins. */
function offsetOf(document: Document, path: Path): number {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isPair(item) && String((item.key as { value?: unknown })?.value ?? item.key) === String(key));
      if (!pair) return offset;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof key === "number") {
      node = node.items[key];
      offset = startOf(node) ?? offset;
    } else return offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return isNode(node) && node.range ? node.range[0] : undefined;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
