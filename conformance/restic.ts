/**
 * restic as a judge of the retention: random histories are written as snapshots of a throwaway repository, and `restic forget --dry-run`
 * says which of them a policy keeps. Making a snapshot with restic itself takes half a second, so they are written as it writes them
 * (restic's design document, "Keys, Encryption and MAC" and "Snapshots"): restic reads them and would refuse one that is not in order.
 */
import { execFile } from "node:child_process";
import { createCipheriv, createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { poly1305 } from "@noble/ciphers/_poly1305.js";
import { type Retention, TIERS } from "../core/retention.ts";

const run = promisify(execFile);
const PATIENCE_MS = 120_000;

/** null: it is not here. */
export const resticVersion = (): Promise<string | null> =>
  run("restic", ["version"]).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );

interface MasterKey {
  readonly encrypt: Buffer;
  readonly macK: Buffer;
  readonly macR: Buffer;
}

export class Repository {
  private readonly dir: string;
  private readonly key: MasterKey;

  private constructor(dir: string, key: MasterKey) {
    this.dir = dir;
    this.key = key;
  }

  static async open(): Promise<Repository> {
    const dir = mkdtempSync(join(tmpdir(), "restic-judge-"));
    await restic(dir, ["init"]);
    const { mac, encrypt } = JSON.parse(await restic(dir, ["cat", "masterkey"]));
    const bytes = (text: string) => Buffer.from(text, "base64");
    return new Repository(dir, { encrypt: bytes(encrypt), macK: bytes(mac.k), macR: bytes(mac.r) });
  }

  /** One snapshot of `history`, named `id`. */
  add(history: string, id: string, atMs: number): void {
    const snapshot = {
      time: new Date(atMs).toISOString(),
      tree: "0".repeat(64),
      paths: ["/"],
      hostname: history,
      username: "judge",
      tags: [id],
    };
    const sealed = this.seal(Buffer.from(JSON.stringify(snapshot)));
    writeFileSync(join(this.dir, "snapshots", createHash("sha256").update(sealed).digest("hex")), sealed);
  }

  private seal(plain: Buffer): Buffer {
    const { encrypt, macK, macR } = this.key;
    const nonce = randomBytes(16);
    const cipher = createCipheriv("aes-256-ctr", encrypt, nonce);
    const text = Buffer.concat([cipher.update(plain), cipher.final()]);
    const blind = createCipheriv("aes-128-ecb", macK, null).setAutoPadding(false);
    const once = Buffer.concat([macR, blind.update(nonce), blind.final()]);
    return Buffer.concat([nonce, text, poly1305(text, once)]);
  }

  /** The ids that stay, by history. */
  async kept(retention: Retention): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    const counts = TIERS.flatMap((tier) => (retention[tier] ? [`--keep-${tier}`, String(retention[tier])] : []));
    const groups: { host: string; keep: { tags: string[] }[] | null }[] = JSON.parse(
      await restic(this.dir, ["forget", "--dry-run", "--json", "--group-by", "host", ...counts], retention.timeZone),
    );
    return new Map(groups.map(({ host, keep }) => [host, new Set((keep ?? []).flatMap(({ tags }) => tags))]));
  }

  close(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

async function restic(dir: string, args: string[], TZ = "UTC"): Promise<string> {
  const env = { ...process.env, TZ, RESTIC_REPOSITORY: dir, RESTIC_PASSWORD: "judge", RESTIC_CACHE_DIR: join(dir, "cache") };
  const { stdout } = await run("restic", args, { env, timeout: PATIENCE_MS, maxBuffer: 512 * 1024 * 1024 });
  return stdout;
}
