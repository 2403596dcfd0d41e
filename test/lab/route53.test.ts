import { connect } from "node:net";
import * as r53 from "@aws-sdk/client-route-53";
import * as packet from "dns-packet";
import { expect, test } from "vitest";
import { set, zone } from "./route53-zone.ts";

test("a record is answered once its change is INSYNC, and not before", async () => {
  const { change, insync, resolver } = await zone({ dnsInsyncMs: 150 });
  const { ChangeInfo } = await change(["CREATE", set("db.example.com", "A", ["10.0.0.1"])]);
  expect(ChangeInfo).toMatchObject({ Id: expect.stringMatching(/^\/change\/C/), Status: "PENDING" });
  await expect(resolver.resolve4("db.example.com")).rejects.toMatchObject({ code: "ENOTFOUND" });
  await insync(ChangeInfo!.Id!);
  expect(await resolver.resolve4("DB.example.com", { ttl: true })).toEqual([{ address: "10.0.0.1", ttl: 5 }]);
});

test("a CNAME is followed to the database's host, and its repointing is seen", async () => {
  const { lab, applied, resolver } = await zone();
  const hosts = lab.world.state<Record<string, string>>("hosts", () => ({}));
  hosts["shop-a.c1.eu-central-1.rds.amazonaws.com"] = "127.0.1.1";
  hosts["shop-b.c1.eu-west-1.rds.amazonaws.com"] = "127.0.2.1";
  await applied(["CREATE", set("db.example.com", "CNAME", ["shop-a.c1.eu-central-1.rds.amazonaws.com"])]);
  expect(await resolver.resolve4("db.example.com")).toEqual(["127.0.1.1"]);
  await applied(["UPSERT", set("db.example.com", "CNAME", ["shop-b.c1.eu-west-1.rds.amazonaws.com."])]);
  expect(await resolver.resolve4("db.example.com", { ttl: true })).toEqual([{ address: "127.0.2.1", ttl: 5 }]);
  expect(await resolver.resolveCname("db.example.com")).toEqual(["shop-b.c1.eu-west-1.rds.amazonaws.com"]);
  delete hosts["shop-b.c1.eu-west-1.rds.amazonaws.com"];
  await expect(resolver.resolve4("db.example.com")).rejects.toMatchObject({ code: "ENOTFOUND" });
});

test("texts, zone records, wildcards, empty answers, and names that are none of the lab's business", async () => {
  const { applied, resolver } = await zone();
  await applied(
    ["CREATE", set("note.example.com", "TXT", ['"epoch=7" "writer=shop-a"'])],
    ["CREATE", set("*.apps.example.com", "A", ["10.0.0.9"])],
  );
  expect(await resolver.resolveTxt("note.example.com")).toEqual([["epoch=7", "writer=shop-a"]]);
  expect(await resolver.resolve4("any.apps.example.com")).toEqual(["10.0.0.9"]);
  expect((await resolver.resolveSoa("example.com")).nsname).toBe("ns-1.awsdns-00.com");
  expect(await resolver.resolveNs("example.com")).toHaveLength(4);
  await expect(resolver.resolve4("note.example.com")).rejects.toMatchObject({ code: "ENODATA" });
  await expect(resolver.resolve4("none.example.com")).rejects.toMatchObject({ code: "ENOTFOUND" });
  await expect(resolver.resolve4("example.org")).rejects.toMatchObject({ code: "EREFUSED" });
});

test("an unknown name comes with the zone's SOA; TCP answers like UDP", async () => {
  const { dns } = await zone();
  const socket = connect(dns.port, "127.0.0.1");
  socket.write(packet.streamEncode({ type: "query", id: 7, questions: [{ type: "A", name: "none.example.com" }] }));
  const bytes = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
  socket.destroy();
  const answer = packet.streamDecode(bytes) as packet.DecodedPacket & { rcode: string };
  expect([answer.id, answer.rcode, answer.authorities?.[0]?.type]).toEqual([7, "NXDOMAIN", "SOA"]);
});

test("a batch holds as a whole or not at all, and says every reason", async () => {
  const { client, HostedZoneId, change, applied } = await zone();
  await applied(["CREATE", set("db.example.com", "CNAME", ["a.example.net"])]);
  const refused = (message: string | RegExp) => ({
    name: "InvalidChangeBatch",
    message: typeof message === "string" ? `[${message}]` : expect.stringMatching(message),
  });
  const cname = "resource record set [name='db.example.com.', type='CNAME']";
  const good: [r53.ChangeAction, r53.ResourceRecordSet] = ["CREATE", set("good.example.com", "A", ["10.0.0.1"])];

  await expect(change(good, ["CREATE", set("db.example.com", "CNAME", ["b.example.net"])])).rejects.toMatchObject(
    refused(`Tried to create ${cname} but it already exists`),
  );
  await expect(change(good, ["DELETE", set("none.example.com", "A", ["10.0.0.1"])])).rejects.toMatchObject(refused(/but it was not found/));
  for (const wrong of [set("db.example.com", "CNAME", ["b.example.net"]), set("db.example.com", "CNAME", ["a.example.net"], 60)]) {
    await expect(change(good, ["DELETE", wrong])).rejects.toMatchObject(
      refused(`Tried to delete ${cname} but the values provided do not match the current values`),
    );
  }
  await expect(change(good, ["CREATE", set("db.example.com", "A", ["10.0.0.1"])])).rejects.toMatchObject(
    refused(/not permitted as it conflicts with other records/),
  );
  await expect(change(good, ["CREATE", set("example.com", "CNAME", ["a.example.net"])])).rejects.toMatchObject(
    refused(/not permitted at apex/),
  );
  await expect(change(good, ["CREATE", set("db.example.org", "A", ["10.0.0.1"])])).rejects.toMatchObject(
    refused(/is not permitted in zone example.com./),
  );
  await expect(change(good, ["CREATE", set("x.example.com", "A", ["10.0.0.256"])])).rejects.toMatchObject(
    refused(/ARRDATAIllegalIPv4Address/),
  );
  await expect(change(good, ["CREATE", set("x.example.com", "TXT", ["bare"])])).rejects.toMatchObject(
    refused(/enclosed in quotation marks/),
  );
  await expect(change(good, ["DELETE", set("example.com", "SOA", ["x"])])).rejects.toMatchObject(
    refused(/but the values provided do not match.*, .*exactly one SOA/),
  );
  await expect(change(["CREATE", { Name: "x.example.com", Type: "A" }])).rejects.toMatchObject({ name: "InvalidInput" });
  await expect(
    change(["CREATE", { ...set("x.example.com", "A", ["10.0.0.1"]), SetIdentifier: "p", Region: "eu-west-1" }]),
  ).rejects.toMatchObject({ name: "InvalidInput" });

  const { ResourceRecordSets } = await client.send(new r53.ListResourceRecordSetsCommand({ HostedZoneId }));
  expect(ResourceRecordSets?.map(({ Name, Type }) => `${Name} ${Type}`)).toEqual([
    "example.com. NS",
    "example.com. SOA",
    "db.example.com. CNAME",
  ]);
  await change(["DELETE", set("db.example.com", "CNAME", ["a.example.net"])], ["CREATE", set("db.example.com", "A", ["10.0.0.1"])]);
});

test("records are listed by name from the right, in pages", async () => {
  const { client, HostedZoneId, change } = await zone();
  await change(
    ["CREATE", set("b.example.com", "TXT", ['"t"'])],
    ["CREATE", set("b.example.com", "A", ["10.0.0.1"])],
    ["CREATE", set("z.a.example.com", "A", ["10.0.0.1"])],
    ["CREATE", set("*.example.com", "A", ["10.0.0.1"])],
  );
  const first = await client.send(new r53.ListResourceRecordSetsCommand({ HostedZoneId, StartRecordName: "a.example.com", MaxItems: 2 }));
  expect(first.ResourceRecordSets?.map(({ Name, Type }) => `${Name} ${Type}`)).toEqual(["z.a.example.com. A", "b.example.com. A"]);
  expect(first).toMatchObject({ IsTruncated: true, NextRecordName: "b.example.com.", NextRecordType: "TXT" });
  const wild = await client.send(new r53.ListResourceRecordSetsCommand({ HostedZoneId, StartRecordName: "*.example.com", MaxItems: 1 }));
  expect(wild.ResourceRecordSets?.[0]?.Name).toBe("\\052.example.com.");
});

test("zones are found by id and by name; a private one needs its VPC", async () => {
  const { client, created, HostedZoneId } = await zone();
  expect(created.HostedZone).toMatchObject({ Name: "example.com.", ResourceRecordSetCount: 2, Config: { PrivateZone: false } });
  expect((await client.send(new r53.GetHostedZoneCommand({ Id: HostedZoneId }))).DelegationSet?.NameServers).toHaveLength(4);
  const again = client.send(new r53.CreateHostedZoneCommand({ Name: "example.com", CallerReference: "one" }));
  await expect(again).rejects.toMatchObject({ name: "HostedZoneAlreadyExists", $metadata: { httpStatusCode: 409 } });
  const withoutVpc = client.send(
    new r53.CreateHostedZoneCommand({ Name: "db.internal", CallerReference: "two", HostedZoneConfig: { PrivateZone: true } }),
  );
  await expect(withoutVpc).rejects.toMatchObject({ name: "InvalidInput" });
  const inside = await client.send(
    new r53.CreateHostedZoneCommand({ Name: "db.internal", CallerReference: "two", VPC: { VPCRegion: "eu-central-1", VPCId: "vpc-1" } }),
  );
  expect(inside.HostedZone?.Config?.PrivateZone).toBe(true);
  const byName = await client.send(new r53.ListHostedZonesByNameCommand({ DNSName: "db.internal", MaxItems: 1 }));
  expect(byName.HostedZones?.[0]?.Name).toBe("db.internal.");
  expect((await client.send(new r53.ListHostedZonesCommand({}))).HostedZones).toHaveLength(2);
  await client.send(new r53.DeleteHostedZoneCommand({ Id: inside.HostedZone!.Id! }));
  await expect(client.send(new r53.GetHostedZoneCommand({ Id: inside.HostedZone!.Id! }))).rejects.toMatchObject({
    name: "NoSuchHostedZone",
    $metadata: { httpStatusCode: 404 },
  });
});

test("the sixth request of a second is throttled, for all operations together, with HTTP 400", async () => {
  const { client, lab, HostedZoneId } = await zone({ throttle: true });
  const now = Date.now();
  lab.world.now = () => now + 60_000;
  for (let each = 0; each < 5; each++) await client.send(new r53.ListHostedZonesCommand({}));
  const sixth = client.send(new r53.GetHostedZoneCommand({ Id: HostedZoneId }));
  await expect(sixth).rejects.toMatchObject({ name: "Throttling", message: "Rate exceeded", $metadata: { httpStatusCode: 400 } });
  lab.world.now = () => now + 60_200;
  await client.send(new r53.GetHostedZoneCommand({ Id: HostedZoneId }));
});
