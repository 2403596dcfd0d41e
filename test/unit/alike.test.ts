/** The lab remembers what its policies say of a kind of resource: two of one kind must never be answered differently. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readPlanFile } from "../../infra/plan-file.ts";
import { roles } from "../../infra/roles.ts";
import { likeness } from "../../lab/permissions/alike.ts";
import { judge, type Question } from "../../lab/permissions/evaluate.ts";

const ACCOUNT = "111122223333";

/** As CloudFormation leaves them. */
const DOCUMENTS = Object.entries(roles(readPlanFile("recovery-plan.yml"), "understudy-corner-shop"))
  .filter(([name]) => ["MoveRole", "DrillRole", "BackupRole"].includes(name))
  .flatMap(([name, role]) => {
    const policies = (role as { Properties?: { Policies?: { PolicyDocument: unknown }[] } }).Properties?.Policies ?? [];
    return policies.map(({ PolicyDocument }) => {
      const text = JSON.stringify(PolicyDocument)
        .replace(/\{"Fn::Sub":("[^"]*")\}/g, "$1")
        .replace(/\{"Ref":"(\w+)"\}|\{"Fn::GetAtt":\[[^\]]*\]\}/g, '"arn:aws:sns:eu-west-1:111122223333:topic"')
        .replaceAll("${AWS::Partition}", "aws")
        .replaceAll("${AWS::AccountId}", ACCOUNT)
        .replaceAll("${StateBucket.Arn}", "arn:aws:s3:::state");
      return { name, document: JSON.parse(text) as unknown };
    });
  });

const word = fc.constantFrom("shop-a", "shop-b", "shop-a-g2", "understudy-shop-1", "understudy-drill-x", "other", "record.json");
const region = fc.constantFrom("eu-central-1", "eu-west-1", "us-east-1");
const resource = fc.oneof(
  fc
    .tuple(region, fc.constantFrom("db", "snapshot", "pg", "subgrp"), word)
    .map(([at, kind, id]) => `arn:aws:rds:${at}:${ACCOUNT}:${kind}:${id}`),
  fc
    .tuple(
      fc.constantFrom("state", "elsewhere"),
      fc.constantFrom("databases", "told", "drills", "evidence", "x"),
      word,
      fc.string({ maxLength: 6 }),
    )
    .map(([bucket, prefix, id, end]) => `arn:aws:s3:::${bucket}/${prefix}/${id}/${end.replaceAll(/[^a-z0-9.]/g, "-")}`),
  fc.tuple(region, word).map(([at, id]) => `arn:aws:secretsmanager:${at}:${ACCOUNT}:secret:${id}-AbCdEf`),
);
const ACTIONS: Record<string, string[]> = {
  rds: ["rds:DescribeDBInstances", "rds:DeleteDBInstance", "rds:CreateDBSnapshot", "rds:ModifyDBInstance"],
  s3: ["s3:GetObject", "s3:PutObject"],
  secretsmanager: ["secretsmanager:GetSecretValue"],
};

test("whatever is asked of Understudy's own roles: questions of one kind have one answer", async () => {
  const told = new Map<string, { readonly asked: Question; readonly verdict: string }>();
  let again = 0;
  const property = fc.asyncProperty(
    fc.constantFrom(...DOCUMENTS),
    resource,
    fc.nat(),
    fc.constantFrom("one", "other"),
    async ({ name, document }, about, at, session) => {
      const of = ACTIONS[about.split(":")[2] as string] as string[];
      const question: Question = {
        principal: `arn:aws:sts::${ACCOUNT}:assumed-role/${name}/${session}`,
        account: ACCOUNT,
        action: of[at % of.length] as string,
        resource: about,
        context: { "aws:RequestedRegion": about.split(":")[3] || "eu-west-1", "aws:UserAgent": session },
        policies: { [session]: document },
      };
      const verdict = JSON.stringify(await judge(question).catch((error: Error) => error.message.replace(/^.*cannot be judged/, "")));
      const kind = likeness(question);
      const before = told.get(kind);
      if (before) again++;
      else told.set(kind, { asked: question, verdict });
      expect(verdict, `${JSON.stringify(before?.asked.resource)} and ${about}`).toBe(before?.verdict ?? verdict);
    },
  );
  await fc.assert(property, { numRuns: 1500 });
  // Not each for itself: else nothing was compared.
  expect(again).toBeGreaterThan(100);
  const verdicts = [...told.values()].map(({ verdict }) => verdict.includes('"allowed":true'));
  expect(new Set(verdicts).size).toBe(2);
});
