import fc from "fast-check";
import { expect, test } from "vitest";
import { missingStandbys } from "../../core/rebuild.ts";
import { record } from "./facts.ts";

const at = (instance: string, region = "eu-central-1") => ({ instance, region });
const pair = { primary: at("shop-a"), standbys: [at("shop-b")] };
const trio = { primary: at("shop-a"), standbys: [at("shop-b"), at("shop-c", "eu-west-1")] };
const REGIONS = { "shop-a": "eu-central-1", "shop-b": "eu-central-1", "shop-c": "eu-west-1" };
const retired = (instance: string) => ({ instance, generation: 1, atMs: 0, fenced: true });
const names = (missing: ReturnType<typeof missingStandbys>) => missing.map(({ name, region }) => `${name} in ${region}`);

test("nothing is missing while every place is filled", () => {
  expect(missingStandbys(pair, record())).toEqual([]);
  expect(missingStandbys(trio, record({ standbys: ["shop-b", "shop-c"] }))).toEqual([]);
});

test("after a failover the old primary's place is empty, and is filled by one that looks like it", () => {
  const after = record({ generation: 2, primary: "shop-b", standbys: [], retired: [retired("shop-a")] });
  expect(missingStandbys(pair, after)).toEqual([
    { slot: "shop-a", region: "eu-central-1", name: "shop-a-g2", models: ["shop-a", "shop-b"] },
  ]);
});

test("a standby in another region followed the old primary: its place is empty too", () => {
  const after = record({ generation: 2, primary: "shop-b", standbys: [], retired: [retired("shop-a")], regions: REGIONS });
  expect(names(missingStandbys(trio, after))).toEqual(["shop-a-g2 in eu-central-1", "shop-c-g2 in eu-west-1"]);
});

test("a rebuilt instance that became the primary keeps its slot; the next name is of its own generation", () => {
  const after = record({
    generation: 3,
    primary: "shop-a-g2",
    standbys: [],
    retired: [retired("shop-a"), retired("shop-b")],
    regions: { ...REGIONS, "shop-a-g2": "eu-central-1" },
  });
  expect(names(missingStandbys(pair, after))).toEqual(["shop-b-g3 in eu-central-1"]);
});

test("a standby somebody made by hand fills a place of its region", () => {
  const after = record({
    generation: 2,
    primary: "shop-b",
    standbys: ["by-hand"],
    retired: [retired("shop-a")],
    regions: { ...REGIONS, "by-hand": "eu-central-1" },
  });
  expect(missingStandbys(pair, after)).toEqual([]);
});

test("names are valid DB instance identifiers, whatever the plan's names are", () => {
  const id = fc.stringMatching(/^[a-z](-?[a-z0-9]){0,61}$/).filter((text) => text.length <= 63);
  fc.assert(
    fc.property(id, id, fc.integer({ min: 1, max: 99_999 }), (a, b, generation) => {
      const plan = { primary: at(a), standbys: [at(`${b}`)] };
      for (const { name } of missingStandbys(
        plan,
        record({ generation, primary: "elsewhere", standbys: [], regions: { elsewhere: "eu-north-1" } }),
      ))
        expect(name).toMatch(/^(?=.{1,63}$)[a-z](-?[a-z0-9])*$/);
    }),
  );
});
