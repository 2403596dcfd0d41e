/** How the probe names the troubles of a real MariaDB. A full disk is played for PostgreSQL alone. */
import { conditions } from "./conditions.ts";

await conditions({ engine: "mariadb", readOnly: ["read_only", "1"], diskFull: false });
