/**
 * A lab with Route 53, its DNS server and one public zone, for tests that speak to all three. Closed after the test.
 */
import { Resolver } from "node:dns/promises";
import * as r53 from "@aws-sdk/client-route-53";
import { expect, vi } from "vitest";
import { startDns } from "../../lab/cloud/dns.ts";
import { createRoute53, type Route53, type Route53Options, servedRecords } from "../../lab/cloud/route53.ts";
import type { Service, World } from "../../lab/cloud/world.ts";
import { closing, labWith } from "./on-the-wire.ts";

export interface ZoneOptions extends Route53Options {
  readonly dnsInsyncMs?: number;
  readonly seed?: number;
  readonly state?: Record<string, unknown>;
  readonly others?: (world: World) => Service[];
}

type Change = [r53.ChangeAction, r53.ResourceRecordSet];

export function set(Name: string, Type: string, values: string[], TTL = 5): r53.ResourceRecordSet {
  return { Name, Type: Type as r53.RRType, TTL, ResourceRecords: values.map((Value) => ({ Value })) };
}

/** example.com, made anew or, with `state`, as an earlier lab left it. */
export async function zone({ dnsInsyncMs = 20, seed, state, others = () => [], ...options }: ZoneOptions = {}) {
  let route53: Route53 | undefined;
  const lab = await labWith(
    (world) => {
      route53 = createRoute53(world, { throttle: false, ...options });
      return [route53, ...others(world)];
    },
    { timings: { dnsInsyncMs }, seed, state },
  );
  const dns = closing(await startDns(lab.world, { records: servedRecords(lab.world) }));
  const client = new r53.Route53Client(lab.client("us-east-1"));
  const created = state
    ? undefined
    : await client.send(
        new r53.CreateHostedZoneCommand({
          Name: "Example.com",
          CallerReference: "one",
          HostedZoneConfig: { Comment: "test", PrivateZone: false },
        }),
      );
  const HostedZoneId = created?.HostedZone?.Id ?? (await client.send(new r53.ListHostedZonesCommand({}))).HostedZones![0]!.Id!;
  const change = (...changes: Change[]) =>
    client.send(
      new r53.ChangeResourceRecordSetsCommand({
        HostedZoneId,
        ChangeBatch: { Changes: changes.map(([Action, ResourceRecordSet]) => ({ Action, ResourceRecordSet })) },
      }),
    );
  const insync = (Id: string) =>
    vi.waitFor(async () => expect((await client.send(new r53.GetChangeCommand({ Id }))).ChangeInfo?.Status).toBe("INSYNC"));
  const applied = async (...changes: Change[]) => insync((await change(...changes)).ChangeInfo!.Id!);
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${dns.port}`]);
  /** What a client gets now: addresses in order, or the resolver's error code. */
  const answer = async (name = "db.example.com"): Promise<string> =>
    resolver.resolve4(name).then(
      (addresses) => addresses.sort().join(" "),
      (error: NodeJS.ErrnoException) => String(error.code),
    );
  return { lab, dns, route53: route53!, client, created: created!, HostedZoneId, change, applied, insync, resolver, answer };
}

export type TestZone = Awaited<ReturnType<typeof zone>>;
