/**
 * What a user does once, by hand, after deploying a plan with a latch: when the sides lead to their instances, the clients' name is
 * pointed at the latch.
 */
import { nodeName, sideName } from "../core/latch.ts";
import type { Plan } from "../core/plan/schema.ts";
import { servedRecords } from "./cloud/route53.ts";
import type { World } from "./cloud/world.ts";

const PATIENCE_MS = 300_000;

export async function pointAtLatches(world: World, plan: Plan, patienceMs = PATIENCE_MS): Promise<void> {
  const served = servedRecords(world);
  const leads = (name: string) => served(`${name}.`)?.records.some((set) => set.Name === `${name}.` && set.Type === "CNAME") ?? false;
  for (const { name, zone, ttlSeconds, database, repoint } of plan.records) {
    if (repoint !== "latch") continue;
    const sides = Array.from({ length: 1 + (plan.databases[database]?.standbys.length ?? 0) }, (_, side) => sideName(name, side));
    const endsAtMs = world.now() + patienceMs;
    while (![nodeName(name, 0), ...sides].every(leads)) {
      if (world.now() > endsAtMs) throw new Error(`The latch of ${name} does not lead anywhere: look at the watcher's log.`);
      await world.sleep(50);
    }
    const set = { Name: name, Type: "CNAME", TTL: ttlSeconds, ResourceRecords: [{ Value: nodeName(name, 0) }] };
    await world.call(
      "route53",
      "ChangeResourceRecordSets",
      { HostedZoneId: zone, ChangeBatch: { Changes: [{ Action: "UPSERT", ResourceRecordSet: set }] } },
      { region: "us-east-1" },
    );
  }
}
