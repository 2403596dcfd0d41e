/** Is the conformance suite alive? `npm run conformance:mutations`; exits with 1 unless every behaviour that is switched off is noticed. */
import { mutate } from "./mutate.ts";
import { MUTATIONS } from "./mutation-list.ts";

await mutate(MUTATIONS, "conformance/mutation-list.ts");
