/** A bucket that leaves AWS: what is new is sent, what is killed goes on, and the kit alone brings the objects back as they were. */
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { byBytes, fileOf, type Listed } from "../../core/bucket-list.ts";
import { type BucketOptions, carryBucket, type Objects } from "../../offsite/bucket.ts";
import { Kit } from "../../offsite/kit.ts";
import { type Provider, provider } from "./provider.ts";
import { newKey } from "./story.ts";

const MARKER = "a-marker-nobody-else-may-read";
const PIECE = 1000;
const FOLDER = "_buckets/uploads";

/** A bucket in this process, that changes as it is told to. */
class Bucket implements Objects {
  readonly objects = new Map<string, { content: Buffer; modifiedMs: number }>();
  readonly reads: string[] = [];
  onRead: (key: string) => void = () => {};
  refused: readonly string[] = [];
  private nowMs = Date.UTC(2026, 10, 21);

  put(key: string, content: string | Buffer): this {
    this.nowMs += 1000;
    this.objects.set(key, { content: Buffer.from(content), modifiedMs: this.nowMs });
    return this;
  }

  async page(after: string | null) {
    const keys = [...this.objects.keys()].sort(byBytes).filter((key) => after === null || byBytes(key, after) > 0);
    return { objects: keys.slice(0, 4).map((key) => this.listed(key) as Listed), more: keys.length > 4 };
  }

  look = async (key: string): Promise<Listed | null> => this.listed(key);

  async read({ key, etag }: Listed, from: number, length: number) {
    this.reads.push(key);
    this.onRead(key);
    if (this.refused.includes(key)) return { not: "given", why: "InvalidObjectState: it is in an archive" } as const;
    const now = this.listed(key);
    if (now === null) return { not: "gone" } as const;
    if (now.etag !== etag) return { not: "changed" } as const;
    const content = this.objects.get(key)?.content.subarray(from, from + length) as Buffer;
    return { content, headers: { "Content-Type": "text/plain", "x-amz-meta-by": "ålice" } };
  }

  private listed(key: string): Listed | null {
    const found = this.objects.get(key);
    return found ? { key, bytes: found.content.length, etag: String(found.modifiedMs), modifiedMs: found.modifiedMs } : null;
  }
}

let at: Provider;
let bucket: Bucket;
let runs = 0;
const masterKey = newKey();

beforeEach(async () => {
  at = await provider();
  bucket = new Bucket();
});

const carry = (more: Partial<BucketOptions> = {}) =>
  carryBucket({
    objects: bucket,
    store: at.store(500),
    masterKey,
    name: "uploads",
    bucket: "corner-shop-uploads",
    region: "eu-central-1",
    kit: Kit.beside(),
    token: String(++runs).padStart(4, "0"),
    // Lists are told apart by the second they begin in.
    now: () => Date.now() + runs * 1000,
    untilMs: Number.POSITIVE_INFINITY,
    tell: () => {},
    pieceBytes: PIECE,
    ...more,
  });

const pieces = () => at.puts.filter((key) => key.includes("/pieces/"));

/** Every object as the kit brings it back, by its file. */
async function broughtBack(list: string, shell = "sh"): Promise<{ files: Record<string, string>; text: string; code: number | null }> {
  const folder = mkdtempSync(join(tmpdir(), "understudy-bucket-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [kit, key, target] = ["kit", "key", "back"].map((name) => join(folder, name)) as [string, string, string];
  await at.download(FOLDER, kit);
  writeFileSync(key, masterKey.toString("hex"));
  const { stdout, stderr, status } = spawnSync(shell, [join(kit, "restore.sh"), "restore", key, list, target], { encoding: "utf8" });
  const files: Record<string, string> = {};
  const walk = (below: string): void => {
    for (const entry of readdirSync(join(target, below))) {
      const path = below === "" ? entry : `${below}/${entry}`;
      if (statSync(join(target, path)).isDirectory()) walk(path);
      else files[path] = readFileSync(join(target, path), "latin1");
    }
  };
  mkdirSync(target, { recursive: true });
  walk("");
  return { files, text: `${stdout}${stderr}`, code: status };
}

const expected = () => Object.fromEntries([...bucket.objects].map(([key, { content }]) => [fileOf(key), content.toString("latin1")]));

test("uploads leave AWS: only what is new is sent, nobody can read it, and the kit alone brings every object back, whatever its key (R17, R21)", async () => {
  bucket
    .put("a.txt", MARKER)
    .put("big", randomBytes(3 * PIECE + 17))
    .put("empty", "")
    .put("exactly", randomBytes(2 * PIECE))
    .put("/../etc/passwd", "outside")
    .put("../../up", "outside")
    .put("a//b/./c", "odd")
    .put("folder/", "")
    .put("100%/sure", "per cent")
    .put("line\nbreak\tand \\ back", "odd")
    .put("ünï/\u{1F600}", "unicode")
    .put("same as a.txt", MARKER)
    .put("x".repeat(600), "long");
  const { id, manifest } = await carry();
  expect(manifest?.totals).toMatchObject({ objects: 13, notCarried: 0 });
  const { files, text, code } = await broughtBack(id);
  expect(text).toContain("Equal: 13 objects");
  expect(code).toBe(0);
  expect(files).toEqual(expected());

  for (const key of await at.keys()) {
    const bytes = await at.bytes(key);
    expect(bytes.includes(MARKER), key).toBe(false);
    if (!/\.(sh|md|txt)$/i.test(key)) expect(() => gunzipSync(bytes.subarray(16, -32)), key).toThrow();
  }

  // What is as it was is not even read; what is new, or new at its place, is sent.
  const [before, sentBefore] = [bucket.reads.length, pieces().length];
  bucket.put("a.txt", "another").put("new", "brand new").objects.delete("exactly");
  const next = await carry();
  expect(bucket.reads.slice(before).sort()).toEqual(["a.txt", "new"]);
  expect(pieces().length - sentBefore).toBe(2);
  expect((await broughtBack(next.id)).files).toEqual(expected());
  // The bucket as it was before is there still.
  expect((await broughtBack(id)).files.exactly).toHaveLength(2 * PIECE);
});

test("a key is the beginning of another: both come back, the file beside the folder of its name", async () => {
  bucket.put("a", "file").put("a/b", "below").put("a-", "between");
  const { files } = await broughtBack((await carry()).id);
  expect(files).toEqual({ "a%": "file", "a/b": "below", "a-": "between" });
});

test("the run is killed at any request: the next goes on, and sends no piece again (R17)", async () => {
  for (let number = 0; number < 11; number++) bucket.put(`object-${number}`, randomBytes(PIECE * (number % 3) + 5));
  let left = 0;
  const dies = async (after: number): Promise<boolean> => {
    left = after;
    at.mood = () => (left-- > 0 ? "pass" : { status: 400, code: "Killed" });
    return await carry().then(
      () => false,
      () => true,
    );
  };
  let deaths = 0;
  for (let after = 3; await dies(after); after += 2) deaths++;
  expect(deaths).toBeGreaterThan(5);
  at.mood = () => "pass";
  expect(new Set(pieces()).size).toBe(pieces().length);
  const { id, manifest } = await carry();
  expect(manifest?.totals.objects).toBe(11);
  expect((await broughtBack(id)).files).toEqual(expected());
});

test("an object is larger than a run is long: each run sends some of its pieces, none twice, until it is whole (R17)", async () => {
  bucket.put("huge", randomBytes(9 * PIECE + 1)).put("small", "small");
  let nowMs = 0;
  bucket.onRead = () => {
    nowMs += 1000;
  };
  let outcome = await carry({ now: () => nowMs, untilMs: 2500 });
  let more = 1;
  for (; outcome.manifest === null; more++) outcome = await carry({ now: () => nowMs, untilMs: nowMs + 2500 });
  expect(more).toBeGreaterThan(3);
  expect(new Set(pieces()).size).toBe(pieces().length);
  expect((await broughtBack(outcome.id)).files).toEqual(expected());
});

test("objects are written over, deleted and shut away while they are read: as they are now, left out, or named with the reason", async () => {
  bucket.put("busy", "first").put("gone", "soon").put("archived", "cold").put("restless", "0").put("last", "quiet");
  bucket.refused = ["archived"];
  bucket.onRead = (key) => {
    if (key === "busy" && bucket.reads.filter((each) => each === "busy").length === 1) bucket.put("busy", "second");
    if (key === "gone") bucket.objects.delete("gone");
    if (key === "restless") bucket.put("restless", String(bucket.reads.length));
  };
  const { id, manifest } = await carry();
  expect(manifest?.totals).toMatchObject({ objects: 2, notCarried: 2 });
  expect(manifest?.notCarried).toEqual([
    expect.objectContaining({ key: "archived", why: "InvalidObjectState: it is in an archive" }),
    expect.objectContaining({ key: "restless", why: expect.stringContaining("written over each time") }),
  ]);
  const { files, text } = await broughtBack(id);
  expect(files).toEqual({ busy: "second", last: "quiet" });
  expect(text).toContain("NOT IN THIS LIST: archived (InvalidObjectState");
});

test("somebody deletes a piece at the provider: the next list has it again; somebody writes over one: the kit restores nothing, and the next run says so", async () => {
  bucket.put("a", randomBytes(10)).put("b", randomBytes(10));
  const { id } = await carry();
  const [first = "", second = ""] = pieces();
  await at.remove(first);
  expect((await broughtBack(id)).text).toContain("MISSING: pieces/");
  const next = await carry();
  expect((await broughtBack(next.id)).files).toEqual(expected());
  expect((await broughtBack(id)).files).toEqual(expected());

  await at.write(second, randomBytes(80));
  const { files, text, code } = await broughtBack(next.id);
  expect([files, code]).toEqual([{}, 1]);
  expect(text).toContain("CHANGED: pieces/");
  await expect(carry()).rejects.toMatchObject({ name: "OffsiteAltered" });
});

test("another key: the kit opens nothing", async () => {
  bucket.put("a", "secret");
  const { id } = await carry({ masterKey: newKey() });
  const { files, text, code } = await broughtBack(id);
  expect([files, code]).toEqual([{}, 1]);
  expect(text).toContain("is not what was stored, or");
});

test("the provider fails in the middle: said as trouble that passes, and what is finished is kept (R18)", async () => {
  bucket.put("a", randomBytes(10)).put("b", randomBytes(10));
  at.mood = (method, key) =>
    method === "PUT" && key.includes("/pieces/") && pieces().length > 0 ? { status: 503, code: "SlowDown" } : "pass";
  await expect(carry()).rejects.toMatchObject({ name: "OffsiteUnreachable", retry: true });
  at.mood = () => "pass";
  await carry();
  expect(new Set(pieces()).size).toBe(pieces().length);
});
