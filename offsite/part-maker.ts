/**
 * Makes one part out of rows as they come: hashed, compressed in a thread of its own, sealed. Knows neither engine nor store. Only
 * compressed bytes stay in memory.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { TransformOptions } from "node:stream";
import { constants, createGzip, type Gzip, type ZlibOptions } from "node:zlib";
import type { DumpKeys } from "./keys.ts";
import { lastRowOf, rowsIn } from "./row-cutter.ts";
import { Sealing, sha256 } from "./seal.ts";

const NEWLINE = 10;
/** Compressed bytes are handed over in pieces of this size. */
const PIECE_BYTES = 256 * 1024;
/** Rows that wait for the compressor. */
const WAITING_BYTES = 1024 * 1024;

export interface Made {
  readonly stored: Buffer;
  readonly storedSha256: string;
  readonly plainSha256: string;
}

export class PartMaker {
  rows = 0;
  plainBytes = 0;
  /** Without its newline. */
  firstRow = "";
  private newest: Buffer | undefined;
  private readonly plain = createHash("sha256");
  private readonly gzip: Gzip;
  private readonly sealing: Sealing;
  private failed: Error | undefined;

  constructor(keys: DumpKeys, name: string) {
    this.sealing = new Sealing(keys, name);
    // The declared options lack the stream's own.
    const options: ZlibOptions & TransformOptions = {
      level: constants.Z_BEST_SPEED,
      // The compressor sets the pace: 256 KiB more of memory save it a sixth of its time.
      memLevel: constants.Z_MAX_MEMLEVEL,
      chunkSize: PIECE_BYTES,
      highWaterMark: WAITING_BYTES,
    };
    this.gzip = createGzip(options);
    this.gzip.on("data", (piece: Buffer) => this.sealing.add(piece));
    this.gzip.on("error", (error) => {
      this.failed = error;
    });
  }

  /** Whole rows only. */
  async add(rows: Buffer, count = rowsIn(rows)): Promise<void> {
    if (rows.length === 0) return;
    if (this.rows === 0) this.firstRow = rows.toString("utf8", 0, rows.indexOf(NEWLINE));
    this.newest = rows;
    this.rows += count;
    this.plainBytes += rows.length;
    this.plain.update(rows);
    if (this.failed) throw this.failed;
    if (!this.gzip.write(rows)) await once(this.gzip, "drain");
  }

  get lastRow(): string {
    return this.newest ? lastRowOf(this.newest) : "";
  }

  async finish(): Promise<Made> {
    const ended = once(this.gzip, "end");
    this.gzip.end();
    await ended;
    const stored = this.sealing.end();
    return { stored, storedSha256: sha256(stored), plainSha256: this.plain.digest("hex") };
  }

  /** Hashes what it was given, and throws the rest away. */
  abandon(): string {
    this.gzip.destroy();
    return this.plain.digest("hex");
  }
}
