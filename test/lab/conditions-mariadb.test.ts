/** How the probe names the troubles of a real MariaDB. */
import { conditions } from "./conditions.ts";

await conditions({ engine: "mariadb", readOnly: ["read_only", "1"] });
