/**
 * Multi-AZ instances: the failover to the standby in the second zone, by itself or asked for, and what happens while there is none.
 *
 * The synchronous standby is made in the simplest way that keeps its promise: its storage is the primary's own data folder, which a
 * new server opens on a new host once the old one is dead. What was acknowledged is in it, so no acknowledged row can be lost.
 */
import { instanceEvent } from "./events.ts";
import { exists, notRestarted, type Rds, setStatus } from "./lifecycle.ts";
import { findParameterGroup, settingsOf } from "./parameters.ts";
import type { InstanceRecord } from "./state.ts";

/** The share of a failover that passes before anybody notices that the primary is gone. */
const UNNOTICED = 0.25;

/** Looks after a Multi-AZ instance that was killed or hangs: RDS fails it over without being asked. Single-AZ ones are left as they are. */
export function watchZone(rds: Rds, record: InstanceRecord): void {
  if (!record.secondZone || !record.fault) return;
  const { world, fleet } = rds;
  const notice = async (): Promise<void> => {
    if (!exists(world, record) || !record.fault || record.failingOver) return;
    if (hasStandby(rds, record)) await failOver(rds, record);
    else await recover(rds, record);
  };
  fleet.work(world.timings.failoverMs * UNNOTICED, `noticing that ${record.id} is gone`, record.region, notice, () =>
    ended(rds, record, () => notRestarted(rds, record)),
  );
}

/** RebootDBInstance with ForceFailover. Soon after another failover it is given up, with an event and no error. */
export function failOverOnRequest(rds: Rds, record: InstanceRecord): void {
  const { world, fleet } = rds;
  setStatus(world, record, "rebooting");
  const move = async (): Promise<void> => {
    if (hasStandby(rds, record)) await failOver(rds, record);
    else instanceEvent(world, record, "0034");
    if (exists(world, record)) setStatus(world, record, "available");
  };
  fleet.work(0, `failing over ${record.id}`, record.region, move, () => ended(rds, record, () => notRestarted(rds, record)));
}

/** A standby that has just become the primary leaves its place empty for a while. */
function hasStandby({ world }: Rds, record: InstanceRecord): boolean {
  return record.failedOverAt === undefined || world.now() - record.failedOverAt >= world.timings.standbyMs;
}

/** The name stays, the address behind it changes, the zones change places. */
async function failOver(rds: Rds, record: InstanceRecord): Promise<void> {
  const { world, fleet } = rds;
  record.failingOver = true;
  world.tell({
    kind: "state",
    region: record.region,
    service: "rds",
    what: `${record.id} fails over from ${record.zone} to ${record.secondZone}`,
    detail: { instance: record.arn, from: record.zone, to: record.secondZone },
  });
  instanceEvent(world, record, "0013");
  // The old primary can write no more before the new one begins.
  await fleet.cluster(record).kill();
  await fleet.disconnect(record);
  await fleet.pause(world.timings.failoverMs * (1 + world.random()) - world.timings.failoverMs * UNNOTICED);
  if (!exists(world, record)) return;
  await open(rds, record);
  const left = record.zone;
  record.zone = record.secondZone ?? left;
  record.secondZone = left;
  await fleet.connect(record, { elsewhere: true });
  record.failedOverAt = world.now();
  instanceEvent(world, record, "0015");
  instanceEvent(world, record, "0006");
  ended(rds, record);
  world.tell({
    kind: "state",
    region: record.region,
    service: "rds",
    what: `${record.id} has failed over to ${record.zone}`,
    detail: { instance: record.arn, zone: record.zone },
  });
  instanceEvent(world, record, "0049");
}

/** No standby to go to: the instance is recovered where it is, which takes longer. */
async function recover(rds: Rds, record: InstanceRecord): Promise<void> {
  const { world, fleet } = rds;
  record.failingOver = true;
  instanceEvent(world, record, "0052");
  await fleet.cluster(record).kill();
  await fleet.pause(world.timings.failoverMs * 2);
  if (!exists(world, record)) return;
  instanceEvent(world, record, "0053");
  instanceEvent(world, record, "0050");
  await open(rds, record);
  ended(rds, record);
  instanceEvent(world, record, "0051");
}

async function open({ world, fleet }: Rds, record: InstanceRecord): Promise<void> {
  record.fault = undefined;
  record.settings = settingsOf(findParameterGroup(world, record.region, record.parameterGroup.name));
  record.parameterGroup.status = "in-sync";
  await fleet.launch(record);
}

function ended(rds: Rds, record: InstanceRecord, otherwise: () => void = () => {}): void {
  record.failingOver = undefined;
  otherwise();
  // What struck it meanwhile is seen now.
  watchZone(rds, record);
}
