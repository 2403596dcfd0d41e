/** `npm run docs`: writes what is generated from the code: the rule table and the plan's JSON Schema. A test compares both. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { planJsonSchema } from "../core/plan/schema.ts";
import { rulesPage } from "../core/rules-page.ts";

const ROOT = join(import.meta.dirname, "..");
writeFileSync(join(ROOT, "docs", "rules.md"), rulesPage());
writeFileSync(join(ROOT, "recovery-plan.schema.json"), `${JSON.stringify(planJsonSchema(), null, 2)}\n`);
console.log("written: docs/rules.md, recovery-plan.schema.json");
