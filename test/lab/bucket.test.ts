/** Uploads that leave AWS, by the deployed bundles: with a provider that fails and a function that dies, and brought back by the kit alone. */
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { grantedBy, judge } from "../../cli/granted.ts";
import { packageProduct } from "../../cli/package.ts";
import type { BucketNote } from "../../core/bucket-note.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import { waitFor } from "../../lab/look.ts";
import { provider } from "../offsite/provider.ts";
import { newKey } from "../offsite/story.ts";
import { killProcessesOf } from "./processes.ts";
import { Shop } from "./shop.ts";

const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const UPLOADS = "corner-shop-uploads";
const SECRET = "understudy/offsite";
const MIB = 1024 * 1024;

test("uploads leave AWS: the secret is not there yet, and people are told; then the function dies in the middle and the provider fails, and all the same each piece is sent once; the kit alone brings them back (R17, R18)", async () => {
  const at = await provider();
  const masterKey = newKey();
  const text = `${readFileSync(inject("planFile"), "utf8")}
buckets:
  - name: uploads
    bucket: ${UPLOADS}
    region: ${HOME}
    offsite: { everyDays: 1, endpoint: "${at.endpoint}", region: ${at.region}, bucket: ${at.bucket}, prefix: away, secret: ${SECRET} }
`;
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const file = join(import.meta.dirname, "..", "..", "dist", "bucket-plan.yml");
  writeFileSync(file, text);
  const packaged = await packageProduct(file, "dist/bucket-product");
  const shop = await Shop.open({ durableSpeed: 100, durableFirstPage: 2, product: { plan: parsed.plan, folder: packaged } });
  const s3 = (operation: string, input: object) => shop.lab.world.call("s3", operation, { Bucket: UPLOADS, ...input }, { region: HOME });

  // The schedule has begun one by itself.
  const mail = await waitFor("the first mail", 60_000, () =>
    shop.lab.mail.mails.find(({ subject }) => subject.includes("is NOT all offsite")),
  );
  expect(mail.text.replaceAll(/\s+/g, " ")).toContain("The objects of uploads did not go offsite");

  const secret = { accessKeyId: "offsite", secretAccessKey: "secret", masterKey: masterKey.toString("hex") };
  const stored = { Name: SECRET, SecretString: JSON.stringify(secret) };
  await shop.lab.world.call("secretsmanager", "CreateSecret", stored, { region: AWAY });
  await s3("CreateBucket", { CreateBucketConfiguration: { LocationConstraint: HOME } });
  const objects: Record<string, Buffer> = { "videos/tour.mp4": randomBytes(17 * MIB) };
  for (let number = 0; number < 25; number++) objects[`photos/${number} größe.jpg`] = randomBytes(200 + number * 1000);
  for (const [Key, Body] of Object.entries(objects))
    await s3("PutObject", { Key, Body, ContentType: "image/jpeg", Metadata: { by: "alice" } });

  const name = "understudy-bucket-uploads-20270101";
  const pieces = () => at.puts.filter((key) => key.includes("/pieces/"));
  at.mood = (method, key) => (method === "PUT" && key.includes("/pieces/") && pieces().length >= 12 ? "hold" : "pass");
  await shop.start("bucket", name, { bucket: "uploads", name });
  await waitFor("a piece to be on its way", 60_000, () => at.held.length > 0);
  // From here on the provider fails, and the function is gone.
  at.mood = (method) => (method === "PUT" ? { status: 503, code: "SlowDown" } : "pass");
  expect(killProcessesOf("understudy-corner-shop-bucket")).toBe(1);
  await waitFor("the run to give the provider time", 60_000, () => shop.said("bucket met trouble").length > 0);
  expect(shop.mailed("the bucket is offsite")).toBe(false);
  at.mood = () => "pass";
  const note = await waitFor("the list to be noted", 120_000, () => shop.json<BucketNote>("offsite/buckets/uploads.json"));
  await waitFor("the mail", 60_000, () => shop.mailed("the bucket is offsite"));
  expect(note.totals).toMatchObject({ objects: 26, notCarried: 0 });
  // 17 MiB are three pieces.
  expect(new Set(pieces()).size).toBe(28);
  expect(pieces()).toHaveLength(28);

  // Its role has what it needs (the lab refuses what it has not), and nothing else.
  const unused = judge(grantedBy(packaged), shop.lab.permissions.notes.all).filter(({ problem }) => problem !== null);
  expect(unused.filter(({ role }) => role === "BucketRole")).toEqual([]);

  const folder = mkdtempSync(join(tmpdir(), "understudy-bucket-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [kit, key, target] = ["kit", "key", "back"].map((each) => join(folder, each)) as [string, string, string];
  await at.download("away/_buckets/uploads", kit);
  writeFileSync(key, masterKey.toString("hex"));
  const { stdout, stderr, status } = spawnSync("sh", [join(kit, "restore.sh"), "restore", key, note.id, target], { encoding: "utf8" });
  expect(`${stdout}${stderr}`).toContain("Equal: 26 objects");
  expect(status).toBe(0);
  const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
  const back = Object.keys(objects).map((each) => [each, hash(readFileSync(join(target, each)))]);
  expect(Object.fromEntries(back)).toEqual(Object.fromEntries(Object.entries(objects).map(([each, bytes]) => [each, hash(bytes)])));
}, 240_000);
