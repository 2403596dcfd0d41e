// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** A fleet for `npm run bench:backups`: its plan, and an RDS that lists it. Nothing is stored: each page is made when it is asked for. */
import type { Plan } from "../core/plan/schema.ts";
import { slotAt, snapshotName } from "../core/slots.ts";
import type { Service } from "../lab/cloud/world.ts";

const DAY_MS = 86_400_000;
const PAGE = 100;
const EVERY_MINUTES = 1440;

const nameOf = (database: number): string => `db-${String(database).padStart(5, "0")}`;

/** Of a plan's first database so many, each backed up daily; nothing expires. */
export function fleetPlan(plan: Plan, databases: number): Plan {
  const [[first, database]] = Object.entries(plan.databases) as [[string, Plan["databases"][string]]];
  const record = plan.records.find((each) => each.database === first) as Plan["records"][number];
  const names = Array.from({ length: databases }, (_, index) => nameOf(index));
  const { primary, recovery } = plan.regions;
  return {
    ...plan,
    databases: Object.fromEntries(
      names.map((name) => [name, { ...database, primary: { instance: `${name}-a`, region: primary }, standbys: [] }]),
    ),
    records: names.map((name) => ({ ...record, name: `${name}.internal`, database: name })),
    backups: names.map((name) => ({ database: name, everyMinutes: EVERY_MINUTES, copyTo: recovery })),
    quotas: { manualSnapshots: 100_000_000 },
  };
}

export interface Fleet {
  readonly plan: Plan;
  readonly databases: number;
  /** Snapshots of each, and as many copies. */
  readonly points: number;
  readonly nowMs: number;
  readonly account: string;
}

/** One call a page, of snapshots and instances (a region without any has one page, which is empty); and of each catalogue one to read it and one to write it. */
export function callsNeeded({ databases, points }: Fleet): number {
  const pages = (items: number) => Math.ceil(items / PAGE);
  return 2 * pages(databases * points) + pages(databases) + 1 + 2 * databases;
}

export function fleetRds({ plan, databases, points, nowMs, account }: Fleet): Service {
  const { primary, recovery } = plan.regions;
  const page = <Item>(
    input: any,
    count: number,
    make: (index: number) => Item,
  ): { readonly Marker: string | undefined; readonly items: Item[] } => {
    const from = Number(input.Marker ?? 0);
    const to = Math.min(count, from + PAGE);
    return { Marker: to < count ? String(to) : undefined, items: Array.from({ length: to - from }, (_, index) => make(from + index)) };
  };
  const snapshot = (region: string, index: number) => {
    const database = nameOf(Math.floor(index / points));
    const atMs = nowMs - 3_600_000 - (index % points) * DAY_MS;
    const slot = slotAt(atMs, { everyMinutes: EVERY_MINUTES });
    const id = snapshotName(database, slot);
    const arnIn = (where: string) => `arn:aws:rds:${where}:${account}:snapshot:${id}`;
    const tags = { "understudy:plan": plan.name, "understudy:database": database, "understudy:slot": slot };
    return {
      DBSnapshotIdentifier: id,
      DBSnapshotArn: arnIn(region),
      DBInstanceIdentifier: `${database}-a`,
      Status: "available",
      SnapshotType: "manual",
      PercentProgress: 100,
      Encrypted: false,
      SnapshotCreateTime: new Date(atMs),
      OriginalSnapshotCreateTime: new Date(atMs),
      ...(region === recovery ? { SourceRegion: primary, SourceDBSnapshotIdentifier: arnIn(primary) } : {}),
      TagList: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
    };
  };
  const instance = (index: number) => ({ DBInstanceIdentifier: `${nameOf(index)}-a`, DBInstanceStatus: "available", TagList: [] });
  return {
    name: "rds",
    operations: {
      DescribeDBSnapshots(input, { region }) {
        const { Marker, items } = page(input, databases * points, (index) => snapshot(region, index));
        return { Marker, DBSnapshots: items };
      },
      DescribeDBInstances(input, { region }) {
        const { Marker, items } = page(input, region === primary ? databases : 0, instance);
        return { Marker, DBInstances: items };
      },
    },
  };
}
