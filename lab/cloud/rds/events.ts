/**
 * RDS's events: kept for DescribeEvents and sent to the region's EventBridge bus, best effort, as AWS sends them.
 * There is no event that says "promoted": AWS has none.
 */
import type { Operation, World } from "../world.ts";
import { refuse } from "./errors.ts";
import { page } from "./input.ts";
import { type EventRecord, regionState } from "./state.ts";

/** Number: category, message. `{}` stands for the detail given with the event. */
const INSTANCE_EVENTS = {
  "0001": ["backup", "Backing up DB instance"],
  "0002": ["backup", "Finished DB instance backup"],
  "0003": ["deletion", "DB instance deleted"],
  "0004": ["availability", "DB instance shutdown"],
  "0005": ["creation", "DB instance created"],
  "0006": ["availability", "DB instance restarted"],
  "0007": ["low storage", "Allocated storage has been exhausted"],
  "0013": ["failover", "Multi-AZ instance failover started"],
  "0015": ["failover", "Multi-AZ failover to standby complete - DNS propagation may take a few minutes"],
  "0024": ["configuration change", "Applying modification to convert to a Multi-AZ DB instance"],
  "0025": ["configuration change", "Finished applying modification to convert to a Multi-AZ DB instance"],
  "0029": ["configuration change", "Finished applying modification to convert to a standard (Single-AZ) DB instance"],
  "0030": ["configuration change", "Applying modification to convert to a standard (Single-AZ) DB instance"],
  "0031": ["failure", "The DB instance has failed: {}"],
  "0034": ["failover", "Abandoning user requested failover since a failover recently occurred on the database instance"],
  "0045": ["read replica", "Replication has stopped"],
  "0046": ["read replica", "Replication for the Read Replica resumed"],
  "0049": ["failover", "Multi-AZ instance failover completed"],
  "0050": ["failover", "Multi-AZ instance activation started"],
  "0051": ["failover", "Multi-AZ instance activation completed"],
  "0052": ["recovery", "Multi-AZ instance recovery started. Recovery time will vary with the amount of data to be recovered"],
  "0053": ["recovery", "Multi-AZ instance recovery completed. Pending failover or activation"],
  "0057": ["read replica", "Replication streaming has been terminated"],
  "0087": ["notification", "DB instance stopped"],
  "0088": ["notification", "DB instance started"],
  "0202": ["read replica", "Read replica creation failed"],
  "0390": ["notification, global database", "Attempt to block writes for DB cluster {} succeeded"],
  "0391": ["notification, global database", "Attempt to block writes for DB cluster {} timed out"],
} as const;

const SNAPSHOT_EVENTS = {
  "0040": ["creation", "Creating manual snapshot"],
  "0041": ["deletion", "Deleted user snapshot"],
  "0042": ["creation", "Manual snapshot created"],
  "0043": ["restoration", "Restored from snapshot {}"],
  "0059": ["notification", "Started the copy of the snapshot {}"],
  "0060": ["notification", "Finished the copy of the snapshot {}"],
  "0061": ["notification", "Canceled the copy of the snapshot {}"],
  "0090": ["creation", "Creating automated snapshot"],
  "0091": ["creation", "Automated snapshot created"],
  "0190": ["notification", "Canceled the copy of the snapshot {}"],
  "0196": ["notification", "Started the copy of the snapshot {}"],
  "0197": ["notification", "Finished the copy of the snapshot {}"],
} as const;

const CLUSTER_EVENTS = {
  "0069": ["failover", "Cluster failover failed, check the health of your cluster instances and try again"],
  "0070": ["failover", "Promoting previous primary again: {}"],
  "0071": ["failover", "Completed failover to DB instance: {}"],
  "0072": ["failover", "Started same AZ failover to DB instance: {}"],
  "0073": ["failover", "Started cross AZ failover to DB instance: {}"],
  "0150": ["notification", "DB cluster stopped"],
  "0151": ["notification", "DB cluster started"],
  "0170": ["creation", "DB cluster created"],
  "0171": ["deletion", "DB cluster deleted"],
  "0181": ["global failover", "Global switchover to DB cluster {} started"],
  "0182": ["global failover", "Old primary DB cluster {} successfully shut down"],
  "0184": ["global failover", "New primary DB cluster {} was successfully promoted"],
  "0185": ["global failover", "Global switchover to DB cluster {} finished"],
  "0186": ["global failover", "Global switchover to DB cluster {} is cancelled"],
  "0187": ["global failover", "Global switchover to DB cluster {} failed"],
  "0238": ["global failover", "Global failover to DB cluster {} completed"],
  "0239": ["global failover", "Global failover to DB cluster {} failed"],
  "0240": ["global failover", "Started resynchronizing members of DB cluster {} after global failover"],
  "0241": ["global failover", "Finished resynchronizing members of DB cluster {} after global failover"],
  "0397": ["global failover", "Aurora finished changing the DNS name that the global writer endpoint resolves to"],
} as const;

/** Copies and deletions of cluster snapshots have no documented event, unlike those of instances. */
const CLUSTER_SNAPSHOT_EVENTS = {
  "0074": ["backup", "Creating manual cluster snapshot"],
  "0075": ["backup", "Manual cluster snapshot created"],
} as const;

interface Subject {
  id: string;
  arn: string;
  region: string;
}

export function instanceEvent(world: World, subject: Subject, number: keyof typeof INSTANCE_EVENTS, detail = ""): void {
  const [category, message] = INSTANCE_EVENTS[number];
  record(world, subject, "db-instance", number, category, message.replace("{}", detail));
}

export function snapshotEvent(world: World, subject: Subject, number: keyof typeof SNAPSHOT_EVENTS, detail = ""): void {
  const [category, message] = SNAPSHOT_EVENTS[number];
  record(world, subject, "db-snapshot", number, category, message.replace("{}", detail));
}

export function clusterEvent(world: World, subject: Subject, number: keyof typeof CLUSTER_EVENTS, detail = ""): void {
  const [category, message] = CLUSTER_EVENTS[number];
  record(world, subject, "db-cluster", number, category, message.replace("{}", detail));
}

export function clusterSnapshotEvent(world: World, subject: Subject, number: keyof typeof CLUSTER_SNAPSHOT_EVENTS): void {
  const [category, message] = CLUSTER_SNAPSHOT_EVENTS[number];
  record(world, subject, "db-cluster-snapshot", number, category, message);
}

/** The same thing has two names: one in the API, one on the bus. */
const ON_THE_BUS = {
  "db-instance": ["RDS DB Instance Event", "DB_INSTANCE"],
  "db-snapshot": ["RDS DB Snapshot Event", "SNAPSHOT"],
  "db-cluster": ["RDS DB Cluster Event", "CLUSTER"],
  "db-cluster-snapshot": ["RDS DB Cluster Snapshot Event", "CLUSTER_SNAPSHOT"],
} as const;

function record(
  world: World,
  { id, arn, region }: Subject,
  sourceType: EventRecord["sourceType"],
  number: string,
  category: string,
  message: string,
): void {
  const at = world.now();
  const eventId = `RDS-EVENT-${number}`;
  const { events } = regionState(world, region);
  events.push({ at, eventId, sourceType, sourceId: id, sourceArn: arn, categories: [category], message });
  if (events.length > 2000) events.splice(0, 500);
  if (world.closed || !world.services.has("events")) return;
  const [detailType, busType] = ON_THE_BUS[sourceType];
  const time = new Date(at).toISOString();
  const event = {
    version: "0",
    id: uuid(world),
    "detail-type": detailType,
    source: "aws.rds",
    account: world.account,
    time: time.replace(/\.\d+Z$/, "Z"),
    region,
    resources: [arn],
    detail: {
      EventCategories: [category],
      SourceType: busType,
      SourceArn: arn,
      Date: time,
      Message: message,
      SourceIdentifier: id,
      EventID: eventId,
    },
  };
  world.call("events", "LabDeliver", { event }, { region, principal: "rds.amazonaws.com" }).catch((error: Error) => {
    world.tell({ kind: "lab", region, service: "rds", what: `${eventId} for ${id} did not reach the bus: ${error.message}` });
  });
}

function uuid(world: World): string {
  return world.id(32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const DAYS_KEPT = 14;

export function eventOperations(world: World): Record<string, Operation> {
  return {
    DescribeEvents(input, { region }) {
      const now = world.now();
      const end = input.EndTime ? new Date(input.EndTime).getTime() : now;
      const start = input.StartTime ? new Date(input.StartTime).getTime() : end - (input.Duration ?? 60) * 60_000;
      if (start > end) throw refuse("InvalidParameterValue", "StartTime must be before EndTime.");
      if (input.SourceIdentifier && !input.SourceType)
        throw refuse("InvalidParameterCombination", "SourceType must be given with SourceIdentifier.");
      const oldest = Math.max(start, now - DAYS_KEPT * 86_400_000);
      const numbered = regionState(world, region)
        .events.map((event, index) => ({ ...event, order: String(index).padStart(6, "0") }))
        .filter((event) => event.at >= oldest && event.at <= end)
        .filter((event) => !input.SourceType || event.sourceType === input.SourceType)
        .filter((event) => !input.SourceIdentifier || event.sourceId === input.SourceIdentifier.toLowerCase())
        .filter((event) => !input.EventCategories?.length || event.categories.some((category) => input.EventCategories.includes(category)));
      const { page: shown, marker } = page(numbered, (event) => event.order, input);
      return {
        Marker: marker,
        Events: shown.map((event) => ({
          SourceIdentifier: event.sourceId,
          SourceType: event.sourceType,
          SourceArn: event.sourceArn,
          Message: event.message,
          EventCategories: event.categories,
          Date: new Date(event.at),
        })),
      };
    },
  };
}
