/**
 * What RDS calls an engine and how it treats it: names, families, licences, rules that differ. The servers behind are in lab/engines;
 * MySQL is played by MariaDB, whose ways of replication and privileges are nearest.
 */

import type { Engine } from "../../engines/engine.ts";
import { engineNamed } from "../../engines/engines.ts";
import { refuse } from "./errors.ts";

export type FlavourName = "postgres" | "mariadb" | "mysql" | "aurora-postgresql";

export interface Flavour {
  readonly name: FlavourName;
  readonly engine: Engine;
  readonly license: string;
  readonly port: number;
  /** Characters a master user's name and password may have. */
  readonly longestUser: number;
  readonly longestPassword: number;
  readonly reservedUsers: RegExp;
  /** A replica may name a parameter group of its own. */
  readonly replicaChoosesParameters: boolean;
  /** When its source is deleted, a replica in another region becomes a primary too. */
  readonly orphansPromoteEverywhere: boolean;
  version(): Promise<string>;
  /** What comes after the engine's name in a family and an option group: "18", "10.11". */
  major(version: string): string;
}

const ofMySql = {
  license: "general-public-license",
  port: 3306,
  longestUser: 16,
  longestPassword: 41,
  reservedUsers: /^(rds|mysql|mariadb\.sys)|^(root|admin|public|none)$/i,
  replicaChoosesParameters: true,
  orphansPromoteEverywhere: true,
  major: (version: string) => version.split(".").slice(0, 2).join("."),
};

const ofPostgres = {
  engine: engineNamed("postgres"),
  license: "postgresql-license",
  port: 5432,
  longestUser: 63,
  longestPassword: 128,
  reservedUsers: /^(rds|pg_)|^(admin|public|none)$/i,
  replicaChoosesParameters: false,
  orphansPromoteEverywhere: false,
  version: () => engineNamed("postgres").version(),
  major: (version: string) => version.split(".")[0] as string,
};

const FLAVOURS: Record<FlavourName, Flavour> = {
  postgres: { ...ofPostgres, name: "postgres" },
  /** Runs in clusters alone. */
  "aurora-postgresql": { ...ofPostgres, name: "aurora-postgresql" },
  mariadb: { ...ofMySql, name: "mariadb", engine: engineNamed("mariadb"), version: () => engineNamed("mariadb").version() },
  mysql: {
    ...ofMySql,
    name: "mysql",
    engine: engineNamed("mariadb"),
    // The name it goes by; MariaDB must be there all the same.
    version: async () => {
      await engineNamed("mariadb").version();
      return "8.0.36";
    },
  },
};

export const FLAVOUR_NAMES = Object.keys(FLAVOURS) as FlavourName[];

export const flavour = (name: FlavourName): Flavour => FLAVOURS[name];

/** The flavour a request names. */
export function flavourNamed(name: string): Flavour {
  const found = FLAVOURS[name as FlavourName];
  if (!found) throw refuse("InvalidParameterValue", `Invalid DB engine: ${name}. The lab runs ${FLAVOUR_NAMES.join(", ")}.`);
  return found;
}

export interface Engined {
  engine: FlavourName;
  engineVersion: string;
}

/** "postgres18", "mariadb10.11" */
export const familyOf = ({ engine, engineVersion }: Engined): string => `${engine}${flavour(engine).major(engineVersion)}`;

export const defaultParameterGroupOf = (record: Engined): string => `default.${familyOf(record)}`;

export const optionGroupOf = ({ engine, engineVersion }: Engined): string =>
  `default:${engine}-${flavour(engine).major(engineVersion).replace(".", "-")}`;

/** The engine of a family, and the family's own name in lower case; undefined when no engine has such families. */
export function flavourOfFamily(family: string): Flavour | undefined {
  const [, name] = /^([a-z-]+)[0-9.]+$/.exec(family) ?? [];
  return name ? FLAVOURS[name as FlavourName] : undefined;
}

/** The version a request asks for: the lab runs one of each engine; a request may name it, or its major number. */
export async function chooseVersion(chosen: Flavour, wanted: string | undefined): Promise<string> {
  let version: string;
  try {
    version = await chosen.version();
  } catch (cause) {
    throw refuse("InvalidParameterValue", `Invalid DB engine: ${chosen.name}. ${(cause as Error).message}`);
  }
  if (wanted !== undefined && wanted !== version && wanted !== chosen.major(version))
    throw refuse("InvalidParameterCombination", `Cannot find version ${wanted} for ${chosen.name}: the lab runs ${version}.`);
  return version;
}
