/** What a person reads of a bucket, in a terminal of 80 columns. */
import { expect, test } from "vitest";
import { bucketPage } from "../../cli/operator/bucket.ts";
import type { BucketNote } from "../../core/bucket-note.ts";

const NOTE: BucketNote = {
  id: "20261121T220000Z-1121",
  begunAtMs: Date.UTC(2026, 10, 21, 22),
  finishedAtMs: Date.UTC(2026, 10, 21, 22, 41),
  endpoint: "https://s3.eu-central-003.backblazeb2.com",
  bucket: "corner-shop-offsite",
  prefix: "understudy",
  totals: { objects: 1_204_311, bytes: 412_000_000_000, sent: 812, sentBytes: 91_000_000, notCarried: 1 },
  notCarried: [{ key: "old/film.mov", why: "InvalidObjectState: it is in an archive" }],
};

test("the page says what is there, what is not, where it lies and how it comes back, within 80 columns", () => {
  const page = bucketPage({ name: "uploads", bucket: "corner-shop-uploads", newest: NOTE });
  for (const line of page.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  for (const word of ["1204311 objects", "NOT THERE  1", "old/film.mov", "understudy/_buckets/uploads", `restore KEYFILE ${NOTE.id}`])
    expect(page).toContain(word);
});

test("no list has been finished yet: said so", () => {
  expect(bucketPage({ name: "uploads", bucket: "corner-shop-uploads", newest: null })).toContain("no list has been finished yet");
});
