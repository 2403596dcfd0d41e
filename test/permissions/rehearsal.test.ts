/**
 * What the roles are granted, held against what the functions do. UNDERSTUDY_WITHOUT, as in without.ts, takes one action away before
 * the deployment: the first test must then fail. `npm run permissions:removals` tries them all.
 */
import { afterAll, expect, inject, test } from "vitest";
import { grantedBy, judge } from "../../cli/granted.ts";
import { rehearse } from "../../cli/rehearsal.ts";
import type { Lab } from "../../lab/lab.ts";
import { prove } from "../../lab/permissions/least-privilege.ts";
import { testPlan } from "../lab/shop.ts";
import { packageWithout } from "./without.ts";

let rehearsed: Lab | undefined;
afterAll(() => rehearsed?.close());

test("everything the functions do is rehearsed to its end, and no role is refused anything", { timeout: 300_000 }, async () => {
  const taken = process.env.UNDERSTUDY_WITHOUT;
  const packaged = inject("packageFolder");
  rehearsed = await rehearse(testPlan(), taken ? packageWithout(packaged, taken) : packaged);
});

test("every permission of every role is used, and taken away it would be missed: refused, naming role and action", async () => {
  if (!rehearsed) throw new Error("Nothing was rehearsed: this test judges what the one before it left.");
  const granted = grantedBy(inject("packageFolder"));
  const notes = rehearsed.permissions.notes.all;
  expect(judge(granted, notes).filter(({ problem }) => problem !== null)).toEqual([]);

  const proofs = await prove(rehearsed.world, notes);
  expect(proofs.length).toBe(granted.length);
  expect(proofs.filter(({ refusal }) => refusal === undefined).map(({ grant }) => grant)).toEqual([]);
  const fence = proofs.find(({ grant }) => grant.role === "MoveRole" && grant.action === "rds:ModifyDBInstance");
  expect(fence?.refusal).toMatch(
    /^User: arn:aws:sts::111122223333:assumed-role\/understudy-corner-shop-MoveRole-\w+\/understudy-corner-shop-move is not authorized to perform: rds:ModifyDBInstance on resource: arn:aws:rds:eu-central-1:111122223333:db:shop-a because no identity-based policy allows the rds:ModifyDBInstance action$/,
  );
});
