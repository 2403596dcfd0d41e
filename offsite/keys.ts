/**
 * A dump's two keys, out of the one master key: one to encrypt, one to authenticate. Each is an HMAC of the dump's name, so that
 * `openssl dgst` gives it too, and nothing sealed for one dump opens in another.
 */
import { createHmac } from "node:crypto";
import { Problem } from "../core/problem.ts";

export interface DumpKeys {
  readonly encrypt: Buffer;
  readonly authenticate: Buffer;
}

export function dumpKeys(master: Buffer, dump: string): DumpKeys {
  return { encrypt: derived(master, "encrypt", dump), authenticate: derived(master, "authenticate", dump) };
}

/** Names a bucket's pieces by their content, so that the provider cannot tell what they are. */
export const nameKey = (master: Buffer, folder: string): Buffer => derived(master, "name", folder);

function derived(master: Buffer, purpose: string, of: string): Buffer {
  if (master.length !== 32)
    throw new Problem("OffsiteKey", `the master key has ${master.length} bytes, expected 32`, {
      hint: "Make one with: openssl rand -hex 32",
    });
  return createHmac("sha256", master).update(`understudy-offsite-1/${purpose}/${of}`).digest();
}
