import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parsePlan } from "../../core/plan/parse.ts";

const EXAMPLE = readFileSync(join(import.meta.dirname, "../../recovery-plan.yml"), "utf8");
const GOOD = "name: web-1, instance: i-0a1b2c3d4e5f60001, region: eu-central-1, everyMinutes: 1440, copyTo: eu-west-1";

function problems(...machines: string[]): string[] {
  const parsed = parsePlan(`${EXAMPLE}\nmachines:\n${machines.map((each) => `  - { ${each} }\n`).join("")}`);
  return parsed.ok ? [] : parsed.problems.map(({ field, problem }) => `${field}: ${problem}`);
}
const excuse = (entry: string): string[] => {
  const parsed = parsePlan(`${EXAMPLE}\nunprotected:\n  - ${entry}\n`);
  return parsed.ok ? [] : parsed.problems.map(({ field, problem }) => `${field}: ${problem}`);
};

test("a machine with all it may say is taken, in either region", () => {
  expect(problems(GOOD)).toEqual([]);
  expect(problems(`${GOOD}, kmsKeyId: alias/copies, keep: { daily: 7, floor: 2 }`)).toEqual([]);
  expect(problems(GOOD.replace("eu-central-1", "x").replace("eu-west-1", "eu-central-1").replace("x", "eu-west-1"))).toEqual([]);
});

test("what is no instance, no region of the plan, or copied to where it is, is refused with what was expected", () => {
  expect(problems(GOOD.replace("i-0a1b2c3d4e5f60001", "web-1"))[0]).toContain(
    "machines[0].instance: expected the id of an EC2 instance, like",
  );
  expect(problems(GOOD.replace("eu-central-1", "us-east-1"))).toEqual([
    "machines[0].region: expected one of the plan's regions, eu-central-1 or eu-west-1",
  ]);
  expect(problems(GOOD.replace("eu-west-1", "eu-central-1"))).toEqual(["machines[0].copyTo: expected the plan's other region, eu-west-1"]);
  expect(problems(GOOD.replace("1440", "1"))[0]).toContain("machines[0].everyMinutes: expected a whole number of minutes from 5 to 10080");
  expect(problems(`${GOOD}, size: large`)[0]).toContain("machines[0].size: unknown field");
});

test("each name and each instance once, and no database's name", () => {
  expect(problems(GOOD, GOOD)).toEqual([
    'machines[1].name: a second machine "web-1" (the first is machines[0]), expected each name once',
    "machines[1].instance: a second entry for i-0a1b2c3d4e5f60001 (the first is machines[0]), expected one each",
  ]);
  expect(problems(GOOD.replace("web-1", "shop"))).toEqual([
    'machines[0].name: expected another name: "shop" is a database, and mails are headed by it',
  ]);
});

test("its times of day and its tiers are checked as those of a database", () => {
  expect(problems(`${GOOD}, keep: { floor: 3 }`)[0]).toContain("machines[0].keep: expected at least one of last, hourly");
  expect(problems(`${GOOD}, at: ["02:30", "03:00"]`)[0]).toContain("machines[0].at: expected times 120 minutes apart or more");
});

test("an excuse names one thing", () => {
  expect(excuse('{ volume: vol-0a1b2c3d4e5f60001, because: "scratch" }')).toEqual([]);
  expect(excuse('{ bucket: uploads, because: "made anew" }')).toEqual([]);
  expect(excuse('{ because: "none" }')).toEqual(["unprotected[0]: expected one of instance, volume and bucket, got none"]);
  expect(excuse('{ bucket: uploads, volume: vol-1, because: "both" }')).toEqual([
    "unprotected[0]: expected one of instance, volume and bucket, got 2",
  ]);
});
