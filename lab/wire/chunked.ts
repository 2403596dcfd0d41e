/**
 * Undoes S3's `aws-chunked` content encoding: `<size hex>[;extension]\r\n<bytes>\r\n … 0[;…]\r\n[trailers]\r\n\r\n`.
 * Chunk signatures and trailing checksums are dropped, not verified.
 */
import { ServiceError } from "./errors.ts";

export function isAwsChunked(headers: Record<string, string | string[] | undefined>): boolean {
  return encodings(headers).includes("aws-chunked") || String(headers["x-amz-content-sha256"] ?? "").startsWith("STREAMING-");
}

/** The headers without the encoding that is undone. */
export function withoutChunking(headers: Record<string, string | string[] | undefined>): Record<string, string | string[] | undefined> {
  const left = encodings(headers).filter((encoding) => encoding !== "aws-chunked");
  return { ...headers, "content-encoding": left.length > 0 ? left.join(",") : undefined };
}

export function decodeAwsChunked(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = body.indexOf("\r\n", at);
    const size = lineEnd < 0 ? Number.NaN : Number.parseInt(body.toString("latin1", at, lineEnd), 16);
    if (!(size >= 0)) throw new ServiceError("IncompleteBody", "The aws-chunked body ends early or has a chunk without a size.", 400);
    if (size === 0) return Buffer.concat(parts);
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size));
    at = lineEnd + 2 + size + 2;
  }
}

function encodings(headers: Record<string, string | string[] | undefined>): string[] {
  return String(headers["content-encoding"] ?? "")
    .split(",")
    .map((encoding) => encoding.trim())
    .filter(Boolean);
}
