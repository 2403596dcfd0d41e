/**
 * Finds MariaDB's programs on this machine. npm has none for servers, so the machine's own package is used; when it is missing, one
 * line says how to get it. Starts no database.
 */
import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { ownFolder } from "./binaries.ts";
import { databaseUser } from "./folders.ts";

export interface MariaDbBinaries {
  server: string;
  backup: string;
  install: string;
  /** As MariaDB says it, for example "10.11.19". */
  version: string;
  /** Folder of this machine for things made once from these programs. */
  cache: string;
}

const PROGRAMS = { server: "mariadbd", backup: "mariadb-backup", install: "mariadb-install-db" } as const;
/** Where packages put them: a server's folder is not in everybody's PATH. */
const FOLDERS = ["/usr/sbin", "/usr/bin", "/usr/libexec", "/usr/local/sbin", "/usr/local/bin", "/usr/local/mysql/bin"];

const HOW = "Install it: apt-get install -y --no-install-recommends mariadb-server mariadb-backup";

let found: Promise<MariaDbBinaries> | undefined;

/** The programs, found and tried once a process. Rejects with one line saying what is missing and how to get it. */
export function mariaDbBinaries(): Promise<MariaDbBinaries> {
  found ??= find();
  return found;
}

async function find(): Promise<MariaDbBinaries> {
  const folders = [...new Set([...(process.env.PATH ?? "").split(path.delimiter).filter(Boolean), ...FOLDERS])];
  const locate = (name: string): string => {
    const file = folders.map((folder) => path.join(folder, name)).find(runnable);
    if (!file) throw new Error(`MariaDB is not on this machine: there is no program ${name}. ${HOW}`);
    return file;
  };
  const server = locate(PROGRAMS.server);
  const backup = locate(PROGRAMS.backup);
  const install = locate(PROGRAMS.install);
  const { stdout } = await promisify(execFile)(server, ["--no-defaults", "--version"], { ...databaseUser(), cwd: "/" }).catch(
    (cause: Error) => {
      throw new Error(`MariaDB's program ${server} does not run: ${cause.message.split("\n")[0]}. ${HOW}`, { cause });
    },
  );
  const version = /Ver ([0-9]+\.[0-9]+\.[0-9]+)-MariaDB/.exec(stdout)?.[1];
  if (!version) throw new Error(`${server} is no MariaDB: it says "${stdout.trim()}". ${HOW}`);
  const user = databaseUser();
  const cache = ownFolder(path.join(os.tmpdir(), `understudy-mariadb-${version}-u${process.getuid?.() ?? 0}-${user?.uid ?? "self"}`));
  return { server, backup, install, version, cache };
}

function runnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
