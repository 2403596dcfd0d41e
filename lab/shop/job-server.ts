/**
 * What many have instead of Understudy: a server of their own whose job pings the database and, when a ping fails, promotes the standby
 * and points the name at it. A process of its own, run beside a lab to be measured.
 * It is as quick as such a script can be: it acts on the first failed ping and looks each second whether RDS is done. It is not careful:
 * one look from one place, no fence, no drain, no proof, nobody is told.
 */
import { setTimeout as pause } from "node:timers/promises";
import { DescribeDBInstancesCommand, PromoteReadReplicaCommand, RDSClient } from "@aws-sdk/client-rds";
import { ChangeResourceRecordSetsCommand, Route53Client } from "@aws-sdk/client-route-53";
import { openSession, type ShopAccess } from "./session.ts";

export interface JobSettings {
  /** Of AWS; the lab's. */
  readonly endpoint: string;
  readonly region: string;
  readonly primary: ShopAccess;
  readonly standby: string;
  readonly record: { readonly name: string; readonly zone: string; readonly ttlSeconds: number };
  readonly pingEveryMs: number;
  readonly pingTimeoutMs: number;
  readonly lookEveryMs: number;
}

/** Said to it: when the next ping is due, counted from now. */
export interface JobOrder {
  readonly nextPingInMs: number;
}

export interface JobReport {
  readonly what: "ready" | "ping failed" | "promotion asked for" | "promoted" | "name changed" | "failed";
  readonly atMs: number;
  readonly words?: string;
}

const settings = JSON.parse(process.env.JOB_SERVER ?? "null") as JobSettings;
const tell = (what: JobReport["what"], words?: string) => process.send?.({ what, atMs: Date.now(), words } satisfies JobReport);
process.on("disconnect", () => process.exit(0));

const { endpoint, region, standby, record } = settings;
const credentials = { accessKeyId: "lab", secretAccessKey: "lab" };
const rds = new RDSClient({ endpoint, region, credentials });
const route53 = new Route53Client({ endpoint, region: "us-east-1", credentials });

async function ping(): Promise<void> {
  const session = await openSession(settings.primary, settings.pingTimeoutMs);
  try {
    await session.run(["select 1"]);
  } finally {
    session.drop();
  }
}

async function pingsUntilOneFails(nextInMs: number): Promise<string> {
  for (let next = Date.now() + nextInMs; ; next += settings.pingEveryMs) {
    await pause(Math.max(0, next - Date.now()));
    const trouble = await ping().then(
      () => null,
      (error: Error) => error.message,
    );
    if (trouble !== null) return trouble;
  }
}

async function promoted(): Promise<string> {
  for (;;) {
    const { DBInstances } = await rds.send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: standby }));
    const found = DBInstances?.[0];
    const address = found?.Endpoint?.Address;
    if (found?.DBInstanceStatus === "available" && !found.ReadReplicaSourceDBInstanceIdentifier && address) return address;
    await pause(settings.lookEveryMs);
  }
}

async function pointTheName(address: string): Promise<void> {
  const { name, zone, ttlSeconds } = record;
  const set = { Name: name, Type: "CNAME" as const, TTL: ttlSeconds, ResourceRecords: [{ Value: address }] };
  const ChangeBatch = { Changes: [{ Action: "UPSERT" as const, ResourceRecordSet: set }] };
  await route53.send(new ChangeResourceRecordSetsCommand({ HostedZoneId: zone, ChangeBatch }));
}

process.once("message", async (order: JobOrder) => {
  try {
    tell("ping failed", await pingsUntilOneFails(order.nextPingInMs));
    await rds.send(new PromoteReadReplicaCommand({ DBInstanceIdentifier: standby, BackupRetentionPeriod: 7 }));
    tell("promotion asked for");
    const address = await promoted();
    tell("promoted");
    await pointTheName(address);
    tell("name changed");
  } catch (error) {
    tell("failed", (error as Error).message);
  }
});

await ping();
tell("ready");
