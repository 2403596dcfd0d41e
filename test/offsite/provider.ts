/**
 * A second provider for the tests: the lab's S3 behind a front that fails as it is told to, holds back what it is told to, and counts
 * what was sent.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { createS3 } from "../../lab/cloud/s3.ts";
import { Store } from "../../offsite/store.ts";
import { closing, labWith } from "../lab/on-the-wire.ts";

const BUCKET = "offsite-elsewhere";
const REGION = "eu-central-1";

/** What the front does with a request: pass it on, answer by itself, or never answer. */
export type Mood = (method: string, key: string) => "pass" | "hold" | { status: number; code: string };

export interface Provider {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  mood: Mood;
  /** Keys that were stored, in their order; one that was stored twice stands there twice. */
  readonly puts: string[];
  /** Keys that are held back now. */
  readonly held: string[];
  store(patienceMs?: number, answerMs?: number): Store;
  keys(): Promise<string[]>;
  bytes(key: string): Promise<Buffer>;
  remove(key: string): Promise<void>;
  /** As somebody else at the provider. */
  write(key: string, content: Buffer): Promise<void>;
  /** The objects below `prefix` as files of `folder`. */
  download(prefix: string, folder: string): Promise<void>;
}

export async function provider(): Promise<Provider> {
  const lab = await labWith((world) => [createS3(world)]);
  const call = (operation: string, input: object) => lab.world.call("s3", operation, { Bucket: BUCKET, ...input }, { region: REGION });
  await call("CreateBucket", { CreateBucketConfiguration: { LocationConstraint: REGION } });
  const to = new URL(lab.wire.url);

  const pass = (asked: IncomingMessage, answer: ServerResponse): void => {
    const further = request({ host: to.hostname, port: to.port, method: asked.method, path: asked.url, headers: asked.headers }, (said) => {
      answer.writeHead(said.statusCode ?? 500, said.headers);
      said.pipe(answer);
    });
    further.on("error", () => answer.destroy());
    asked.on("error", () => further.destroy());
    asked.pipe(further);
  };
  const server = createServer((asked, answer) => {
    const key = decodeURIComponent((asked.url ?? "").split("?")[0] ?? "").slice(BUCKET.length + 2);
    const mood = made.mood(asked.method ?? "", key);
    if (mood === "hold") made.held.push(key);
    else if (mood === "pass") {
      if (asked.method === "PUT") made.puts.push(key);
      pass(asked, answer);
    } else {
      asked.resume();
      const body = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${mood.code}</Code><Message>the provider is told to</Message></Error>`;
      answer.writeHead(mood.status, { "content-type": "application/xml" }).end(body);
    }
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  const keys = async (): Promise<string[]> => ((await call("ListObjectsV2", {})).Contents ?? []).map(({ Key }: { Key: string }) => Key);
  const bytes = async (Key: string): Promise<Buffer> => Buffer.from((await call("GetObject", { Key })).Body);
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const made: Provider & { close(): Promise<void> } = {
    endpoint,
    bucket: BUCKET,
    region: REGION,
    mood: () => "pass",
    puts: [],
    held: [],
    store: (patienceMs = 5_000, answerMs) =>
      new Store({
        endpoint,
        region: REGION,
        bucket: BUCKET,
        prefix: "",
        credentials: { accessKeyId: "offsite", secretAccessKey: "secret" },
        patienceMs,
        answerMs,
      }),
    keys,
    bytes,
    remove: async (Key) => void (await call("DeleteObject", { Key })),
    write: async (Key, Body) => void (await call("PutObject", { Key, Body })),
    async download(prefix, folder) {
      for (const key of (await keys()).filter((each) => each.startsWith(`${prefix}/`))) {
        const file = join(folder, key.slice(prefix.length + 1));
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, await bytes(key));
      }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return closing(made);
}
