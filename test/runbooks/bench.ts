/**
 * The runbooks under AWS's own durable testing kit, in skipped time, against a lab with the shop and nothing deployed: the kit calls
 * the very handlers, the handlers call the lab. One bench a test file, because settings are read once a process.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LocalDurableTestRunner } from "@aws/durable-execution-sdk-js-testing";
import { afterAll, beforeAll, inject } from "vitest";
import type { News } from "../../core/news.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import type { Plan } from "../../core/plan/schema.ts";
import type { Caller } from "../../lab/cloud/world.ts";
import { throwawayFolder } from "../../lab/folder.ts";
import { type Lab, type LabOptions, startLab } from "../../lab/lab.ts";
import { functionAddress } from "../../lab/network/addresses.ts";
import { environmentOf } from "../../lab/simulation/installing.ts";
import { testPlan } from "../lab/shop.ts";

export interface Bench {
  readonly lab: Lab;
  readonly plan: Plan;
  /** The state bucket, as the runbooks write it. */
  readonly bucket: string;
  /** News that reached the bus, in order. */
  readonly news: News[];
}

const BUCKET = "understudy-state";

/** Opens a lab before the file's tests and points this process at it, as a function's environment would; `change`: another plan than the tests'. */
export function bench(change?: (text: string) => string, timings?: LabOptions["timings"]): () => Bench {
  let opened: Bench | undefined;
  beforeAll(async () => {
    const plan = change ? changedPlan(change) : testPlan();
    const folder = throwawayFolder();
    const lab = await startLab({ folder, timings });
    await lab.estate(plan);
    await lab.world.call(
      "s3",
      "CreateBucket",
      { Bucket: BUCKET, CreateBucketConfiguration: { LocationConstraint: plan.regions.recovery } },
      { region: plan.regions.recovery },
    );
    await lab.world.call(
      "s3",
      "PutBucketVersioning",
      { Bucket: BUCKET, VersioningConfiguration: { Status: "Enabled" } },
      { region: plan.regions.recovery },
    );
    const { TopicArn } = await lab.world.call("sns", "CreateTopic", { Name: "understudy" }, { region: plan.regions.recovery });
    // Their owners confirm at once: the lab plays them.
    for (const Endpoint of plan.notify.email)
      await lab.world.call("sns", "Subscribe", { TopicArn, Protocol: "email", Endpoint }, { region: plan.regions.recovery });
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: lab.wire.url,
      AWS_REGION: plan.regions.recovery,
      AWS_ACCESS_KEY_ID: "bench",
      AWS_SECRET_ACCESS_KEY: "bench",
      LAB_SOURCE: functionAddress(plan.regions.recovery, "bench"),
      LAB_DNS: `127.0.0.1:${lab.dns.port}`,
      ...environmentOf(lab.world, BUCKET, plan.regions.recovery),
      PLAN_FILE: `${inject("packageFolder")}/../move/plan.json`,
    });
    if (change) {
      process.env.PLAN_FILE = join(folder.path, "plan.json");
      writeFileSync(process.env.PLAN_FILE, JSON.stringify(plan));
    }
    await import("../../lab/runtime/resolver.mjs" as string);
    await import("../../lab/runtime/source.mjs" as string);
    const news: News[] = [];
    const events = lab.world.services.get("events");
    const put = events?.operations.PutEvents;
    if (!events || !put) throw new Error("the lab has no EventBridge");
    // Listening in; the event goes on as it came.
    events.operations.PutEvents = (input, caller) => {
      for (const entry of input.Entries) news.push(JSON.parse(entry.Detail));
      return put(input, caller);
    };
    opened = { lab, plan, bucket: BUCKET, news };
    await LocalDurableTestRunner.setupTestEnvironment({ skipTime: true });
  });
  afterAll(async () => {
    // The lab first: what it still waits for waits on the kit's clock.
    await opened?.lab.close();
    await LocalDurableTestRunner.teardownTestEnvironment();
  });
  return () => {
    if (!opened) throw new Error("the bench is not open yet");
    return opened;
  };
}

function changedPlan(change: (text: string) => string): Plan {
  const parsed = parsePlan(change(readFileSync(inject("planFile"), "utf8")));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.plan;
}

/** Replaces one operation of the lab until the returned function is called. */
export function instead(
  lab: Lab,
  service: string,
  operation: string,
  run: (before: (input: unknown) => unknown) => (input: unknown, caller: Caller) => unknown,
): () => void {
  const { operations } = lab.world.services.get(service) as { operations: Record<string, (input: unknown, caller: Caller) => unknown> };
  const before = operations[operation] as (input: unknown, caller: Caller) => unknown;
  operations[operation] = (input, caller) => run((it) => before(it, caller))(input, caller);
  return () => {
    operations[operation] = before;
  };
}

/**
 * Every look at a line of copies comes so many minutes after the one before, until the returned function is called. The kit skips waits
 * and does not move its clock on by as much.
 */
export function minutesBetweenLooks(lab: Lab, minutes: number): () => void {
  const { fakeClock } = LocalDurableTestRunner as unknown as { fakeClock: { setSystemTime(nowMs: number): void } };
  return instead(lab, "s3", "GetObject", (before) => (input) => {
    if ((input as { Key: string }).Key.startsWith("copies/")) fakeClock.setSystemTime(Date.now() + minutes * 60_000);
    return before(input);
  });
}
