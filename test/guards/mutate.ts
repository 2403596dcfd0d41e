/**
 * `npm run mutate:safety [-- --only S11,S28]` and `npm run mutate:backups`: take every guard of a list away in turn; they exit with 1
 * unless each is missed by its test.
 */
import { parseArgs } from "node:util";
import { mutate } from "../../conformance/mutate.ts";
import { LISTS } from "./lists.ts";

const { values, positionals } = parseArgs({ options: { only: { type: "string" } }, allowPositionals: true });
const list = LISTS[positionals[0] as keyof typeof LISTS];
if (!list) throw new Error(`Which list? Expected one of ${Object.keys(LISTS).join(", ")}.`);
const { requirements, letter, file } = list;
const only = values.only?.split(",");
const guards = requirements
  .filter(({ number }) => !only || only.includes(`${letter}${number}`))
  .flatMap(({ number, guards }) => guards.map((guard) => ({ ...guard, behaviour: `${letter}${number} ${guard.behaviour}` })));
await mutate(guards, file);
for (const { number, open } of requirements) if (open) console.log(`open: ${letter}${number}: ${open}`);
