/**
 * What RDS says of the primary, and what waiting for it would take, in words for people. Evidence, never a vote: RDS calls a dead
 * instance "available" for minutes, and its events are best effort. Pure.
 */
import type { Facts } from "./facts.ts";

export function rdsSays({ primary, primaryEvent, primaryRegion, atMs }: Facts): string {
  const status =
    primaryRegion === "dark" ? "nothing, its region does not answer" : primary ? `"${primary.status}"` : "it knows no such instance";
  if (!primaryEvent) return status;
  const age = Math.max(0, Math.round((atMs - primaryEvent.atMs) / 1000));
  const id = primaryEvent.eventId ? ` (${primaryEvent.eventId})` : "";
  return `${status}; "${primaryEvent.message ?? "an event without words"}"${id}, ${age} s before this`;
}

/** Multi-AZ failover has begun: 0013 started, 0050 activation started; a cluster's, 0072 and 0073 (RDS User Guide, event messages). */
export const FAILING_OVER = ["RDS-EVENT-0013", "RDS-EVENT-0050", "RDS-EVENT-0072", "RDS-EVENT-0073"];
const SINCE_SHUTDOWN = "RDS-EVENT-0004";

/** What AWS states about each way back. Where it states no time, this says so. */
export function waitingTakes({ primary, primaryEvent, primaryRegion }: Facts): string {
  const eventId = primaryEvent?.eventId ?? "";
  if (primaryRegion === "dark") return "not known: nothing can be asked in its region";
  if (FAILING_OVER.includes(eventId))
    return "RDS is failing over to its Multi-AZ standby by itself: typically 60 to 120 s (RDS User Guide)";
  if (primary?.status === "storage-full") return "until somebody adds storage: time alone does not help";
  if (primary?.status === "rebooting" || eventId === SINCE_SHUTDOWN)
    return "RDS is restarting it: AWS states no time; crash recovery is as long as what was written since the last checkpoint";
  if (["stopped", "stopping"].includes(primary?.status ?? "")) return "until somebody starts it";
  return "RDS restarts a crashed instance by itself: AWS states no time, a Multi-AZ instance typically takes 60 to 120 s";
}
