/** The oracle of others: botocore makes the same calls to the lab and to moto; and the judge itself, which must see what differs. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { differences } from "../../conformance/compare.ts";
import { explanations, readEntries } from "../../conformance/explain.ts";
import { normalAnswer } from "../../conformance/normal.ts";
import { type Oracle, startOracle } from "../../conformance/oracle.ts";
import { findPython } from "../../conformance/python.ts";
import { judge } from "../../conformance/run.ts";
import type { Story } from "../../conformance/story.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { type Lab, startLab } from "../../lab/lab.ts";

const python = findPython();
if ("missing" in python) console.warn(`notice: ${python.missing}; moto's judgement of the lab is skipped`);

describe.skipIf("missing" in python)("moto and the lab", () => {
  let oracle: Oracle;
  let lab: Lab;

  beforeAll(async () => {
    if ("missing" in python) return;
    oracle = await startOracle(python.path);
    lab = await startLab({ folder: throwawayFolder() });
  });
  afterAll(async () => {
    await oracle?.close();
    await lab?.close();
  });
  const sides = () => ({ oracle, lab: { endpoint: lab.wire.url, account: lab.world.account } });

  test("answer the whole script alike, but for what is listed with its reason", async () => {
    const verdict = await judge(sides());
    expect({ unexplained: verdict.unexplained, idle: verdict.idle }).toEqual({ unexplained: [], idle: [] });
    expect(verdict.calls).toBeGreaterThanOrEqual(120);
    expect(Object.keys(verdict.byService)).toEqual(expect.arrayContaining(["rds", "s3", "sns", "route53", "cloudwatch", "events", "ec2"]));
  });

  test("a difference nobody listed, and a listed one that is none, are both seen", async () => {
    const story: Story = {
      title: "a bucket's name",
      service: "s3",
      region: "eu-west-1",
      calls: [["CreateBucket", { Bucket: "Not_A_Name", CreateBucketConfiguration: { LocationConstraint: "eu-west-1" } }]],
    };
    const entry = { ...readEntries()[0]!, calls: "s3:CreateBucket", member: "error", lab: "400 SomethingElse", moto: "ok" };
    const verdict = await judge({ ...sides(), stories: [story], entries: [entry] });
    expect(verdict).toMatchObject({ calls: 1, equal: 0, explained: 0, idle: [entry] });
    expect(verdict.unexplained).toMatchObject([{ differences: [{ path: "error", lab: "400 InvalidBucketName", moto: "ok" }] }]);
  });
});

test("ids, accounts and times are not differences; values are", () => {
  const answer = (account: string, id: string, size: number) => ({
    status: 200,
    output: { Arn: `arn:aws:sns:eu-west-1:${account}:news:${id}`, At: { $time: `${account.slice(0, 4)}-01-01` }, Size: size, Tags: [] },
  });
  const names = (account: string) => new Map([[account, "<account>"]]);
  const here = normalAnswer(answer("111122223333", "00000000-0000-4000-8000-00000000000a", 1), names("111122223333"));
  const there = normalAnswer(answer("444455556666", "00000000-0000-4000-8000-00000000000b", 2), names("444455556666"));
  expect(differences(here, there)).toEqual([{ path: "Size", lab: 1, moto: 2 }]);
});

test("a short page token is found by itself only, not inside a region's name", () => {
  const names = new Map([["1", "<page>"]]);
  const { error, ...shown } = normalAnswer({ status: 200, output: { NextToken: "1", Region: "eu-west-1" } }, names) as Record<
    string,
    unknown
  >;
  expect([error, shown]).toEqual([undefined, { status: 200, NextToken: "<page>", Region: "eu-west-1" }]);
});

test("an order that AWS does not promise is no difference; one that it promises is", () => {
  const of = (...keys: string[]) => ({ Contents: keys.map((Key) => ({ Key })), TagList: keys.map((Key) => ({ Key, Value: "v" })) });
  const normal = (...keys: string[]) => normalAnswer({ status: 200, output: of(...keys) }, new Map());
  expect(differences(normal("a", "b"), normal("b", "a")).map(({ path }) => path)).toEqual(["Contents.Key", "Contents.Key"]);
});

test("an explanation holds for its calls, its member and its values alone", () => {
  const entry = { ...readEntries()[0]!, calls: "rds:*, a call by name", member: "Instance.Port", lab: 0, moto: "absent" };
  const find = (name: string, path: string, lab: number, as?: string) =>
    explanations([entry]).find({ name, as }, { path, lab, moto: undefined }) !== undefined;
  expect(find("rds:DescribeDBInstances", "Instances.Instance.Port", 0)).toBe(true);
  expect(find("s3:ListBuckets", "Instance.Port", 0, "a call by name")).toBe(true);
  expect(find("s3:ListBuckets", "Instance.Port", 0)).toBe(false);
  expect(find("rds:DescribeDBInstances", "OtherInstance.Port", 0)).toBe(false);
  expect(find("rds:DescribeDBInstances", "Instance.Port", 1)).toBe(false);
});

test("every listed difference names a page of AWS's documentation, and no two say the same", () => {
  const entries = readEntries();
  for (const { page } of entries) expect(page).toMatch(/^https:\/\/docs\.aws\.amazon\.com\//);
  const keys = entries.map(({ calls, member, lab, moto }) => JSON.stringify([calls, member, lab, moto]));
  expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
});
