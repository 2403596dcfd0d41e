/** A machine's backups by the deployed bundles, under the roles of the template: taken by the schedule, pruned by the hourly look, watched from the other region. */
import { execFile } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";
import { grantedBy, judge } from "../../cli/granted.ts";
import { packageProduct } from "../../cli/package.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import { OVERDUE } from "../../infra/overdue.ts";
import { stockImageId } from "../../lab/cloud/ec2-stock.ts";
import { userKeyFor } from "../../lab/cloud/iam.ts";
import { waitFor } from "../../lab/look.ts";
import { prove } from "../../lab/permissions/least-privilege.ts";
import { Shop } from "./shop.ts";

const HOME = "eu-central-1";
const AWAY = "eu-west-1";
/** So slow that the function has to wait, and comes back to a story of many steps. */
const SLOW_MS = 3_500;
const KEY = "00000000-0000-4000-8000-00000000c09e";
const WEB = "i-0a1b2c3d4e5f60001";

test("a machine is backed up as the plan says, its oldest set goes, a machine nobody thought of is told; each role has what it needs and no more (R1, R7)", async () => {
  const text = `${readFileSync(inject("planFile"), "utf8")}\nmachines:\n  - { name: web-1, instance: ${WEB}, region: ${HOME}, everyMinutes: 60, copyTo: ${AWAY}, kmsKeyId: ${KEY}, keep: { last: 1, floor: 1 } }\n`;
  const parsed = parsePlan(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const file = join(import.meta.dirname, "..", "..", "dist", "machines-plan.yml");
  writeFileSync(file, text);
  const folder = await packageProduct(file, "dist/machines-product");
  const shop = await Shop.open({ durableFirstPage: 2, timings: { copyMs: SLOW_MS }, product: { plan: parsed.plan, folder } });
  const call = (service: string, operation: string, input: object, region = AWAY) =>
    shop.lab.world.call(service, operation, input, { region });
  const invoke = async (name: string, payload: object, more: object = {}, region = AWAY) => {
    const order = { FunctionName: `understudy-corner-shop-${name}`, Payload: Buffer.from(JSON.stringify(payload)), ...more };
    const answer = await call("lambda", "Invoke", order, region);
    if (answer.FunctionError) throw new Error(`${name} failed: ${Buffer.from(answer.Payload).toString("utf8")}`);
  };
  const listed = async (region: string): Promise<number> =>
    (await call("ec2", "DescribeSnapshots", { OwnerIds: ["self"] }, region)).Snapshots.length;

  // The schedule has started one by itself.
  await waitFor("the first set", 60_000, () => shop.mailed("web-1: backup done"));
  expect([await listed(HOME), await listed(AWAY)]).toEqual([2, 2]);
  await invoke(OVERDUE, {}, {}, HOME);

  const named = { Qualifier: "durable", InvocationType: "Event", DurableExecutionName: "machine-web-1-20301231t0000" };
  await invoke("machine", { machine: "web-1", slot: "20301231t0000" }, named);
  await waitFor("the second set", 60_000, () => shop.mailed("Reference: web-1-20301231t0000-backup-completed"));
  await call("ec2", "RunInstances", { ImageId: stockImageId(AWAY), InstanceType: "t4g.nano", MinCount: 1, MaxCount: 1 }, AWAY);
  await invoke("retain", {});
  await waitFor("the first set to be gone", 30_000, async () => (await listed(HOME)) === 2 && (await listed(AWAY)) === 2);
  await waitFor("the mail about the machine", 30_000, () => shop.lab.mail.mails.some(({ text: of }) => /The EC2 instance i-\w+/.test(of)));

  const notes = shop.lab.permissions.notes.all;
  expect(notes.filter(({ allowed }) => !allowed)).toEqual([]);
  const OURS = /^(ec2:(Describe(Instances|Volumes|Snapshots)|DeleteSnapshot)|s3:(ListAllMyBuckets|GetBucketVersioning))$/;
  const ours = ({ role, sid, action }: { role: string; sid: string; action: string }) =>
    role === "MachineRole" || sid === "StartMachine" || sid === "LookAtKeys" || OURS.test(action);
  const granted = grantedBy(folder).filter(ours);
  expect(granted.some(({ role }) => role === "OverdueRole")).toBe(true);
  expect(judge(granted, notes).filter(({ problem }) => problem !== null)).toEqual([]);
  const proofs = (await prove(shop.lab.world, notes)).filter(({ grant }) => grant.role === "MachineRole");
  expect(proofs.length).toBeGreaterThan(8);
  expect(proofs.filter(({ refusal }) => refusal === undefined).map(({ grant }) => grant)).toEqual([]);

  const words = ["cli/run.mjs", "cli/understudy.ts", "machine", "web-1", "--plan", file];
  const { accessKeyId, secretAccessKey } = userKeyFor(shop.lab.world, "alice");
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: shop.lab.wire.url,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  const { stdout } = await promisify(execFile)(process.execPath, words, { env });
  expect(stdout).toMatch(/^web-1-20301231t0000, as of 20/);
  expect(stdout).toContain("type       t4g.small");
  for (const region of [HOME, AWAY])
    expect(stdout).toMatch(new RegExp(`in ${region}\\n +/dev/sdf +snap-\\w+ .*40 GiB gp3.*\\n +/dev/xvda +snap-`));
  expect(statSync(join(folder, "..", "machine", "index.mjs")).size).toBeLessThan(700_000);
});
