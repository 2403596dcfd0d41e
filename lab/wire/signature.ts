/**
 * Whether a request's signature (version 4) was made with the secret of the key it names, over the request as it arrived. Reads no
 * state: whoever asks brings the secret. Only STS asks, because its answer is what others trust.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ServiceError } from "./errors.ts";

export interface SigningKey {
  readonly secretAccessKey: string;
  /** "" for a key that needs none. */
  readonly sessionToken: string;
}

interface Signed {
  /** accessKey/date/region/service/aws4_request */
  readonly credential: string;
  readonly headers: readonly string[];
  readonly signature: string;
  readonly date: string;
  readonly token: string;
}

/** STS takes a signature for a quarter of an hour, either way (its own message: "- 15 min."). */
const MINUTES = 15;

const hash = (data: string | Buffer): string => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Buffer, data: string): Buffer => createHmac("sha256", key).update(data).digest();
/** RFC 3986: everything but letters, digits and -_.~ as %XX. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/** Throws STS's refusal. */
export function mustBeSignedBy(key: SigningKey, request: IncomingMessage, body: Buffer, nowMs: number): void {
  const url = request.url ?? "/";
  const cut = url.indexOf("?");
  const path = cut < 0 ? url : url.slice(0, cut);
  const query = new URLSearchParams(cut < 0 ? "" : url.slice(cut + 1));
  const signed = readSigned(request, query);
  mustBeCurrent(signed.date, nowMs);
  if (signed.token !== key.sessionToken)
    throw new ServiceError("InvalidClientTokenId", "The security token included in the request is invalid.", 403);

  const parameters = [...query.entries()]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort();
  const headers = signed.headers.map(
    (name) =>
      `${name}:${String(request.headers[name] ?? "")
        .replace(/\s+/g, " ")
        .trim()}\n`,
  );
  const canonical = [request.method, path, parameters.join("&"), headers.join(""), signed.headers.join(";"), hash(body)].join("\n");
  const scope = signed.credential.split("/").slice(1);
  const signingKey = scope.reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${key.secretAccessKey}`);
  const expected = hmac(signingKey, ["AWS4-HMAC-SHA256", signed.date, scope.join("/"), hash(canonical)].join("\n"));
  const given = Buffer.from(signed.signature, "hex");
  if (given.length === expected.length && timingSafeEqual(given, expected)) return;
  throw new ServiceError(
    "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    403,
  );
}

function readSigned(request: IncomingMessage, query: URLSearchParams): Signed {
  const header = request.headers.authorization;
  const part = (name: string) => new RegExp(`${name}=([^,\\s]+)`).exec(header ?? "")?.[1] ?? "";
  return header
    ? {
        credential: part("Credential"),
        headers: part("SignedHeaders").split(";"),
        signature: part("Signature"),
        date: String(request.headers["x-amz-date"] ?? ""),
        token: String(request.headers["x-amz-security-token"] ?? ""),
      }
    : {
        credential: query.get("X-Amz-Credential") ?? "",
        headers: (query.get("X-Amz-SignedHeaders") ?? "").split(";"),
        signature: query.get("X-Amz-Signature") ?? "",
        date: query.get("X-Amz-Date") ?? "",
        token: query.get("X-Amz-Security-Token") ?? "",
      };
}

/** As in "20261121T090000Z". */
const compact = (atMs: number): string => `${new Date(atMs).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;

function mustBeCurrent(date: string, nowMs: number): void {
  const atMs = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  const limitMs = MINUTES * 60_000;
  const refuse = (words: string): never => {
    throw new ServiceError("SignatureDoesNotMatch", words, 403);
  };
  if (Number.isNaN(atMs)) refuse("Date must be in ISO-8601 'basic format'.");
  if (atMs < nowMs - limitMs)
    refuse(`Signature expired: ${date} is now earlier than ${compact(nowMs - limitMs)} (${compact(nowMs)} - ${MINUTES} min.)`);
  if (atMs > nowMs + limitMs)
    refuse(`Signature not yet current: ${date} is still later than ${compact(nowMs + limitMs)} (${compact(nowMs)} + ${MINUTES} min.)`);
}
