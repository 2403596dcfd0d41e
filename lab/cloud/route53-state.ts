/**
 * What Route 53 remembers: zones, changes, health checks, tags, and whether its control plane is dark. Plain JSON, and older
 * states are given what they lack. Decides nothing.
 */
import { ServiceError } from "../wire/errors.ts";
import type { HealthCheck } from "./route53-health.ts";
import type { Delta } from "./route53-records.ts";
import type { Zone } from "./route53-zones.ts";
import type { World } from "./world.ts";

export interface Change {
  readonly id: string;
  readonly zone: string;
  readonly at: number;
  readonly deltas: Delta[];
  readonly comment?: string;
  status: "PENDING" | "INSYNC";
}

/** How the control plane fails while it is dark: at once, or by not answering. */
export type Darkness = "refuses" | "hangs";

export interface State {
  zones: Record<string, Zone>;
  changes: Record<string, Change>;
  healthChecks: Record<string, HealthCheck>;
  /** Caller references of deleted health checks: never taken again. */
  spentReferences: string[];
  /** By `hostedzone/ID` or `healthcheck/ID`, then by key. */
  tags: Record<string, Record<string, string>>;
  dark?: Darkness;
}

export function stateOf(world: World): State {
  const state = world.state<Partial<State>>("route53", () => ({}));
  state.zones ??= {};
  state.changes ??= {};
  state.healthChecks ??= {};
  state.spentReferences ??= [];
  state.tags ??= {};
  return state as State;
}

/** With or without the `/hostedzone/` AWS puts before it. */
export function zoneOf(world: World, given: string): Zone {
  const id = given.replace(/^\/?hostedzone\//, "");
  const zone = stateOf(world).zones[id];
  if (!zone) throw new ServiceError("NoSuchHostedZone", `No hosted zone found with ID: ${id}`, 404);
  return zone;
}

export function healthCheckOf(world: World, id: string): HealthCheck {
  const check = stateOf(world).healthChecks[id];
  if (!check) throw new ServiceError("NoSuchHealthCheck", `A health check with id ${id} does not exist.`, 404);
  return check;
}
