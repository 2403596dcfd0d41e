import { expect, test } from "vitest";
import type { Catalogue, Kept, PlaceState, Point } from "../../core/catalogue.ts";
import { copiesAgain } from "../../core/copy-again.ts";

const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const NOW = Date.UTC(2026, 10, 12, 9);
const HOUR_MS = 3_600_000;
const kept = (state: PlaceState, hours: number): Kept => ({ state, sinceMs: NOW - hours * HOUR_MS, encrypted: false, kmsKeyId: null });
const point = (slot: string, hours: number, places: Readonly<Record<string, PlaceState>>, id = `understudy-shop-${slot}`): Point => ({
  id,
  atMs: NOW - hours * HOUR_MS,
  verifiedAtMs: null,
  places: Object.fromEntries(Object.entries(places).map(([region, state]) => [region, kept(state, hours)])),
});
const catalogue = (...points: Point[]): Catalogue => ({ database: "shop", atMs: NOW, points });

test("a key was disabled for a day: what has no copy after a day is copied again, once a day, from where it is (R13)", () => {
  const all = catalogue(
    point("20261112t0600", 3, { [HOME]: "good" }),
    point("20261111t0600", 27, { [HOME]: "good" }),
    point("20261111t0000", 33, { [HOME]: "good", [AWAY]: "good" }),
    point("20261110t1800", 39, { [HOME]: "good", [AWAY]: "unfinished" }),
    point("20261110t1200", 45, { [AWAY]: "good" }),
  );
  expect(copiesAgain(all, NOW)).toEqual([
    { slot: "20261111t0600", from: HOME, execution: "again-shop-20261111t0600-1112" },
    { slot: "20261110t1200", from: AWAY, execution: "again-shop-20261110t1200-1112" },
  ]);
});

test("many were never copied: the newest three of them go first, tonight's need their slots too", () => {
  const hours = [30, 36, 42, 48, 54];
  const all = catalogue(
    ...hours.map((each) => point(`202611${String(12 - Math.ceil(each / 24)).padStart(2, "0")}t0000`, each, { [HOME]: "good" })),
  );
  expect(copiesAgain(all, NOW)).toHaveLength(3);
  expect(copiesAgain(all, NOW).map(({ slot }) => `understudy-shop-${slot}`)).toEqual(all.points.slice(0, 3).map(({ id }) => id));
});

test("what a person or a rescue made has no slot: it is nobody's to copy", () => {
  const rescue = point("", 48, { [HOME]: "good" }, "understudy-shop-rescue-g2");
  expect(copiesAgain(catalogue(rescue), NOW)).toEqual([]);
});
