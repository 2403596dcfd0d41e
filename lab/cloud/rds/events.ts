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
  "0031": ["failure", "The DB instance has failed: {}"],
  "0045": ["read replica", "Replication has stopped"],
  "0046": ["read replica", "Replication for the Read Replica resumed"],
  "0057": ["read replica", "Replication streaming has been terminated"],
  "0087": ["notification", "DB instance stopped"],
  "0088": ["notification", "DB instance started"],
  "0202": ["read replica", "Read replica creation failed"],
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

/** The same thing has two names: one in the API, one on the bus. */
const ON_THE_BUS = {
  "db-instance": ["RDS DB Instance Event", "DB_INSTANCE"],
  "db-snapshot": ["RDS DB Snapshot Event", "SNAPSHOT"],
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
