/** The month's plan and estate: four databases with calendars of their own, their keys and their instances. */
import type { BackupPlan, Plan } from "../../../core/plan/schema.ts";
import { newKey } from "../../cloud/kms-keys.ts";
import { arnOf, hex, type InstanceRecord, regionState } from "../../cloud/rds/state.ts";
import type { World } from "../../cloud/world.ts";

/** As the simulation's world calls its account. */
const ACCOUNT = "111122223333";
const KEY_IDS = { copies: "00000000-0000-4000-8000-00000000c091", home: "00000000-0000-4000-8000-0000000040ae" } as const;

export interface Keys {
  /** ARN of the recovery region's key, which copies lie under. */
  readonly copies: string;
  /** ARN of the primary region's, which instances and their snapshots lie under. */
  readonly home: string;
}

export const keysOf = ({ regions }: Plan): Keys => ({
  copies: `arn:aws:kms:${regions.recovery}:${ACCOUNT}:key/${KEY_IDS.copies}`,
  home: `arn:aws:kms:${regions.primary}:${ACCOUNT}:key/${KEY_IDS.home}`,
});

type Calendar = Omit<BackupPlan, "database" | "copyTo">;

const CALENDARS: Readonly<Record<string, Calendar>> = {
  shop: { everyMinutes: 360, keep: { last: 4, daily: 7, weekly: 4, monthly: 3 } },
  users: { everyMinutes: 60, keep: { last: 6, hourly: 12, daily: 7 } },
  stock: { everyMinutes: 1440, at: ["02:30"], timeZone: "Europe/Berlin", keep: { daily: 7, weekly: 4 } },
  audit: { everyMinutes: 720, keep: { last: 2, daily: 5, floor: 4 } },
};
/** Theirs are encrypted, and so are their copies. */
const SEALED = ["shop", "audit"];

/** Of a plan's first database four, each with a primary and no standby. */
export function monthPlan(plan: Plan): Plan {
  const [[name, database]] = Object.entries(plan.databases) as [[string, Plan["databases"][string]]];
  const record = plan.records.find((each) => each.database === name) as Plan["records"][number];
  const names = Object.keys(CALENDARS);
  return {
    ...plan,
    databases: Object.fromEntries(
      names.map((each) => [each, { ...database, primary: { instance: `${each}-a`, region: plan.regions.primary }, standbys: [] }]),
    ),
    records: names.map((each) => ({ ...record, name: `${each}.shop.internal`, database: each })),
    backups: names.map((each) => ({
      ...(CALENDARS[each] as Calendar),
      database: each,
      copyTo: plan.regions.recovery,
      ...(SEALED.includes(each) ? { kmsKeyId: keysOf(plan).copies } : {}),
    })),
  };
}

/** What a plan needs to be there: keys and instances, all well. */
export function raise(world: World, plan: Plan): void {
  const { primary, recovery } = plan.regions;
  newKey(world, world.account, recovery, "copies", undefined, KEY_IDS.copies);
  newKey(world, world.account, primary, "home", undefined, KEY_IDS.home);
  for (const [name, { primary: at }] of Object.entries(plan.databases))
    regionState(world, at.region).instances[at.instance] = instance(world, at, SEALED.includes(name) ? keysOf(plan).home : undefined);
}

const instance = (
  world: World,
  { instance: id, region }: { readonly instance: string; readonly region: string },
  kmsKeyId?: string,
): InstanceRecord => ({
  id,
  arn: arnOf(world, region, "db", id),
  region,
  resourceId: `db-${hex(26, region, id).toUpperCase()}`,
  status: "available",
  createdAt: world.now(),
  engine: "postgres",
  engineVersion: "18.4",
  instanceClass: "db.t4g.small",
  storageGb: 20,
  storageType: "gp3",
  ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
  masterUser: "shopkeeper",
  port: 5432,
  zone: `${region}a`,
  retentionDays: 7,
  backupWindow: "03:00-03:30",
  maintenanceWindow: "sun:04:30-sun:05:00",
  groups: [],
  parameterGroup: { name: "default.postgres18", status: "in-sync" },
  settings: {},
  pending: {},
  deletionProtection: true,
  copyTagsToSnapshot: false,
  publiclyAccessible: false,
  tags: [],
  replicas: [],
  hasData: true,
  partitions: {},
});
