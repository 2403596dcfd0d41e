/**
 * The second provider: an S3-compatible endpoint with credentials of its own. Puts, gets and lists, again and again while that can
 * help, and says what to do when it cannot. Nothing is ever deleted here. Knows nothing of dumps.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3Client, type S3ClientConfig } from "@aws-sdk/client-s3";
import { Problem } from "../core/problem.ts";
import { sha256 } from "./seal.ts";

export interface StorePlace {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Without a slash at its ends; "" for none. */
  readonly prefix: string;
  readonly credentials: NonNullable<S3ClientConfig["credentials"]>;
  /** How long a provider that fails or is silent is asked again. */
  readonly patienceMs: number;
  /** How long one answer may take. */
  readonly answerMs?: number;
}

export interface ListedObject {
  /** Without the store's prefix. */
  readonly name: string;
  readonly bytes: number;
  readonly etag: string;
}

export class Store {
  private readonly client: S3Client;
  private readonly place: StorePlace;

  constructor(place: StorePlace) {
    this.place = place;
    this.client = new S3Client({
      endpoint: place.endpoint,
      region: place.region,
      credentials: place.credentials,
      forcePathStyle: true,
      maxAttempts: 1,
      // Checksums of S3's own that other providers do not all know.
      requestChecksumCalculation: "WHEN_REQUIRED",
      responseChecksumValidation: "WHEN_REQUIRED",
      requestHandler: { connectionTimeout: 3_000, requestTimeout: place.answerMs ?? 60_000, throwOnRequestTimeout: true },
    });
  }

  /** Resolves when the object was read back as it was sent, with the provider's own word for it. */
  async put(name: string, body: Buffer, type = "application/octet-stream"): Promise<string> {
    const wanted = sha256(body);
    const { bucket: Bucket } = this.place;
    const { ETag } = await this.patiently(`storing ${name}`, () =>
      this.client.send(new PutObjectCommand({ Bucket, Key: this.key(name), Body: body, ContentType: type })),
    );
    if ((await this.hash(name)) !== wanted)
      throw new Problem("OffsiteAltered", `${name} was stored at ${this.place.endpoint} and comes back as something else`, {
        hint: "Run it again: the part is sent anew. If it stays so, do not trust this provider.",
        retry: true,
      });
    return bare(ETag);
  }

  /** null: there is no such object. */
  async get(name: string): Promise<Buffer | null> {
    const { bucket: Bucket } = this.place;
    return await this.patiently(`reading ${name}`, async () => {
      try {
        const { Body } = await this.client.send(new GetObjectCommand({ Bucket, Key: this.key(name) }));
        return Buffer.from((await Body?.transformToByteArray()) ?? []);
      } catch (error) {
        if ((error as Error).name === "NoSuchKey") return null;
        throw error;
      }
    });
  }

  /** Of the bytes as they lie there; "" where there are none. */
  private async hash(name: string): Promise<string> {
    const { bucket: Bucket } = this.place;
    return await this.patiently(`reading ${name} again`, async () => {
      const hash = createHash("sha256");
      try {
        const { Body } = await this.client.send(new GetObjectCommand({ Bucket, Key: this.key(name) }));
        for await (const piece of (Body ?? []) as AsyncIterable<Uint8Array>) hash.update(piece);
        return hash.digest("hex");
      } catch (error) {
        if ((error as Error).name === "NoSuchKey") return "";
        throw error;
      }
    });
  }

  /** All objects whose names begin so. */
  async list(start: string): Promise<ListedObject[]> {
    const found: ListedObject[] = [];
    await this.each(start, (object) => found.push(object));
    return found;
  }

  /** The same for more of them than memory holds. */
  async each(start: string, visit: (object: ListedObject) => void): Promise<void> {
    let token: string | undefined;
    do {
      const page = await this.page(start, token);
      for (const { Key = "", Size = 0, ETag } of page.Contents ?? [])
        visit({ name: Key.slice(this.key("").length), bytes: Size, etag: bare(ETag) });
      token = page.NextContinuationToken;
    } while (token !== undefined);
  }

  /** The folders right under `folder`, each without it. */
  async folders(folder: string): Promise<string[]> {
    const found: string[] = [];
    let token: string | undefined;
    do {
      const page = await this.page(`${folder}/`, token, "/");
      for (const { Prefix = "" } of page.CommonPrefixes ?? []) found.push(Prefix.slice(this.key(`${folder}/`).length, -1));
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return found;
  }

  close(): void {
    this.client.destroy();
  }

  private page(start: string, ContinuationToken: string | undefined, Delimiter?: string) {
    const command = new ListObjectsV2Command({ Bucket: this.place.bucket, Prefix: this.key(start), ContinuationToken, Delimiter });
    return this.patiently(`listing ${start}`, () => this.client.send(command));
  }

  private key(name: string): string {
    return this.place.prefix === "" ? name : `${this.place.prefix}/${name}`;
  }

  private async patiently<T>(what: string, ask: () => Promise<T>): Promise<T> {
    const untilMs = Date.now() + this.place.patienceMs;
    for (let waitMs = 200; ; waitMs = Math.min(waitMs * 2, 5_000)) {
      try {
        return await ask();
      } catch (error) {
        if (!mayPass(error) || Date.now() + waitMs > untilMs) throw this.problem(what, error);
        await sleep(waitMs);
      }
    }
  }

  private problem(what: string, cause: unknown): Problem {
    const { endpoint, bucket } = this.place;
    const said = `${(cause as Error).name}: ${(cause as Error).message}`;
    if (mayPass(cause))
      return new Problem(
        "OffsiteUnreachable",
        `${what}: ${endpoint} has not answered well for ${this.place.patienceMs / 1000} s (${said})`,
        {
          hint: "What is finished is kept. Run it again when the provider is well; the backups inside AWS are not touched by this.",
          retry: true,
          cause,
        },
      );
    return new Problem("OffsiteRefused", `${what}: ${endpoint} refuses (${said})`, {
      hint: `Renew the provider's credentials and let them read, write and list the bucket ${bucket}, then run it again: what is finished is kept.`,
      cause,
    });
  }
}

/** Providers do not agree about its quotes. */
const bare = (etag: string | undefined): string => (etag ?? "").replaceAll('"', "");

const NETWORK = ["ECONNREFUSED", "ECONNRESET", "EPIPE", "ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "EHOSTUNREACH", "ENETUNREACH"];

/** Asking again may help: nothing came back, the provider fails inside, or it asks for less haste. */
function mayPass(error: unknown): boolean {
  const { name, code, $metadata } = (error ?? {}) as { name?: string; code?: string; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode ?? 0;
  if (status >= 500 || status === 429 || name === "SlowDown" || name === "RequestTimeout") return true;
  // A body that breaks off has a status of its own success.
  return name === "TimeoutError" || NETWORK.includes(code ?? "") || name === "AbortError";
}
