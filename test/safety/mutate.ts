/** `npm run mutate:safety [-- --only S11,S28]`: takes every guard of test/safety/guards.ts away in turn; exits with 1 unless each is missed by its test. */
import { parseArgs } from "node:util";
import { mutate } from "../../conformance/mutate.ts";
import { REQUIREMENTS } from "./guards.ts";

const { values } = parseArgs({ options: { only: { type: "string" } } });
const only = values.only?.split(",");
const guards = REQUIREMENTS.filter(({ number }) => !only || only.includes(`S${number}`)).flatMap(({ number, guards }) =>
  guards.map((guard) => ({ ...guard, behaviour: `S${number} ${guard.behaviour}` })),
);
await mutate(guards, "test/safety/guards.ts");
for (const { number, open } of REQUIREMENTS) if (open) console.log(`open: S${number}: ${open}`);
