/** How the probe names the troubles of a real PostgreSQL. */
import { conditions } from "./conditions.ts";

await conditions({ engine: "postgres", readOnly: ["default_transaction_read_only", "1"] });
