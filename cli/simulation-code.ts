/** The functions as the simulation runs them: bundled like those that ship, with AWS's clients and the database driver left open. */
import { join } from "node:path";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "..");
const FUNCTIONS = ["probe", "watch", "move", "snapshot", "backup", "notify", "order"];

/** Sources by function. */
export async function simulationCode(functions: readonly string[] = FUNCTIONS): Promise<Record<string, string>> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: functions.map((name) => ({ in: `functions/${name}.ts`, out: name })),
    outdir: "simulation",
    write: false,
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node24",
    mainFields: ["module", "main"],
    // MariaDB's client is loaded and never asked: the simulation has PostgreSQL alone. Read anew by every process it would take a tenth of the time.
    external: ["pg", "mysql2", "@aws-sdk/*"],
    define: { "import.meta.dirname": '"/var/task"', "import.meta.url": '"file:///var/task/index.mjs"' },
    legalComments: "none",
    logLevel: "warning",
  });
  return Object.fromEntries(outputFiles.map((file) => [(file.path.split("/").at(-1) as string).replace(/\.js$/, ""), file.text]));
}
