/**
 * Faults of databases: what begins when one is put in force, and what takes it back. The processes and the network they act on are
 * RDS's own; a killed database is brought back by a reboot, not by the end of its fault.
 */

import type { Transform } from "node:stream";
import { feederOf } from "../cloud/rds/cluster-state.ts";
import { instanceEvent } from "../cloud/rds/events.ts";
import type { RdsService } from "../cloud/rds/index.ts";
import { setStatus } from "../cloud/rds/lifecycle.ts";
import { findInstance, type InstanceRecord } from "../cloud/rds/state.ts";
import type { World } from "../cloud/world.ts";
import { functionAddress } from "../network/addresses.ts";
import type { Gate } from "../network/gate.ts";
import { fullDisk } from "./full-disk.ts";
import { fullMariaDbDisk } from "./full-disk-mariadb.ts";
import { fits } from "./registry.ts";
import { type Fault, type FaultOf, FaultRefused } from "./vocabulary.ts";

export type Undo = () => unknown;
type DatabaseFault = FaultOf<
  "databaseKilled" | "databaseHung" | "databaseSlow" | "databaseDiskFull" | "databasePartitioned" | "replayPaused" | "replicationStopped"
>;

/** By engine: one session's way to a server whose disk is full. */
const FULL_DISKS: Readonly<Record<string, () => Transform>> = { postgres: fullDisk, mariadb: fullMariaDbDisk };

export const isDatabaseFault = (fault: Fault): fault is DatabaseFault => "instance" in fault;

/** Undefined: there is nothing to take back, the fault is over at once. */
export async function breakDatabase(world: World, rds: RdsService, fault: DatabaseFault): Promise<Undo | undefined> {
  const { region, instance } = fault;
  const record = known(world, region, instance);
  const { faults } = rds;
  /** After the fault the instance may be gone: then there is nothing left to mend. */
  const unless = (undo: () => unknown) => async () => {
    if (exists(world, region, instance)) await undo();
  };
  switch (fault.fault) {
    case "databaseKilled":
      await faults.kill(region, instance);
      return undefined;
    case "databaseHung":
      await faults.hang(region, instance);
      return unless(() => faults.resume(region, instance));
    case "replayPaused":
      replica(world, record);
      await faults.pauseReplay(region, instance);
      return unless(() => faults.resumeReplay(region, instance));
    case "replicationStopped":
      replica(world, record);
      await faults.stopReplication(region, instance);
      return unless(() => faults.resumeReplication(region, instance));
    case "databaseSlow": {
      const gate = gateOf(rds, region, instance);
      gate.slow(fault.ms);
      return () => gate.slow(0);
    }
    case "databaseDiskFull": {
      const full = FULL_DISKS[record.engine];
      if (!full)
        throw new FaultRefused([
          {
            field: "instance",
            problem: `${instance} runs ${record.engine}; a full disk is played for ${Object.keys(FULL_DISKS).join(" and ")}`,
          },
        ]);
      const gate = gateOf(rds, region, instance);
      // The API says so too: nothing but time, or more storage, brings a full instance back.
      setStatus(world, record, "storage-full");
      instanceEvent(world, record, "0007");
      gate.rewrite(full);
      return unless(() => {
        gate.rewrite(undefined);
        if (record.status === "storage-full") setStatus(world, record, "available");
      });
    }
    case "databasePartitioned": {
      if (fault.from !== "probe") {
        const { from } = fault;
        await faults.partition(region, instance, { from });
        return unless(() => faults.mend(region, instance, { from }));
      }
      const gate = gateOf(rds, region, instance);
      const addresses = addressesOf(world, fault.function ?? "*-probe");
      for (const address of addresses) gate.partition(true, address);
      return () => {
        for (const address of addresses) gate.partition(false, address);
      };
    }
  }
}

function exists(world: World, region: string, instance: string): boolean {
  try {
    findInstance(world, region, instance);
    return true;
  } catch {
    return false;
  }
}

function known(world: World, region: string, instance: string) {
  if (!exists(world, region, instance))
    throw new FaultRefused([{ field: "instance", problem: `there is no instance "${instance}" in ${region}` }]);
  return findInstance(world, region, instance);
}

function replica(world: World, record: InstanceRecord): void {
  if (!feederOf(world, record))
    throw new FaultRefused([{ field: "instance", problem: `${record.id} is not a read replica: there is no replication to disturb` }]);
}

function gateOf(rds: RdsService, region: string, instance: string): Gate {
  const gate = rds.gate(region, instance);
  if (!gate) throw new FaultRefused([{ field: "instance", problem: `${instance} has no endpoint yet: wait until it is available` }]);
  return gate;
}

function addressesOf(world: World, pattern: string): string[] {
  const { functions } = world.state<{ functions: Record<string, { name: string; region: string }> }>("lambda", () => ({ functions: {} }));
  const found = Object.values(functions).filter(({ name }) => fits(pattern, name));
  if (found.length === 0) throw new FaultRefused([{ field: "function", problem: `no deployed function fits "${pattern}"` }]);
  return found.map(({ region, name }) => functionAddress(region, name));
}
