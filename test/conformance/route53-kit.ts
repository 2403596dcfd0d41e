/** What Route 53's tests make of a zone: health checks that follow an endpoint, and a failover pair that shows their verdict. */
import * as r53 from "@aws-sdk/client-route-53";
import { expect, vi } from "vitest";
import type { Endpoint } from "../lab/endpoint.ts";
import { set, type TestZone } from "../lab/route53-zone.ts";

export const FAST = { healthCheckMs: () => 20 };
export const PRIMARY = "10.0.0.1";
export const SECONDARY = "10.0.0.2";

let references = 0;

/** A health check that is what its endpoint is; without one, a check that never has data. */
export async function checkOn(
  { client }: TestZone,
  at: Endpoint | undefined,
  config: Partial<r53.HealthCheckConfig> = {},
): Promise<string> {
  const endpointConfig = { Type: "HTTP" as const, IPAddress: "127.0.0.1", Port: at?.port ?? 1, FailureThreshold: 1, RequestInterval: 10 };
  const { HealthCheck } = await client.send(
    new r53.CreateHealthCheckCommand({
      CallerReference: `check ${++references}`,
      HealthCheckConfig: config.Type ? { ...config, Type: config.Type } : { ...endpointConfig, ...config },
    }),
  );
  return HealthCheck!.Id!;
}

export const update = ({ client }: TestZone, HealthCheckId: string, input: Partial<r53.UpdateHealthCheckCommandInput>) =>
  client.send(new r53.UpdateHealthCheckCommand({ HealthCheckId, ...input }));

export const failover = (role: r53.ResourceRecordSetFailover, address: string, HealthCheckId?: string): r53.ResourceRecordSet => ({
  ...set("db.example.com", "A", [address]),
  SetIdentifier: role.toLowerCase(),
  Failover: role,
  HealthCheckId,
});

/** PRIMARY answers while the check `ofPrimary` is healthy: how a test sees what Route 53 thinks of a check. */
export async function pair(lab: TestZone, ofPrimary?: string, ofSecondary?: string): Promise<void> {
  await lab.applied(["CREATE", failover("PRIMARY", PRIMARY, ofPrimary)], ["CREATE", failover("SECONDARY", SECONDARY, ofSecondary)]);
}

export const becomes = (lab: TestZone, address: string) => vi.waitFor(async () => expect(await lab.answer()).toBe(address), 10_000);

/** Resolves when the endpoint has been asked by every checker once more, and their answers are noted. */
export async function roundsOf(at: Endpoint, rounds = 3): Promise<void> {
  const from = at.asked.length;
  await vi.waitFor(() => expect(at.asked.length - from).toBeGreaterThan(8 * rounds), 10_000);
}
