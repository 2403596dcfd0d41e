/** Reads a plan from a file. Every problem becomes one line: file, line, field, what was expected. */
import { readFileSync } from "node:fs";
import { describeProblem, parsePlan } from "../core/plan/parse.ts";
import type { Plan } from "../core/plan/schema.ts";
import { Problem } from "../core/problem.ts";

export function readPlanFile(file: string): Plan {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new Problem("PlanUnreadable", `The plan ${file} cannot be read: ${(cause as NodeJS.ErrnoException).code}.`, {
      hint: "Name a plan that exists; recovery-plan.yml is an example.",
      cause,
    });
  }
  const parsed = parsePlan(text);
  if (parsed.ok) return parsed.plan;
  throw new Problem("PlanInvalid", parsed.problems.map((problem) => describeProblem(file, problem)).join("\n"), {
    hint: "Correct the plan; nothing was changed.",
  });
}
