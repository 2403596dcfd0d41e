// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * An object's bytes on the way in and out: checksums that were sent are checked and kept, a Range cuts a part out. A request without
 * a checksum gets none (S3 would add CRC64NVME), and what came in a trailer is not seen.
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { s3Error } from "./s3-state.ts";

export interface Checksum {
  /** `CRC32`, `SHA256`, … as in ChecksumAlgorithm. */
  readonly algorithm: string;
  readonly value: string;
}

/** Those that can be computed here; another one is kept as it was sent. */
const COMPUTED: Record<string, (body: Buffer) => string> = {
  CRC32(body) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(crc32(body));
    return bytes.toString("base64");
  },
  SHA1: (body) => createHash("sha1").update(body).digest("base64"),
  SHA256: (body) => createHash("sha256").update(body).digest("base64"),
};

export function checksumOf(input: any, body: Buffer): Checksum | undefined {
  const md5 = input.ContentMD5;
  if (md5 !== undefined && md5 !== createHash("md5").update(body).digest("base64"))
    throw s3Error("BadDigest", "The Content-MD5 you specified did not match what we received.", 400);
  const member = Object.keys(input).find((name) => /^Checksum(CRC|SHA|MD5|XX)/.test(name) && input[name] !== undefined);
  if (!member) return undefined;
  const algorithm = member.slice("Checksum".length);
  const value: string = input[member];
  const own = COMPUTED[algorithm]?.(body) ?? value;
  if (own !== value) throw s3Error("BadDigest", `The ${algorithm} you specified did not match the calculated checksum.`, 400);
  return { algorithm, value };
}

/** The checksum's members in an answer. */
export function checksumShape(checksum: Checksum | undefined): any {
  return checksum ? { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: "FULL_OBJECT" } : {};
}

/** The first and last byte of a Range; undefined for the whole object, as for a range S3 cannot read. */
export function rangeOf(range: string | undefined, size: number): { first: number; last: number } | undefined {
  const [, from = "", to = ""] = /^bytes=(\d*)-(\d*)$/.exec(range ?? "") ?? [];
  if (from === "" && to === "") return undefined;
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== "" && to !== "" && Number(to) < first) return undefined;
  if (first >= size) {
    const members = { RangeRequested: range, ActualObjectSize: size, headers: { "content-range": `bytes */${size}` } };
    throw s3Error("InvalidRange", "The requested range is not satisfiable", 416, members);
  }
  return { first, last };
}
