/**
 * EC2's and EBS's events on the region's bus. Their ARNs are as odd as AWS prints them: in some the region stands in the account's place,
 * so that a reader can only trust what follows the last slash. They are sent once and kept nowhere.
 */
import type { InstanceRecord, Place, SnapshotRecord } from "./ec2-state.ts";
import { uuid } from "./ids.ts";
import type { World } from "./world.ts";

const seconds = (at: number) => new Date(at).toISOString().replace(/\.\d+Z$/, "Z");

/** Any service's event, in its envelope, on the default bus of the place. */
export function putServiceEvent(
  world: World,
  { account, region }: Place,
  fields: { source: string; detailType: string; resources: string[]; detail: Record<string, unknown> },
): void {
  if (world.closed || !world.services.has("events")) return;
  const { source, detailType, resources, detail } = fields;
  const event = {
    version: "0",
    id: uuid(world),
    "detail-type": detailType,
    source,
    account,
    time: seconds(world.now()),
    region,
    resources,
    detail,
  };
  world
    .call("events", "LabDeliver", { event }, { region, principal: `${source.replace("aws.", "")}.amazonaws.com` })
    .catch((error: Error) => {
      world.tell({ kind: "lab", region, service: source, what: `an event (${detailType}) did not reach the bus: ${error.message}` });
    });
}

export function instanceEvent(world: World, place: Place, { id, state }: InstanceRecord): void {
  const resources = [`arn:aws:ec2:${place.region}:${place.account}:instance/${id}`];
  putServiceEvent(world, place, {
    source: "aws.ec2",
    detailType: "EC2 Instance State-change Notification",
    resources,
    detail: { "instance-id": id, state },
  });
}

export function volumeEvent(
  world: World,
  place: Place,
  id: string,
  event: "createVolume" | "deleteVolume",
  result: string,
  cause = "",
): void {
  const resources = [`arn:aws:ec2:${place.region}:${place.account}:volume/${id}`];
  const detail = { event, result, cause, "request-id": uuid(world) };
  putServiceEvent(world, place, { source: "aws.ec2", detailType: "EBS Volume Notification", resources, detail });
}

/** Of one snapshot that is done or lost. */
export function snapshotEvent(world: World, snapshot: SnapshotRecord, cause = ""): void {
  const { id, region, owner, copy, volumeId, state, startedAt } = snapshot;
  const succeeded = state === "completed";
  putServiceEvent(
    world,
    { account: owner, region },
    {
      source: "aws.ec2",
      detailType: "EBS Snapshot Notification",
      resources: [`arn:aws:ec2:${region}::snapshot/${id}`],
      detail: {
        event: copy ? "copySnapshot" : "createSnapshot",
        result: succeeded ? "succeeded" : "failed",
        cause,
        "request-id": "",
        snapshot_id: `arn:aws:ec2::${region}:snapshot/${id}`,
        source: copy ? `arn:aws:ec2:${copy.fromRegion}::snapshot/${copy.fromId}` : `arn:aws:ec2::${region}:volume/${volumeId}`,
        startTime: seconds(startedAt),
        endTime: seconds(world.now()),
        ...(copy && succeeded ? { Incremental: String(copy.incremental) } : {}),
      },
    },
  );
}

/** Of all snapshots of one CreateSnapshots call, together. */
export function snapshotSetEvent(world: World, snapshots: readonly SnapshotRecord[], cause: string): void {
  const [first] = snapshots;
  if (!first) return;
  const arn = (id: string) => `arn:aws:ec2::${first.region}:snapshot/${id}`;
  putServiceEvent(
    world,
    { account: first.owner, region: first.region },
    {
      source: "aws.ec2",
      detailType: "EBS Multi-Volume Snapshots Completion Status",
      resources: snapshots.map(({ id }) => arn(id)),
      detail: {
        event: "createSnapshots",
        result: cause ? "failed" : "succeeded",
        cause,
        "request-id": "",
        startTime: seconds(first.startedAt),
        endTime: seconds(world.now()),
        snapshots: snapshots.map(({ id, volumeId, state }) => ({
          snapshot_id: arn(id),
          source: `arn:aws:ec2::${first.region}:volume/${volumeId}`,
          status: state,
        })),
      },
    },
  );
}
