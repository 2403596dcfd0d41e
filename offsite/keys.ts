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
  if (master.length !== 32)
    throw new Problem("OffsiteKey", `the master key has ${master.length} bytes, expected 32`, {
      hint: "Make one with: openssl rand -hex 32",
    });
  const derive = (purpose: string) => createHmac("sha256", master).update(`understudy-offsite-1/${purpose}/${dump}`).digest();
  return { encrypt: derive("encrypt"), authenticate: derive("authenticate") };
}
