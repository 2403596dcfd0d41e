/** The list of a bucket's objects: whatever S3 takes as a key, the list gives back, and the kit has a place for. */
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { offsiteBehind } from "../../core/backup-findings.ts";
import { byBytes, type Carried, fileOf, type Line, lineOf, readLine } from "../../core/bucket-list.ts";

/** Of what S3 takes: up to 1024 bytes of UTF-8. */
const signs = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("/", ".", "%", "+", "\\", "\n", "\t", " ", "0", "2", "5", "E", "a", "~", "\u0001") },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", minLength: 1, maxLength: 3 }) },
);
const keys = fc
  .array(signs, { minLength: 1, maxLength: 60 })
  .map((parts) => parts.join(""))
  .filter((key) => Buffer.byteLength(key) <= 1024 && key.isWellFormed());
const long = fc.tuple(fc.constantFrom("x", "é", "\u{1F600}"), fc.integer({ min: 60, max: 250 })).map(([sign, times]) => sign.repeat(times));

const carried = fc.record({
  key: keys,
  bytes: fc.nat(),
  etag: fc.stringMatching(/^[0-9a-f]{32}(-\d+)?$/),
  modifiedMs: fc.nat(),
  pieces: fc.array(fc.stringMatching(/^[0-9a-f]{64}$/), { maxLength: 3 }),
  headers: fc.dictionary(keys, keys, { maxKeys: 3, noNullPrototype: true }),
}) satisfies fc.Arbitrary<Carried>;
const lines: fc.Arbitrary<Line> = fc.oneof(carried, fc.record({ key: keys, why: keys }));

test("a line comes back as it was written, is one line, and has no tab of its own", () => {
  fc.assert(
    fc.property(lines, (line) => {
      const text = lineOf(line);
      expect(text).not.toContain("\n");
      expect(readLine(text)).toEqual(line);
    }),
  );
});

test("each key has a file of its own, within the folder, and short enough for a file system", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.oneof(keys, long), { minLength: 2, maxLength: 40 }), (all) => {
      const files = all.map(fileOf);
      expect(new Set(files).size).toBe(files.length);
      for (const file of files)
        for (const part of file.split("/")) {
          expect(["", ".", ".."]).not.toContain(part);
          expect(Buffer.byteLength(part)).toBeLessThanOrEqual(255);
          expect(part).not.toContain("\0");
        }
    }),
  );
});

test("a shell reads what the list says, to the byte", () => {
  const odd = ["a b", "line\nbreak", "tab\tand \\ back \\012", "ünï \u{1F600}", "50% $HOME `x` 'q' \"q\"", "-n", "\u0001\u007f", "007"];
  for (const key of odd) {
    const escaped = lineOf({ key, why: "" }).split("\t")[2] as string;
    expect(spawnSync("sh", ["-c", "printf '%b' \"$1\"", "sh", escaped]).stdout.toString("utf8")).toBe(key);
  }
});

test("keys are in S3's order, not JavaScript's", () => {
  // Beyond U+FFFF a string of JavaScript's begins with a surrogate, which comes before U+FF5E.
  expect(["\u{1F600}", "\uFF5E", "a"].sort(byBytes)).toEqual(["a", "\uFF5E", "\u{1F600}"]);
});

test("no list of a bucket is finished for days: a finding, since when it is planned or since the newest", () => {
  const [day, plan] = [86_400_000, { everyDays: 1, bucket: "elsewhere" }];
  expect(offsiteBehind("uploads", "lists", plan, { sinceMs: 0, newestMs: null }, 3 * day)).toEqual([]);
  const [never] = offsiteBehind("uploads", "lists", plan, { sinceMs: 0, newestMs: null }, 3 * day + 1);
  expect(never?.sentence).toContain("none has ever been finished");
  expect(offsiteBehind("uploads", "lists", plan, { sinceMs: 0, newestMs: 2 * day }, 5 * day)).toEqual([]);
  expect(offsiteBehind("uploads", "lists", plan, { sinceMs: 0, newestMs: 2 * day }, 5 * day + 1)).toHaveLength(1);
});
