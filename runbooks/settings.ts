/**
 * What a runbook is given: the plan and the names of what was deployed. The only module that reads the environment; it fails at
 * start with the variable's name and the form it expects.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Place } from "../aws/documents.ts";
import type { BackupPlan, BucketPlan, DatabasePlan, MachinePlan, Plan, RecordPlan, SitePlan } from "../core/plan/schema.ts";
import { Problem } from "../core/problem.ts";

export interface Settings {
  readonly plan: Plan;
  /** The region Understudy runs in: the plan's recovery region. */
  readonly region: string;
  readonly account: string;
  readonly state: Place;
  readonly functions: {
    readonly watch: string;
    readonly move: string;
    readonly backup: string;
    readonly restore: string;
    readonly drill: string;
    readonly site: string;
    readonly offsite: string;
    readonly machine: string;
    readonly vault: string;
    readonly bucket: string;
  };
  readonly topicArn: string;
  /** Where this process's probe stands. */
  readonly place: ProbePlace;
  /** STS of the region Understudy runs in; never one that somebody names. */
  readonly identityEndpoint: string;
}

/** "far": the probe in the recovery region. "near": the one in the primary's network. */
export type ProbePlace = "far" | "near";

let settings: Settings | undefined;

export function readSettings(): Settings {
  settings ??= settingsFrom(readPlan(), placeOf(process.env.PROBE_PLACE));
  return settings;
}

function settingsFrom(plan: Plan, place: ProbePlace): Settings {
  const region = plan.regions.recovery;
  // The near probe wakes nobody and tells nobody: it is not given the names.
  const far = (name: string, form: string) => (place === "near" ? "" : variable(name, form));
  return {
    plan,
    region,
    place,
    account: variable("ACCOUNT_ID", "a twelve-digit account id"),
    state: { region, bucket: variable("STATE_BUCKET", "an S3 bucket name") },
    functions: {
      watch: far("WATCH_FUNCTION", "a function name"),
      move: far("MOVE_FUNCTION", "a function name"),
      backup: far("BACKUP_FUNCTION", "a function name"),
      restore: far("RESTORE_FUNCTION", "a function name"),
      drill: far("DRILL_FUNCTION", "a function name"),
      site: far("SITE_FUNCTION", "a function name"),
      offsite: far("OFFSITE_FUNCTION", "a function name"),
      machine: far("MACHINE_FUNCTION", "a function name"),
      vault: far("VAULT_FUNCTION", "a function name"),
      bucket: far("BUCKET_FUNCTION", "a function name"),
    },
    topicArn: far("TOPIC_ARN", "the ARN of an SNS topic"),
    identityEndpoint: process.env.AWS_ENDPOINT_URL_STS ?? process.env.AWS_ENDPOINT_URL ?? regionalSts(region),
  };
}

function placeOf(place = "far"): ProbePlace {
  if (place === "far" || place === "near") return place;
  throw new Problem("NotConfigured", `The environment variable PROBE_PLACE is "${place}", expected "far" or "near".`, {
    hint: "infra/primary-region.ts sets it; deploy again.",
  });
}

/** The partition's own domain (AWS General Reference: service endpoints). */
const regionalSts = (region: string): string => `https://sts.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;

function variable(name: string, form: string): string {
  const value = process.env[name];
  if (!value)
    throw new Problem("NotConfigured", `The environment variable ${name} is not set, expected ${form}.`, {
      hint: "serverless.yml sets it; deploy again.",
    });
  return value;
}

/** The plan travels with the code: checked when it was packaged, the same for every function of one deployment. */
export function readPlan(): Plan {
  const file = process.env.PLAN_FILE ?? join(import.meta.dirname, "plan.json");
  if (!existsSync(file))
    throw new Problem("NotConfigured", `The plan ${file} is missing beside the code.`, {
      hint: "Package again with: npx serverless package",
    });
  return JSON.parse(readFileSync(file, "utf8")) as Plan;
}

export interface Protected {
  readonly name: string;
  readonly plan: DatabasePlan;
  readonly record: RecordPlan;
  readonly backup: BackupPlan | undefined;
}

/** One database of the plan with all that belongs to it; an unknown name is an error that lists the known ones. */
export function protectedDatabase(plan: Plan, name: string): Protected {
  const database = plan.databases[name];
  const record = plan.records.find((entry) => entry.database === name);
  if (!database || !record) {
    throw new Problem("UnknownDatabase", `The plan has no database "${name}".`, {
      hint: `Name one of: ${Object.keys(plan.databases).join(", ")}.`,
    });
  }
  return { name, plan: database, record, backup: plan.backups.find((entry) => entry.database === name) };
}

/** All of them; of a large plan each is found at once. */
export function protectedDatabases(plan: Plan): Protected[] {
  const first = <Of extends { readonly database: string }>(all: readonly Of[]) =>
    new Map(all.toReversed().map((each) => [each.database, each]));
  const [records, backups] = [first(plan.records), first(plan.backups)];
  return Object.entries(plan.databases).map(([name, database]) => {
    const record = records.get(name);
    return record ? { name, plan: database, record, backup: backups.get(name) } : protectedDatabase(plan, name);
  });
}

/** Of the plan; an unknown name is an error that lists the known ones. */
export const sitePlan = (plan: Plan, name: string): SitePlan => named("Site", plan.sites, name);
export const machinePlan = (plan: Plan, name: string): MachinePlan => named("Machine", plan.machines, name);
export const bucketPlan = (plan: Plan, name: string): BucketPlan => named("Bucket", plan.buckets, name);

function named<Of extends { readonly name: string }>(kind: "Site" | "Machine" | "Bucket", all: readonly Of[] = [], name: string): Of {
  const found = all.find((each) => each.name === name);
  if (found) return found;
  const what = kind.toLowerCase();
  throw new Problem(`Unknown${kind}`, `The plan has no ${what} "${name}".`, {
    hint: all.length > 0 ? `Name one of: ${all.map((each) => each.name).join(", ")}.` : `Add it under ${what}s in the plan, and deploy.`,
  });
}
