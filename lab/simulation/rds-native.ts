/**
 * What RDS moves by itself: Multi-AZ instances and clusters inside a region, global databases between regions. A failover inside a region
 * loses nothing: there is one server and one storage, and the place it is reached at changes. How calls are answered is in
 * rds-service-native.ts.
 */
import type { Instance, SimulatedRds } from "./rds.ts";
import type { Server } from "./server.ts";

export interface Native {
  readonly kind: "multi-az" | "cluster";
  /** Addresses: of both zones, or of a cluster's members. */
  readonly places: readonly string[];
  /** Which of them writes. */
  at: number;
  /** What the addresses of a cluster's other members lead to. */
  readonly reader: Server | undefined;
  failingOver: boolean;
  /** Until then RDS has no standby to go to. */
  alone: number;
}

export interface GlobalDatabase {
  readonly id: string;
  readonly clusters: readonly Instance[];
  writer: Instance;
  status: "available" | "switching-over" | "failing-over";
  move: {
    status: "pending" | "failing-over" | "cancelling";
    readonly from: Instance;
    readonly to: Instance;
    readonly loss: boolean;
  } | null;
  /** Clusters that may have strayed and are to be made again. */
  readonly resync: Set<Instance>;
}

/** A minute or so after a failover the next one has nowhere to go. */
const NEW_STANDBY = [60, 300] as const;
/** Both zones, or all members, are gone now and then. */
const TAKES_OVER = 0.85;
/** How long a switchover waits for its target. */
const CATCH_UP_MS = 120_000;

const other = (address: string, n: number): string => address.replace(/^10\.0\.0\./, `10.0.${n}.`);

export function makeMultiAz(rds: SimulatedRds, instance: Instance): void {
  const places = [instance.address, other(instance.address, 1)];
  instance.native = { kind: "multi-az", places, at: 0, reader: undefined, failingOver: false, alone: rds.clock.nowMs };
}

export function makeCluster(rds: SimulatedRds, instance: Instance, members: number): void {
  const places = [instance.address, ...Array.from({ length: members - 1 }, (_, at) => other(instance.address, at + 1))];
  const reader = rds.newServer(`${instance.id}-reader`);
  reader.inRecovery = true;
  reader.admits = instance.server.admits;
  instance.native = { kind: "cluster", places, at: 0, reader, failingOver: false, alone: rds.clock.nowMs };
}

export function makeGlobal(rds: SimulatedRds, id: string, writer: Instance, others: readonly Instance[]): void {
  for (const each of others) each.source = undefined;
  rds.global = { id, clusters: [writer, ...others], writer, status: "available", move: null, resync: new Set() };
}

/** Another cluster of a global database is not reached by its writer's name. */
export const answersByName = ({ global }: SimulatedRds, instance: Instance): boolean =>
  !global?.clusters.includes(instance) || global.writer === instance;

/** Whether RDS has somewhere to go. */
export const hasStandby = ({ clock }: SimulatedRds, { native }: Instance): boolean =>
  native !== undefined && native.places.length > 1 && !native.failingOver && native.alone <= clock.nowMs;

/** RDS notices that the host is gone, or that nothing comes out of it any more. */
export function failsOverSoon(rds: SimulatedRds, instance: Instance): void {
  if (hasStandby(rds, instance) && rds.chance.happens(TAKES_OVER)) void failOver(rds, instance, [10, 120]);
}

/** A frozen host is taken for dead after a while, or not. */
export function noticeHang(rds: SimulatedRds, instance: Instance): void {
  if (!instance.native) return;
  rds.clock.after(rds.chance.whole(30, 120) * 1000, () => {
    if (instance.server.hung) failsOverSoon(rds, instance);
  });
}

/** The name stays, and what it leads to is somewhere else. A cluster's may lead to the former writer for a moment. */
export async function failOver(rds: SimulatedRds, instance: Instance, seconds: readonly [number, number]): Promise<void> {
  const { native, server } = instance;
  if (!native) return;
  const { clock, chance } = rds;
  const cluster = native.kind === "cluster";
  native.failingOver = true;
  server.stop();
  rds.tell(instance, "is failed over by RDS");
  rds.event(instance, cluster ? "0073" : "0013", "failover", cluster ? "Started cross AZ failover" : "Multi-AZ instance failover started");
  await clock.sleep(chance.whole(...seconds) * 1000);
  native.at = (native.at + 1) % native.places.length;
  native.alone = clock.nowMs + chance.whole(...NEW_STANDBY) * 1000;
  instance.hostBackAtMs = 0;
  native.failingOver = false;
  // Fenced and stopped meanwhile, it stays down.
  if (instance.status !== "stopping" && instance.status !== "stopped") server.start();
  const named = () => {
    instance.address = native.places[native.at] as string;
  };
  if (cluster) clock.after(chance.whole(0, 8) * 1000, named);
  else named();
  rds.tell(instance, `runs at ${native.places[native.at]}`, { failedOver: instance.id });
  rds.event(instance, cluster ? "0071" : "0049", "failover", cluster ? "Completed failover" : "Multi-AZ instance failover completed");
}

/** RebootDBInstance with ForceFailover. Soon after another one it is given up (RDS-EVENT-0034). */
export async function failOverOnRequest(rds: SimulatedRds, instance: Instance): Promise<void> {
  const possible = hasStandby(rds, instance);
  rds.status(instance, "rebooting");
  if (possible) await failOver(rds, instance, [5, 60]);
  else {
    await rds.clock.sleep(rds.chance.whole(1, 20) * 1000);
    rds.event(instance, "0034", "failover", "Abandoning user requested failover");
  }
  rds.status(instance, "available");
}

/** Writes are blocked until the target has everything, or until RDS gives it up. */
export async function switchOverGlobal(rds: SimulatedRds, global: GlobalDatabase, target: Instance): Promise<void> {
  const { clock, chance } = rds;
  const old = global.writer;
  const both = [old, target];
  global.status = "switching-over";
  global.move = { status: "pending", from: old, to: target, loss: false };
  await clock.sleep(chance.whole(2, 20) * 1000);
  global.move.status = "failing-over";
  for (const each of both) rds.status(each, "switching-over");
  old.server.blockedBy.add("switchover");
  for (const session of [...old.server.sessions]) old.server.end(session);
  const arrived = await caughtUp(rds, old, target);
  if (arrived) {
    old.server.stop();
    writes(rds, global, target);
    old.server.remake(target.server);
    old.server.start();
  } else {
    global.move.status = "cancelling";
    await clock.sleep(chance.whole(2, 20) * 1000);
  }
  old.server.blockedBy.delete("switchover");
  settle(rds, global, both);
}

async function caughtUp({ clock }: SimulatedRds, { server: old }: Instance, { server: heir }: Instance): Promise<boolean> {
  for (const untilMs = clock.nowMs + CATCH_UP_MS; clock.nowMs < untilMs; await clock.sleep(500)) {
    heir.settle();
    if (old.up && !old.hung && heir.up && heir.log.length >= old.log.length && heir.streaming()) return true;
  }
  return false;
}

/** Takes what the target has. The old primary is closed where RDS reaches it, and made again as soon as it does. */
export async function failOverGlobal(rds: SimulatedRds, global: GlobalDatabase, target: Instance): Promise<void> {
  const { clock, chance } = rds;
  const old = global.writer;
  global.status = "failing-over";
  global.move = { status: "pending", from: old, to: target, loss: true };
  rds.status(target, "failing-over");
  await clock.sleep(chance.whole(10, 120) * 1000);
  global.move.status = "failing-over";
  const reached = rds.network.reaches(target.id, old.id);
  if (reached) old.server.blockedBy.add("global failover");
  if (reached) for (const session of [...old.server.sessions]) old.server.end(session);
  writes(rds, global, target, reached ? undefined : old);
  global.resync.add(old);
  settle(rds, global, [target]);
  void (async () => {
    while (!rds.network.reaches(target.id, old.id) || old.native?.failingOver) await clock.sleep(5000);
    old.server.stop();
    rds.status(old, "rebooting");
    await clock.sleep(chance.whole(30, 240) * 1000);
    old.server.remake(target.server);
    old.server.blockedBy.delete("global failover");
    old.server.start();
    global.resync.delete(old);
    rds.status(old, "available");
  })();
}

/** `open`: the former writer, where RDS could not reach it. */
function writes(rds: SimulatedRds, global: GlobalDatabase, target: Instance, open?: Instance): void {
  const from = global.writer;
  from.server.settle();
  from.server.followers.splice(0);
  if (!open) from.server.inRecovery = true;
  if (!target.server.up) target.server.start();
  target.server.promote();
  global.writer = target;
  rds.tell(target, `writes for the global database ${global.id}`, {
    promoted: target.id,
    from: from.id,
    ...(open ? { leftOpen: open.id } : {}),
  });
}

function settle(rds: SimulatedRds, global: GlobalDatabase, clusters: readonly Instance[]): void {
  for (const each of clusters) rds.status(each, "available");
  global.status = "available";
  global.move = null;
}
