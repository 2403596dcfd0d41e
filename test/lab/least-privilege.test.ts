import { expect, inject, onTestFinished, test } from "vitest";
import { judge } from "../../cli/granted.ts";
import { type ShopDatabase, seedShop } from "../../lab/estate.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { startLab } from "../../lab/lab.ts";
import { endpoint, stateBucket, waitFor } from "../../lab/look.ts";
import { packageWithout } from "../permissions/without.ts";
import { Shop, testPlan } from "./shop.ts";

const REGION = "eu-west-1";
const PRIMARY = "eu-central-1";

test("a wildcard, a star without a reason and a permission nobody uses are each called out", () => {
  const grant = { role: "MoveRole", sid: "Fence", action: "rds:ModifyDBInstance", onEverything: false };
  const use = { role: "MoveRole", action: "rds:ModifyDBInstance", by: ["Fence"] };
  const problem = (change: object, uses = [use]) => judge([{ ...grant, ...change }], uses)[0]?.problem;
  expect(problem({})).toBe(null);
  expect(problem({ action: "rds:*" })).toBe("names no single action");
  expect(problem({ onEverything: true })).toMatch(/is granted on everything/);
  expect(problem({}, [])).toBe("is never used");
  // Allowed by another statement: this one is idle.
  expect(problem({}, [{ ...use, by: ["Promote"] }])).toBe("is never used");
});

/** The shop under a template in which one role lacks one action. */
async function openWithout(role: string, action: string): Promise<Shop> {
  const folder = packageWithout(inject("packageFolder"), `${role} ${action}`);
  const plan = testPlan();
  const lab = await startLab({ folder: throwawayFolder() });
  onTestFinished(() => lab.close());
  const [access] = (await lab.estate(plan)) as [ShopDatabase];
  await seedShop(await endpoint(lab, PRIMARY, "shop-a"), "shop", access);
  await lab.deploy(plan, folder);
  return new Shop(lab, plan, access, await stateBucket(lab, REGION, "understudy-corner-shop-watch"));
}

const refused = (action: string) => new RegExp(`is not authorized to perform: ${action} on resource: `, "i");
const logged = (shop: Shop, name: string, words: RegExp) =>
  waitFor(`${words} in the log of ${name}`, 30_000, () =>
    shop.lab.lambda.logs(REGION, `understudy-corner-shop-${name}`).some((line) => words.test(line)),
  );

test("the move may not fence: it fails honestly, nothing is promoted, nothing is repointed", async () => {
  const shop = await openWithout("MoveRole", "rds:ModifyDBInstance");
  await waitFor("the first backup's end", 30_000, () => shop.mailed("backup done"));
  await shop.lab.rds.faults.kill(PRIMARY, "shop-a");
  await waitFor("the mail", 60_000, () => shop.mailed("failover FAILED"));
  const mail = shop.lab.mail.mails.find(({ subject }) => subject.includes("failover FAILED"));
  expect(mail?.text.replace(/\s+/g, " ")).toMatch(/failed at the stage "fence": User: .* not authorized to perform: rds:ModifyDBInstance/);
  expect(await shop.record()).toMatchObject({ generation: 1, primary: "shop-a", claim: null, lastMove: { outcome: "failed" } });
  for (const operation of ["rds:PromoteReadReplica", "rds:RebootDBInstance", "rds:ModifyDBInstance", "route53:ChangeResourceRecordSets"]) {
    expect(shop.calls(operation), operation).toEqual([]);
  }
});

test("the mailer may not publish: its log says so, no mail is noted as sent, and the backup is done all the same", async () => {
  const shop = await openWithout("NotifyRole", "sns:Publish");
  await logged(shop, "notify", refused("SNS:Publish"));
  expect(shop.mailed("backup done")).toBe(false);
  const { Contents = [] } = await shop.lab.world.call("s3", "ListObjectsV2", { Bucket: shop.bucket, Prefix: "" }, { region: REGION });
  const keys: string[] = Contents.map(({ Key }: { Key: string }) => Key);
  expect(keys.some((key) => key.startsWith("backups/shop/"))).toBe(true);
  expect(keys.some((key) => key.startsWith("told/"))).toBe(false);
});

test("the probe may not write its vote: its log says so, and without a vote a dead primary is refused, not failed over", async () => {
  const shop = await openWithout("ProbeRole", "s3:PutObject");
  await waitFor("the first backup's end", 30_000, () => shop.mailed("backup done"));
  await logged(shop, "probe", refused("s3:PutObject"));
  expect(await shop.vote()).toBe(null);
  await shop.lab.rds.faults.kill(PRIMARY, "shop-a");
  await waitFor("the refusal", 30_000, async () => {
    const [answer] = await shop.invoke<{ rule: number }[]>("watch", {});
    return answer?.rule === 304;
  });
  await waitFor("its mail", 30_000, () => shop.mailed("(rule 304)"));
  expect(await shop.record()).toMatchObject({ generation: 1, claim: null, attempts: 0 });
  expect(shop.calls("rds:PromoteReadReplica")).toEqual([]);
});

test("a function whose role may not have a network interface is not created", async () => {
  await expect(openWithout("ProbeRole", "ec2:DeleteNetworkInterface")).rejects.toThrow(
    /ProbeLambdaFunction .*does not have permissions to call DeleteNetworkInterface on EC2/,
  );
});

test("a function whose role may not write its log runs, and nobody reads what it says", async () => {
  const shop = await openWithout("WatchRole", "logs:PutLogEvents");
  await shop.invoke("watch", {});
  expect(shop.lab.lambda.logs(REGION, "understudy-corner-shop-watch")).toEqual([]);
  expect(shop.lab.world.story.some(({ what }) => /^what understudy-corner-shop-watch writes is lost: .*logs:PutLogEvents/.test(what))).toBe(
    true,
  );
});
