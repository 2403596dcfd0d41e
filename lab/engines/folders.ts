/**
 * Folders the databases' user can enter, and copies of whole folders. PostgreSQL refuses to run as root,
 * so under root the clusters belong to another user; this file knows which, and nothing about PostgreSQL itself.
 */
import { chmodSync, chownSync, constants, mkdirSync, statSync } from "node:fs";
import { chmod, chown, copyFile, link, mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";

export interface DatabaseUser {
  uid: number;
  gid: number;
}

/** The user the databases run as, or undefined when that is simply the user who runs the lab. `UNDERSTUDY_DB_UID` overrides ("uid" or "uid:gid"). */
export function databaseUser(): DatabaseUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const wanted = process.env.UNDERSTUDY_DB_UID ?? "65534";
  const [uid, gid = uid] = wanted.split(":").map((part) => (/^[1-9][0-9]*$/.test(part) ? Number(part) : Number.NaN));
  if (!uid || !gid)
    throw new Error(
      `UNDERSTUDY_DB_UID is "${wanted}", expected a user id above 0 ("65534") or "uid:gid": PostgreSQL refuses to run as root.`,
    );
  return { uid, gid };
}

function mayEnter(dir: string, user: DatabaseUser): boolean {
  const { mode, uid, gid } = statSync(dir);
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001;
  return (mode & bit) !== 0;
}

/**
 * Makes a folder the databases' user can pass through ("parent", mode 0711) or own ("cluster", mode 0700, as PostgreSQL demands).
 * Throws when a folder above shuts that user out.
 */
export function prepareDir(dir: string, kind: "parent" | "cluster" = "parent"): string {
  const user = databaseUser();
  const wanted = path.resolve(dir);
  const missing: string[] = [];
  for (let at = wanted; ; at = path.dirname(at)) {
    const there = statSync(at, { throwIfNoEntry: false });
    if (!there) missing.unshift(at);
    else if (user && at === wanted && there.uid === process.getuid?.()) {
      if (kind === "parent") chmodSync(at, there.mode | 0o711);
    } else if (user && !mayEnter(at, user)) {
      throw new Error(
        `The databases run as user ${user.uid}, who cannot enter ${at} (mode ${(there.mode & 0o777).toString(8)}). Keep the lab's files elsewhere, or open that folder: chmod o+x ${at}`,
      );
    }
    if (at === path.dirname(at)) break;
  }
  for (const folder of missing) {
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, folder === wanted && kind === "cluster" ? 0o700 : 0o711);
  }
  if (user && kind === "cluster") chownSync(dir, user.uid, user.gid);
  return dir;
}

/**
 * Copies a folder that may be changing: a file that vanishes meanwhile is left out. Clones blocks where the file system can. `linked`
 * is for files nobody ever writes to again: both folders then hold the same ones. `to` must not exist.
 */
export async function copyTree(
  from: string,
  to: string,
  options: { skip?: (relative: string) => boolean; owner?: DatabaseUser; mode?: number; linked?: boolean } = {},
): Promise<void> {
  const { skip = () => false, owner } = options;
  const files: string[] = [];
  const walk = async (relative: string): Promise<void> => {
    const target = path.join(to, relative);
    await mkdir(target, { mode: options.mode ?? 0o700 });
    if (owner) await chown(target, owner.uid, owner.gid);
    for (const entry of await readdir(path.join(from, relative), { withFileTypes: true }).catch(unlessGone([]))) {
      const child = path.join(relative, entry.name);
      if (skip(child)) continue;
      if (entry.isDirectory()) await walk(child);
      else if (entry.isFile()) files.push(child);
    }
  };
  await walk("");
  const copyNext = async (): Promise<void> => {
    for (let file = files.pop(); file !== undefined; file = files.pop()) {
      const [source, target] = [path.join(from, file), path.join(to, file)];
      // Where links are not to be had, a copy is as good.
      const linked =
        options.linked &&
        (await link(source, target).then(
          () => true,
          () => false,
        ));
      if (!linked) await copyOne(source, target, owner);
    }
  };
  await Promise.all(Array.from({ length: 8 }, copyNext));
}

export async function copyOne(from: string, to: string, owner?: DatabaseUser): Promise<void> {
  const copied = await copyFile(from, to, constants.COPYFILE_FICLONE).then(() => true, unlessGone(false));
  if (copied && owner) await chown(to, owner.uid, owner.gid);
}

function unlessGone<T>(instead: T): (error: NodeJS.ErrnoException) => T {
  return (error) => {
    if (error.code === "ENOENT") return instead;
    throw error;
  };
}

/** Opens a copied folder of programs to every user. */
export async function openToAll(dir: string): Promise<void> {
  await chmod(dir, 0o755);
  for (const entry of await readdir(dir, { withFileTypes: true })) {
    if (entry.isDirectory()) await openToAll(path.join(dir, entry.name));
    else if (entry.isFile()) await chmod(path.join(dir, entry.name), 0o755);
  }
}

export async function removeTree(dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
}

/** Fills a folder beside `folder` and moves it there whole, so that a folder found later is never half a snapshot. */
export async function saveTo(folder: string, fill: (draft: string) => Promise<void>): Promise<void> {
  const draft = `${folder}.partial`;
  await removeTree(draft);
  await removeTree(folder);
  try {
    await fill(draft);
    await rename(draft, folder);
  } finally {
    await removeTree(draft);
  }
}
