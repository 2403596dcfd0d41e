/** The plan with another engine: for `npm start -- --engine`. The plan itself is left as it is. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMap, parseDocument } from "yaml";
import { Problem } from "../core/problem.ts";
import { readPlanFile } from "../infra/plan-file.ts";

const DIST = join(import.meta.dirname, "..", "dist");
const PORTS: Record<string, number> = { postgres: 5432, mariadb: 3306 };

/** Returns the file to use: a copy in which every database has this engine, and its usual port where the plan had the other one's. */
export function planWithEngine(file: string, engine: string | undefined): string {
  const plan = readPlanFile(file);
  if (engine === undefined || Object.values(plan.databases).every((database) => database.engine === engine)) return file;
  if (!(engine in PORTS))
    throw new Problem("UnknownEngine", `--engine is "${engine}", expected ${Object.keys(PORTS).join(" or ")}.`, {
      hint: "Leave it out to use the plan's own.",
    });
  const text = parseDocument(readFileSync(file, "utf8"));
  const databases = text.get("databases");
  for (const [name, database] of Object.entries(plan.databases)) {
    if (!isMap(databases)) break;
    databases.setIn([name, "engine"], engine);
    if (database.port === PORTS[database.engine]) databases.setIn([name, "port"], PORTS[engine]);
  }
  mkdirSync(DIST, { recursive: true });
  const copy = join(DIST, `plan-${engine}.yml`);
  writeFileSync(copy, String(text));
  return copy;
}
