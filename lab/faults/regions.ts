/**
 * Dark regions: which calls they swallow, and the databases they take with them. What happens inside a dark region goes on there and
 * is seen by nobody: its rules reach no function and no other region, its functions reach no service.
 */
import type { Socket } from "node:net";
import { feederOf } from "../cloud/rds/cluster-state.ts";
import type { RdsFaults } from "../cloud/rds/index.ts";
import { rdsState } from "../cloud/rds/state.ts";
import type { World } from "../cloud/world.ts";
import type { InForce, Registry } from "./registry.ts";
import type { FaultOf } from "./vocabulary.ts";

/** The darkness a call meets: of the region it goes to, or of the one its function runs in. */
export function darkFor(
  world: World,
  faults: Registry,
  region: string,
  functionName: string | undefined,
): InForce<FaultOf<"regionDark">> | undefined {
  const dark = faults.of("regionDark");
  if (dark.length === 0) return undefined;
  const { functions } = world.state<{ functions: Record<string, { name: string; region: string }> }>("lambda", () => ({ functions: {} }));
  const homes = Object.values(functions).flatMap((each) => (each.name === functionName ? [each.region] : []));
  return dark.find(({ fault }) => fault.region === region || (homes.length > 0 && homes.every((home) => home === fault.region)));
}

/** Cuts a region's databases off from everyone outside it. Returns the way back. */
export async function darkenDatabases(world: World, rds: RdsFaults, region: string): Promise<() => Promise<void>> {
  const { regions } = rdsState(world);
  const cut: [region: string, id: string, from: "clients" | "replica"][] = [];
  for (const [home, { instances }] of Object.entries(regions)) {
    for (const record of Object.values(instances)) {
      const { id, partitions } = record;
      if (home === region && !partitions.clients) cut.push([home, id, "clients"]);
      const from = feederOf(world, record)?.region;
      const across = from !== undefined && from !== home && (home === region || from === region);
      if (across && !partitions.replica) cut.push([home, id, "replica"]);
    }
  }
  for (const [home, id, from] of cut) await rds.partition(home, id, { from });
  return async () => {
    for (const [home, id, from] of cut) if (regions[home]?.instances[id]) await rds.mend(home, id, { from });
  };
}

/** Connections that are taken and never answered, until their fault ends or the client gives up. */
export class Silence {
  private readonly kept = new Map<string, Set<() => void>>();

  keep(id: string, socket: Socket): Promise<void> {
    return new Promise((resolve) => {
      const own = this.kept.get(id) ?? new Set();
      this.kept.set(id, own);
      const release = () => {
        own.delete(release);
        socket.off("close", release);
        resolve();
      };
      own.add(release);
      socket.once("close", release);
    });
  }

  release(id: string): void {
    for (const release of [...(this.kept.get(id) ?? [])]) release();
    this.kept.delete(id);
  }
}
