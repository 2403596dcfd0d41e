/** Writes docs/safety.md from the list of guards: each requirement, its tests by name, and what is open. Part of `npm run docs`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { REQUIREMENTS } from "./guards.ts";

export function safetyPage(): string {
  const rows = REQUIREMENTS.map(({ number, says, guards, open }) => {
    const tests = guards.map(({ behaviour, test: [file, name] }) => `${behaviour}: “${name}” (${file})`);
    return `| S${number} | ${says} | ${[...tests, ...(open ? [`**open**: ${open}`] : [])].join("<br>")} |`;
  });
  const guards = REQUIREMENTS.flatMap((each) => each.guards).length;
  const open = REQUIREMENTS.filter((each) => each.open);
  return [
    "# What keeps a failover safe",
    "",
    "Each requirement with its guards, and for each guard the test that fails when it is taken away (a part of its name).",
    "`npm run mutate:safety` takes them all away, one at a time. `npm run docs` writes this page from `test/safety/guards.ts`.",
    `${guards} guards; open, wholly or in part: ${open.map(({ number }) => `S${number}`).join(", ")}.`,
    "",
    "| | requirement | guard, and who misses it |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

if (import.meta.main) {
  writeFileSync(join(import.meta.dirname, "../../docs/safety.md"), safetyPage());
  console.log("written: docs/safety.md");
}
