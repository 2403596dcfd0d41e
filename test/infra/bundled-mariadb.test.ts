/** The MariaDB client as the bundles hold it, with all that infra/slim-mysql.ts leaves out, against a real server. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { expect, onTestFinished, test } from "vitest";
import { slimMySql } from "../../infra/slim-mysql.ts";
import { MariaDbCluster } from "../../lab/engines/mariadb.ts";
import { mariaDbBinaries } from "../../lab/engines/mariadb-binaries.ts";
import { throwawayFolder } from "../../lab/folder.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const missing = await mariaDbBinaries().then(
  () => undefined,
  (error: Error) => error.message,
);
if (missing) console.warn(`notice: ${missing}; the bundled MariaDB client is not tested`);

test.skipIf(missing)("the bundled client logs in, writes any text, reads it back, and hears a refusal", async () => {
  const outfile = join(ROOT, "dist", "bundled-mariadb", "mariadb.mjs");
  mkdirSync(join(outfile, ".."), { recursive: true });
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: ["databases/mariadb.ts"],
    bundle: true,
    minify: true,
    write: false,
    platform: "node",
    format: "esm",
    mainFields: ["module", "main"],
    banner: { js: 'import{createRequire}from"node:module";const require=createRequire(import.meta.url);' },
    plugins: [slimMySql],
  });
  writeFileSync(outfile, outputFiles[0]?.contents as Uint8Array);
  const client = (await import(pathToFileURL(outfile).href)) as typeof import("../../databases/mariadb.ts");

  const folder = throwawayFolder();
  const server = new MariaDbCluster(join(folder.path, "one"));
  onTestFinished(async () => {
    await server.destroy();
    await folder.leave();
  });
  await server.init();
  await server.start();
  const master = { user: "keeper", password: "long-ünough", database: "shop" };
  await server.provision(master);
  const there = { host: "127.0.0.1", port: server.port as number, username: master.user, password: master.password, database: "shop" };

  const token = "it's a \\ tökén 日本";
  await client.writeCanary(there, token, 3000);
  expect(await server.query("select token from understudy.canary")).toEqual([{ token }]);
  await client.beat(there, { database: "shop", atMs: 1_795_268_070_878, generation: 1 }, 3000);
  expect(await client.askStandby(there, "shop", 3000)).toMatchObject({ inRecovery: false, heartbeatAtMs: 1_795_268_070_878 });
  const refusal = await client.writeCanary({ ...there, password: "wrong" }, "x", 3000).catch((error: unknown) => error);
  expect(client.conditionOf(refusal)).toBe("refuses");
});
