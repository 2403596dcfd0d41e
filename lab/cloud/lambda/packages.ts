/**
 * Function packages: unzips one to the lab's folder, once per content. Knows nothing of functions.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { unzipSync } from "fflate";
import { ServiceError } from "../../wire/errors.ts";

export interface Package {
  /** Relative to the world's folder. */
  readonly folder: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** Unzips to `<dir>/lambda/<name>/<sha>`. The folder appears whole or not at all. */
export function unpack(dir: string, name: string, zip: Uint8Array): Package {
  const hash = createHash("sha256").update(zip).digest();
  const folder = join("lambda", name, hash.toString("hex").slice(0, 16));
  const target = join(dir, folder);
  if (!existsSync(target)) {
    let files: Record<string, Uint8Array>;
    try {
      files = unzipSync(zip);
    } catch (error) {
      throw new ServiceError("InvalidZipFileException", `Could not unzip uploaded file of ${name}: ${(error as Error).message}`, 502);
    }
    const partial = `${target}.partial`;
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { recursive: true });
    for (const [path, content] of Object.entries(files)) {
      const file = join(partial, path);
      if (!file.startsWith(partial + sep))
        throw new ServiceError("InvalidZipFileException", `The package of ${name} holds '${path}', outside its own folder.`, 502);
      if (path.endsWith("/")) mkdirSync(file, { recursive: true });
      else {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, content);
      }
    }
    renameSync(partial, target);
  }
  return { folder, sha256: hash.toString("base64"), sizeBytes: zip.byteLength };
}
