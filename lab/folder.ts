/**
 * Where a lab keeps its files. A throwaway lab lives in a fresh folder that goes with it; a kept one stays beside the project, or,
 * when the databases' user cannot enter there (a checkout only root can read), in the machine's temporary folder.
 */
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { prepareDir, removeTree } from "./engines/folders.ts";

const PROJECT = join(import.meta.dirname, "..");

export interface LabFolder {
  readonly path: string;
  /** Removes a throwaway folder; leaves a kept one. */
  leave(): Promise<void>;
}

/** `UNDERSTUDY_LABS` names another folder than the machine's temporary one to keep throwaway labs in: one in memory is much faster. */
export function throwawayFolder(): LabFolder {
  const path = mkdtempSync(join(process.env.UNDERSTUDY_LABS ?? tmpdir(), "understudy-lab-"));
  // mkdtemp gives 0700; the databases' user must be able to pass through.
  chmodSync(path, 0o711);
  const remove = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", remove);
  return {
    path,
    leave: async () => {
      process.removeListener("exit", remove);
      await removeTree(path);
    },
  };
}

/** The folder `npm start` leaves behind and `npm run lab -- --resume` opens again. `fresh` empties it first. */
export async function keptFolder(options: { fresh: boolean }): Promise<LabFolder> {
  const beside = join(PROJECT, ".lab");
  const elsewhere = join(tmpdir(), `understudy-lab-${createHash("sha256").update(PROJECT).digest("hex").slice(0, 12)}`);
  let path = beside;
  try {
    prepareDir(beside);
  } catch {
    path = elsewhere;
  }
  if (options.fresh) await removeTree(path);
  prepareDir(path);
  return { path, leave: async () => {} };
}

const WORLD = "world.json";

export const readWorld = (path: string): Record<string, unknown> | undefined =>
  existsSync(join(path, WORLD)) ? (JSON.parse(readFileSync(join(path, WORLD), "utf8")) as Record<string, unknown>) : undefined;

export const writeWorld = (path: string, state: Record<string, unknown>): void => writeFileSync(join(path, WORLD), JSON.stringify(state));
