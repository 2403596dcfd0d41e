/**
 * The form of every stored object but the kit: 16 random bytes, then the gzip of the content under AES-256-CTR with those as counter,
 * then an HMAC-SHA256 over the object's name, a newline and all before it. What is sealed can be read where openssl and gzip are.
 */
import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  type Hmac,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { Problem } from "../core/problem.ts";
import type { DumpKeys } from "./keys.ts";

const CIPHER = "aes-256-ctr";
const COUNTER_BYTES = 16;
const TAG_BYTES = 32;

/** Takes compressed bytes as they come; `end` gives the whole object. */
export class Sealing {
  private readonly cipher: Cipheriv;
  private readonly tag: Hmac;
  private readonly pieces: Buffer[] = [];

  constructor(keys: DumpKeys, name: string) {
    const counter = randomBytes(COUNTER_BYTES);
    this.cipher = createCipheriv(CIPHER, keys.encrypt, counter);
    this.tag = createHmac("sha256", keys.authenticate).update(`${name}\n`);
    this.keep(counter);
  }

  add(compressed: Buffer): void {
    this.keep(this.cipher.update(compressed));
  }

  end(): Buffer {
    this.keep(this.cipher.final());
    return Buffer.concat([...this.pieces, this.tag.digest()]);
  }

  private keep(piece: Buffer): void {
    this.tag.update(piece);
    this.pieces.push(piece);
  }
}

export function seal(keys: DumpKeys, name: string, content: string | Buffer): Buffer {
  const sealing = new Sealing(keys, name);
  sealing.add(gzipSync(content, { level: 1 }));
  return sealing.end();
}

/** Throws where one byte, the name or the key is another. */
export function open(keys: DumpKeys, name: string, stored: Buffer): Buffer {
  const end = stored.length - TAG_BYTES;
  const tag = createHmac("sha256", keys.authenticate)
    .update(`${name}\n`)
    .update(stored.subarray(0, Math.max(0, end)))
    .digest();
  if (end < COUNTER_BYTES || !timingSafeEqual(tag, stored.subarray(end)))
    throw new Problem("OffsiteAltered", `${name} is not what was stored, or was sealed with another key`, {
      hint: "Look whether the master key is the right one; if it is, somebody or something has changed the object at the provider.",
    });
  const decipher = createDecipheriv(CIPHER, keys.encrypt, stored.subarray(0, COUNTER_BYTES));
  return gunzipSync(Buffer.concat([decipher.update(stored.subarray(COUNTER_BYTES, end)), decipher.final()]));
}

export const sha256 = (content: Buffer | string): string => createHash("sha256").update(content).digest("hex");
