/**
 * Asks STS who signed a request it has never seen: the caller's own sts:GetCallerIdentity, forwarded. Everything of that request is made
 * here but the signature, its scope, its time and its token, so nothing else can be signed and nothing else can be asked.
 */
import { IDENTITY_BODY, IDENTITY_TYPE, ORDER_HEADER, PROOF_MINUTES, type Proof } from "../core/order.ts";
import { Problem } from "../core/problem.ts";

const TIMEOUT_MS = 5_000;
const hint = "Order again: the command signs anew each time. Look at the clock of the machine it runs on, and at its credentials.";

export interface Identity {
  readonly arn: string;
  readonly account: string;
}

/** `endpoint` is STS in the function's own region, as deployed; `digest` the SHA-256 of the order's text, as hex. */
export async function whoSigned(endpoint: string, region: string, digest: string, proof: Proof, nowMs: number): Promise<Identity> {
  mustBeHere(region, proof, nowMs);
  const answer = await fetch(endpoint, {
    method: "POST",
    body: IDENTITY_BODY,
    headers: signedHeaders(digest, proof),
    redirect: "error",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  }).catch((cause: Error) => {
    throw new Problem("IdentityUnknown", `STS in ${region} does not answer: ${cause.message}`, {
      hint: "Order again.",
      retry: true,
      cause,
    });
  });
  const text = await answer.text();
  const tag = (name: string): string | undefined => new RegExp(`<${name}>([^<>]+)</${name}>`).exec(text)?.[1];
  const [arn, account] = [tag("Arn"), tag("Account")];
  if (answer.ok && arn && account) return { arn, account };
  throw new Problem("IdentityRefused", `STS does not know who ordered this: ${tag("Message") ?? `it answered ${answer.status}`}`, { hint });
}

/** In the order a signature lists them; the host goes along by itself. */
const SIGNED = (token: string | null): string =>
  ["content-type", "host", "x-amz-content-sha256", "x-amz-date", ...(token === null ? [] : ["x-amz-security-token"]), ORDER_HEADER].join(
    ";",
  );

/** SHA-256 of IDENTITY_BODY. */
const BODY_HASH = "ab821ae955788b0e33ebd34c208442ccfc2d406e2edc5e7a39bd6458fbb4f843";

function signedHeaders(digest: string, { credential, date, signature, token }: Proof): Record<string, string> {
  return {
    "content-type": IDENTITY_TYPE,
    "x-amz-content-sha256": BODY_HASH,
    "x-amz-date": date,
    ...(token === null ? {} : { "x-amz-security-token": token }),
    [ORDER_HEADER]: digest,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${SIGNED(token)}, Signature=${signature}`,
  };
}

function mustBeHere(region: string, { credential, date }: Proof, nowMs: number): void {
  const [, , signedFor] = credential.split("/");
  if (signedFor !== region) throw new Problem("IdentityRefused", `The order is signed for ${signedFor}, expected ${region}.`, { hint });
  const atMs = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  const minutes = (nowMs - atMs) / 60_000;
  if (!(Math.abs(minutes) <= PROOF_MINUTES))
    throw new Problem(
      "IdentityRefused",
      `The order was signed at ${date}, ${Math.round(minutes)} min ago by this clock; ${PROOF_MINUTES} min are the limit.`,
      { hint },
    );
}
