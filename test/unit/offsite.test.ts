import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Stand } from "../../core/offsite-dump.ts";
import { inOrder } from "../../core/offsite-order.ts";
import { mustBeginAnew } from "../../core/offsite-resume.ts";
import { unescaped } from "../../core/offsite-rows.ts";
import { FIRST, LIMIT_MS, LONGEST_MS, nextSize, PART_BYTES, type Size, TARGET_MS } from "../../core/offsite-slices.ts";
import { standsBack } from "../../core/offsite-throttle.ts";
import { dumpKeys } from "../../offsite/keys.ts";
import { takenApart, withoutDefiner } from "../../offsite/mariadb-ddl.ts";
import { lastRowOf, RowCutter, rowsIn } from "../../offsite/row-cutter.ts";
import { open, seal } from "../../offsite/seal.ts";

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
console.log(`offsite properties: SEED=${seed}`);
const holds = <T extends unknown[]>(property: fc.IProperty<T>) => fc.assert(property, { seed });

const stands = fc.record({
  server: fc.constantFrom("a/shop (1)", "b/shop (1)"),
  startedAtMs: fc.constantFrom(0, 900, 60_000),
  log: fc.constantFrom("0/1", "0/2"),
  data: fc.option(fc.constantFrom("700:700:", "701:701:"), { nil: null }),
});

describe("a dump that was interrupted", () => {
  test("never mixes two moments, whatever the server says", () => {
    holds(
      fc.property(stands, stands, (was: Stand, is: Stand) => {
        const goesOn = mustBeginAnew(was, is) === null;
        if (goesOn) {
          expect(is.server).toBe(was.server);
          expect(is.data).toBe(was.data);
          expect(is.data).not.toBeNull();
          expect(Math.abs(is.startedAtMs - was.startedAtMs)).toBeLessThanOrEqual(2_000);
        }
      }),
    );
  });

  test("goes on where the log has grown by nothing anyone can see", () => {
    const was = { server: "a/shop (1)", startedAtMs: 0, log: "0/3000148", data: "700:700:" };
    expect(mustBeginAnew(was, { ...was, log: "0/4000000" })).toBeNull();
    expect(mustBeginAnew(was, { ...was, data: "701:701:", log: "0/4000000" })).toMatch(/moved from 0\/3000148 to 0\/4000000/);
    expect(mustBeginAnew(was, { ...was, data: null })).toMatch(/cannot say/);
    expect(mustBeginAnew(was, { ...was, startedAtMs: 90_000 })).toMatch(/started again/);
  });
});

describe("the size of a query (R32)", () => {
  test("on a table of any width and a server of any even speed, no query takes twice the target, and time is used", () => {
    holds(
      fc.property(fc.integer({ min: 1, max: 200_000 }), fc.integer({ min: 20, max: 100_000 }), (bytesPerRow, rowsPerSecond) => {
        let size: Size = FIRST;
        for (let step = 0; step < 40; step++) {
          const wantedMs = (size.count / rowsPerSecond) * 1_000;
          const cutShort = wantedMs > size.limitMs;
          const count = cutShort ? Math.floor((size.limitMs * rowsPerSecond) / 1_000) : size.count;
          const tookMs = Math.min(wantedMs, size.limitMs);
          if (count > 0) expect(tookMs).toBeLessThan(2 * TARGET_MS);
          size = nextSize(size, { count, bytes: count * bytesPerRow, tookMs, cutShort });
          expect(size.count).toBeGreaterThanOrEqual(1);
        }
        const [byTime, byBytes] = [(rowsPerSecond * TARGET_MS) / 1_000, PART_BYTES / bytesPerRow];
        expect(size.count).toBeLessThanOrEqual(Math.max(1, Math.min(byTime, byBytes)));
        expect(size.count).toBeGreaterThan(Math.min(byTime, byBytes) / 4 - 1);
      }),
    );
  });

  test("a cold volume that gives nothing is asked for less, and longer, and no longer than a minute", () => {
    let size: Size = FIRST;
    for (let step = 0; step < 12; step++) size = nextSize(size, { count: 0, bytes: 0, tookMs: size.limitMs, cutShort: true });
    expect(size).toEqual({ count: 1, limitMs: LONGEST_MS });
    expect(nextSize(size, { count: 1, bytes: 100, tookMs: 40_000, cutShort: false }).limitMs).toBe(LIMIT_MS);
  });
});

test("the source goes first when it lags or is busy (R32)", () => {
  expect(standsBack({ lagSeconds: 1, runningThreads: 25 })).toBeNull();
  expect(standsBack({ lagSeconds: null, runningThreads: 3 })).toBeNull();
  expect(standsBack({ lagSeconds: 1.04, runningThreads: 3 })).toBe("replication is 1 s behind, the limit is 1 s");
  expect(standsBack({ lagSeconds: 0, runningThreads: 26 })).toBe("26 threads are running, the limit is 25");
});

describe("rows", () => {
  test("cut anywhere, they come out whole and in order", () => {
    const rows = fc.array(
      fc.string().map((text) => text.replaceAll("\n", "")),
      { maxLength: 30 },
    );
    holds(
      fc.property(rows, fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 }), (texts, steps) => {
        const all = Buffer.from(texts.map((text) => `${text}\n`).join(""));
        const cutter = new RowCutter();
        const out: Buffer[] = [];
        for (let at = 0, step = 0; at < all.length; step++) {
          const end = at + (steps[step % steps.length] as number);
          for (const whole of cutter.add(all.subarray(at, end))) {
            expect(whole.at(-1)).toBe(10);
            out.push(whole);
          }
          at = end;
        }
        cutter.mustBeWhole({ name: "notes" });
        expect(Buffer.concat(out).equals(all)).toBe(true);
        expect(out.reduce((sum, rows) => sum + rowsIn(rows), 0)).toBe(texts.length);
        if (out.length > 0) expect(lastRowOf(out.at(-1) as Buffer)).toBe(texts.at(-1));
        cutter.add(Buffer.from("torn"));
        expect(() => cutter.mustBeWhole({ name: "notes" })).toThrow("the last row of notes has no end");
      }),
    );
  });

  test("an escaped value is read back", () => {
    expect(unescaped("a\\tb\\nc\\\\d\\\\n\\0")).toBe("a\tb\nc\\d\\n\0");
  });
});

test("statements stand behind what they need, and a ring does not hang them", () => {
  const edges = fc.array(fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })), { maxLength: 25 });
  holds(
    fc.property(edges, (pairs) => {
      const items = Array.from({ length: 10 }, (_, id) => ({ id: String(id) }));
      // Without rings: everybody needs smaller ones alone.
      const needs = pairs.flatMap(([a, b]) => (a === b ? [] : [[String(Math.max(a, b)), String(Math.min(a, b))] as const]));
      const backward = inOrder([...items].reverse(), needs).map(({ id }) => id);
      for (const [id, needed] of needs) expect(backward.indexOf(needed)).toBeLessThan(backward.indexOf(id));
      const ring = inOrder(
        items,
        pairs.map(([a, b]) => [String(a), String(b)] as const),
      );
      expect(ring.map(({ id }) => id).sort()).toEqual(items.map(({ id }) => id));
    }),
  );
});

describe("what is sealed", () => {
  const master = randomBytes(32);
  const keys = dumpKeys(master, "20261121T220000Z-0001");

  test("opens as it was, and neither under another name, nor with another dump's key, nor with one bit turned", () => {
    const stored = seal(keys, "parts/000001", "a marker\n");
    expect(open(keys, "parts/000001", stored).toString()).toBe("a marker\n");
    expect(stored.includes("marker")).toBe(false);
    expect(() => open(keys, "parts/000002", stored)).toThrow(/not what was stored/);
    expect(() => open(dumpKeys(master, "20261121T220000Z-0002"), "parts/000001", stored)).toThrow(/not what was stored/);
    for (let at = 0; at < stored.length; at++) {
      const turned = Buffer.from(stored);
      turned[at] = (turned[at] as number) ^ 1;
      expect(() => open(keys, "parts/000001", turned)).toThrow(/not what was stored/);
    }
  });

  test("opens with openssl and gzip alone, keys and all", () => {
    const folder = mkdtempSync(join(tmpdir(), "understudy-seal-"));
    try {
      writeFileSync(join(folder, "sealed"), seal(keys, "index", "form\t1\n"));
      const script = `
        hmac() { openssl dgst -sha256 -mac HMAC -macopt "hexkey:$1" | sed 's/^.*[= ]//'; }
        key=$(printf '%s' "understudy-offsite-1/encrypt/20261121T220000Z-0001" | hmac "$1")
        iv=$(head -c 16 sealed | od -An -v -tx1 | tr -d ' \\n')
        head -c -32 sealed | tail -c +17 | openssl enc -d -aes-256-ctr -K "$key" -iv "$iv" | gzip -dc`;
      expect(execFileSync("sh", ["-c", script, "sh", master.toString("hex")], { cwd: folder, encoding: "utf8" })).toBe("form\t1\n");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe("MariaDB's own words about a table", () => {
  const table = [
    "CREATE TABLE `orders` (",
    "  `id` int(11) NOT NULL AUTO_INCREMENT,",
    "  `who` varchar(10) DEFAULT 'a,  KEY b' COMMENT '  KEY `x` (`y`),',",
    "  `place` int(11) NOT NULL,",
    "  PRIMARY KEY (`place`,`id`),",
    "  UNIQUE KEY `who` (`who`),",
    "  KEY `id` (`id`),",
    "  FULLTEXT KEY `words` (`who`),",
    "  CONSTRAINT `fk` FOREIGN KEY (`place`) REFERENCES `places` (`id`) ON DELETE CASCADE,",
    "  CONSTRAINT `positive` CHECK (`place` > 0)",
    ") ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4",
  ].join("\n");

  test("are taken apart: rows first, keys and foreign keys later; a counting column keeps its key", () => {
    const { create, keys, foreignKeys } = takenApart("`orders`", table);
    expect(create).toContain("  KEY `id` (`id`),\n  CONSTRAINT `positive` CHECK (`place` > 0)\n) ENGINE");
    expect(keys).toEqual(["ALTER TABLE `orders` ADD UNIQUE KEY `who` (`who`)", "ALTER TABLE `orders` ADD FULLTEXT KEY `words` (`who`)"]);
    expect(foreignKeys).toEqual([
      "ALTER TABLE `orders` ADD CONSTRAINT `fk` FOREIGN KEY (`place`) REFERENCES `places` (`id`) ON DELETE CASCADE",
    ]);
  });

  test("name no definer of another server", () => {
    expect(withoutDefiner("CREATE ALGORITHM=UNDEFINED DEFINER=`sh``op`@`%` SQL SECURITY DEFINER VIEW `v` AS select 1")).toBe(
      "CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `v` AS select 1",
    );
  });
});
