/** The engines the lab has, by name. */
import { existsSync } from "node:fs";
import path from "node:path";
import { postgresBinaries } from "./binaries.ts";
import type { Engine, EngineName, Parameter } from "./engine.ts";
import { MariaDbCluster, withServer } from "./mariadb.ts";
import { mariaDbBinaries } from "./mariadb-binaries.ts";
import * as mariadbTemplate from "./mariadb-template.ts";
import { PostgresCluster } from "./postgres.ts";
import * as postgresParameters from "./postgres-parameters.ts";
import { simulated } from "./simulated.ts";

/** Asked of a program at most once a process. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

const postgres: Engine = {
  name: "postgres",
  version: async () => (await postgresBinaries()).version,
  cluster: (dir) => new PostgresCluster(dir),
  isBackup: (folder) => existsSync(path.join(folder, "PG_VERSION")),
  parameters: once<Map<string, Parameter>>(postgresParameters.readParameters),
};

const mariadb: Engine = {
  name: "mariadb",
  version: async () => (await mariaDbBinaries()).version,
  cluster: (dir) => new MariaDbCluster(dir),
  isBackup: (folder) => existsSync(path.join(folder, "ibdata1")),
  parameters: once(() => mariadbTemplate.readParameters(withServer)),
};

const ENGINES: Record<EngineName, Engine> = { postgres, mariadb, simulated };

export const engineNamed = (name: EngineName): Engine => ENGINES[name];
