/** What a person reads who got the plan's buckets wrong: which field, and what was expected. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parsePlan } from "../../core/plan/parse.ts";

const EXAMPLE = readFileSync(join(import.meta.dirname, "..", "..", "recovery-plan.yml"), "utf8");
const OFFSITE = "{ everyDays: 1, endpoint: https://s3.example, region: x, bucket: elsewhere, secret: understudy/offsite }";
const entry = (name: string, bucket: string, offsite = OFFSITE) =>
  `  - { name: ${name}, bucket: ${bucket}, region: eu-central-1, offsite: ${offsite} }\n`;

const problemsOf = (...entries: string[]): string[] => {
  const parsed = parsePlan(`${EXAMPLE}\nbuckets:\n${entries.join("")}`);
  return parsed.ok ? [] : parsed.problems.map((each) => JSON.stringify(each));
};

test("two buckets at one provider: nothing is wrong", () => {
  expect(problemsOf(entry("uploads", "shop-uploads"), entry("state", "shop-state"))).toEqual([]);
});

test.each([
  ["a second entry of one name", [entry("uploads", "one"), entry("uploads", "two")], /buckets.*1.*name.*a second bucket/],
  ["a database's name", [entry("shop", "shop-uploads")], /is a database or a machine/],
  ["one bucket twice", [entry("uploads", "same-bucket"), entry("more", "same-bucket")], /a second entry for same-bucket/],
  ["no bucket's name", [entry("uploads", "Shop_Uploads")], /expected the name of an S3 bucket/],
  ["no address", [entry("uploads", "shop-uploads", OFFSITE.replace("https://s3.example", "s3.example/x"))], /expected the https address/],
  ["no secret", [entry("uploads", "shop-uploads", OFFSITE.replace(", secret: understudy/offsite", ""))], /secret/],
] as const)("%s: said at its field", (_, entries, said) => {
  const problems = problemsOf(...entries);
  expect(problems.join("\n")).toMatch(said);
});
