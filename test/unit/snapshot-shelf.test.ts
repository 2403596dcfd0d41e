import fc from "fast-check";
import { expect, test } from "vitest";
import { SnapshotShelf } from "../../core/snapshot-shelf.ts";

const NOW = Date.UTC(2026, 10, 21);
const slots = fc
  .integer({ min: 0, max: 100_000 })
  .map((minutes) => new Date(NOW - minutes * 60_000).toISOString().slice(0, 16).replace(/[-:]/g, "").toLowerCase());
const backups = fc.record({
  database: fc.constantFrom("shop", "users", "a-b"),
  slot: fc.oneof(slots, fc.constantFrom("", "by-hand", "20261321t9999")),
  odd: fc.boolean(),
  region: fc.constantFrom("eu-central-1", "eu-west-1"),
  status: fc.constantFrom("available", "creating", "failed"),
  takenAtMs: fc.option(fc.integer({ min: 0, max: NOW })),
  encrypted: fc.boolean(),
  kmsKeyId: fc.option(fc.constantFrom("arn:one", "arn:other")),
});

test("whatever regions list, in whatever order, comes back as it was, each under its database (R55)", () => {
  fc.assert(
    fc.property(fc.array(backups, { maxLength: 60 }), (all) => {
      const shelf = new SnapshotShelf();
      const listed = all.map(({ database, slot, odd, ...rest }, index) => ({
        database,
        slot,
        backup: { id: odd ? `odd-${index}` : `understudy-${database}-${slot}`, ...rest },
      }));
      for (const { database, slot, backup } of listed) shelf.add(database, slot, backup);
      for (const database of ["shop", "users", "a-b", "nobody"])
        expect(shelf.of(database).toReversed()).toEqual(listed.filter((each) => each.database === database).map(({ backup }) => backup));
    }),
  );
});

test("more than its first room holds: nothing is lost", () => {
  const shelf = new SnapshotShelf();
  const backup = (region: string) => ({ id: "x", region, status: "available", takenAtMs: 1, encrypted: false, kmsKeyId: null });
  for (let index = 0; index < 5000; index++) shelf.add(`db-${index % 50}`, "", backup(String(index)));
  expect(shelf.of("db-7").map(({ region }) => Number(region))).toEqual(Array.from({ length: 100 }, (_, index) => 4957 - index * 50));
});
