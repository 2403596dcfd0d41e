/** `npm run mutate:safety`: takes every guard of test/safety/guards.ts away in turn; exits with 1 unless each is missed by its test. */
import { mutate } from "../../conformance/mutate.ts";
import { REQUIREMENTS } from "./guards.ts";

const guards = REQUIREMENTS.flatMap(({ number, guards }) =>
  guards.map((guard) => ({ ...guard, behaviour: `S${number} ${guard.behaviour}` })),
);
await mutate(guards, "test/safety/guards.ts");
for (const { number, open } of REQUIREMENTS) if (open) console.log(`open: S${number}: ${open}`);
