/** The functions a backup's life needs, their schedules and the bucket, as serverless.yml and infra/overdue.ts have them. */
import type { Plan } from "../../../core/plan/schema.ts";
import type { World } from "../../cloud/world.ts";
import { environmentOf, functionArn, installFunction, installRule } from "../installing.ts";

export const FUNCTIONS = ["snapshot", "backup", "retain", "notify", "overdue"] as const;
export const BUCKET = "understudy-month-state";
/** The rule that looks for backups that are due. */
export const SNAPSHOT_RULE = "snapshot-each-five-minutes";

export async function deploy(world: World, plan: Plan): Promise<void> {
  const { primary, recovery: region } = plan.regions;
  world.state("home", () => ({ region }));
  const environment = environmentOf(world, BUCKET, region);
  const install = (name: string, timeout: number, durable?: number, where = region) =>
    installFunction(world, { region: where, name, code: name, timeout, durable, environment });
  install("snapshot", 60);
  install("backup", 900, 345_600);
  install("retain", 900);
  install("notify", 60);
  install("overdue", 60, undefined, primary);
  const schedule = (where: string, name: string, ScheduleExpression: string, target: string) =>
    installRule(world, where, name, { ScheduleExpression }, functionArn(world, where, target));
  await schedule(region, SNAPSHOT_RULE, "rate(5 minutes)", "snapshot");
  await schedule(region, "retain-each-hour", "rate(1 hour)", "retain");
  await schedule(primary, "overdue-each-two-minutes", "rate(2 minutes)", "overdue");
  const news = { EventPattern: JSON.stringify({ source: ["understudy"] }) };
  await installRule(world, region, "notify-on-news", news, functionArn(world, region, "notify"));
  await world.call("s3", "CreateBucket", { Bucket: BUCKET, CreateBucketConfiguration: { LocationConstraint: region } }, { region });
  await world.call("s3", "PutBucketVersioning", { Bucket: BUCKET, VersioningConfiguration: { Status: "Enabled" } }, { region });
}
