/** Writes docs/safety.md and docs/backup-guards.md from the lists: each requirement, its tests by name, and what is open. Part of `npm run docs`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LISTS, type List } from "./lists.ts";

export function pageOf({ requirements, letter, file, title, command }: List): string {
  const rows = requirements.map(({ number, says, guards, open }) => {
    const tests = guards.map(({ behaviour, test: [where, name] }) => `${behaviour}: “${name}” (${where})`);
    return `| ${letter}${number} | ${says} | ${[...tests, ...(open ? [`**open**: ${open}`] : [])].join("<br>")} |`;
  });
  const guards = requirements.flatMap((each) => each.guards).length;
  const open = requirements.filter((each) => each.open).map(({ number }) => `${letter}${number}`);
  return [
    `# ${title}`,
    "",
    "Each requirement with its guards, and for each guard the test that fails when it is taken away (a part of its name).",
    `\`${command}\` takes them all away, one at a time. \`npm run docs\` writes this page from \`${file}\`.`,
    `${guards} guards; ${open.length === 0 ? "nothing is open" : `open, wholly or in part: ${open.join(", ")}`}.`,
    "",
    "| | requirement | guard, and who misses it |",
    "|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

if (import.meta.main) {
  for (const list of Object.values(LISTS)) {
    writeFileSync(join(import.meta.dirname, "../../docs", list.page), pageOf(list));
    console.log(`written: docs/${list.page}`);
  }
}
