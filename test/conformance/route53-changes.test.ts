/** What AWS promises of Route 53's changes and of its control plane, one test a sentence. */
import * as r53 from "@aws-sdk/client-route-53";
import { describe, expect, test, vi } from "vitest";
import { controlPlaneDark } from "../../lab/cloud/route53.ts";
import { createS3 } from "../../lab/cloud/s3.ts";
import { endpoint, status } from "../lab/endpoint.ts";
import { set, zone } from "../lab/route53-zone.ts";
import { becomes, checkOn, FAST, failover, PRIMARY, pair, SECONDARY, update } from "./route53-kit.ts";

describe("changes", () => {
  test("a batch holds as a whole or not at all", async () => {
    const lab = await zone();
    await expect(
      lab.change(["CREATE", set("a.example.com", "A", [PRIMARY])], ["DELETE", set("none.example.com", "A", [PRIMARY])]),
    ).rejects.toMatchObject({ name: "InvalidChangeBatch", $metadata: { httpStatusCode: 400 } });
    const { ResourceRecordSets } = await lab.client.send(new r53.ListResourceRecordSetsCommand({ HostedZoneId: lab.HostedZoneId }));
    expect(ResourceRecordSets).toHaveLength(2);
  });

  test("a change is PENDING before it is INSYNC, and is not answered before", async () => {
    const lab = await zone({ dnsInsyncMs: 150 });
    const { ChangeInfo } = await lab.change(["CREATE", set("db.example.com", "A", [PRIMARY])]);
    expect([ChangeInfo?.Status, await lab.answer()]).toEqual(["PENDING", "ENOTFOUND"]);
    await lab.insync(ChangeInfo!.Id!);
    expect(await lab.answer()).toBe(PRIMARY);
  });

  test("an UPSERT replaces the whole set: left out, the health check is gone", async () => {
    const lab = await zone();
    const check = await checkOn(lab, undefined);
    await pair(lab, check);
    await lab.applied(["UPSERT", failover("PRIMARY", PRIMARY)]);
    const { ResourceRecordSets } = await lab.client.send(
      new r53.ListResourceRecordSetsCommand({ HostedZoneId: lab.HostedZoneId, StartRecordName: "db.example.com" }),
    );
    expect(ResourceRecordSets?.[0]).toEqual({ ...failover("PRIMARY", PRIMARY), Name: "db.example.com." });
  });

  test("a DELETE matches every value: TTL, role, weight and health check too", async () => {
    const lab = await zone();
    const check = await checkOn(lab, undefined);
    await pair(lab, check);
    for (const wrong of [
      failover("PRIMARY", PRIMARY),
      { ...failover("PRIMARY", PRIMARY, check), TTL: 6 },
      { ...failover("SECONDARY", PRIMARY, check), SetIdentifier: "primary" },
    ])
      await expect(lab.change(["DELETE", wrong])).rejects.toMatchObject({
        message:
          "[Tried to delete resource record set [name='db.example.com.', type='A', set-identifier='primary'] but the values provided do not match the current values]",
      });
    await lab.change(["DELETE", failover("PRIMARY", PRIMARY, check)]);
  });

  test("a set may be deleted and made anew in one batch", async () => {
    const lab = await zone();
    await lab.applied(["CREATE", set("db.example.com", "A", [PRIMARY])]);
    await lab.applied(["DELETE", set("db.example.com", "A", [PRIMARY])], ["CREATE", set("db.example.com", "A", [SECONDARY])]);
    expect(await lab.answer()).toBe(SECONDARY);
  });

  const sets = (records: number, length: number): r53.ResourceRecordSet[] =>
    Array.from({ length: Math.ceil(records / 100) }, (_, at) =>
      set(
        `s${at}.example.com`,
        "TXT",
        Array.from({ length: Math.min(100, records - at * 100) }, (_, each) => `"${String(each).padEnd(length - 2, "x")}"`),
      ),
    );

  test.each([
    ["1,000 records", sets(1000, 5), sets(1001, 5)],
    ["32,000 characters", sets(200, 160), sets(200, 161)],
  ])("at most %s a request; an UPSERT counts twice", async (_, most, tooMany) => {
    const lab = await zone();
    const send = (action: r53.ChangeAction, all: r53.ResourceRecordSet[]) =>
      lab.change(...all.map((each): [r53.ChangeAction, r53.ResourceRecordSet] => [action, each]));
    const refused = { name: "InvalidChangeBatch", message: expect.stringMatching(/^\[Number of \w+ limit of \d+ exceeded\.\]$/) };
    await expect(send("CREATE", tooMany)).rejects.toMatchObject(refused);
    await expect(send("UPSERT", most)).rejects.toMatchObject(refused);
    await send("CREATE", most);
  });

  test("at most 400 records in a set", async () => {
    const lab = await zone();
    const values = Array.from({ length: 401 }, (_, at) => `10.0.${at >> 8}.${at & 255}`);
    await expect(lab.change(["CREATE", set("db.example.com", "A", values)])).rejects.toMatchObject({ name: "InvalidChangeBatch" });
    await lab.change(["CREATE", set("db.example.com", "A", values.slice(1))]);
  });

  test("routed records are listed in pages, from name, type and identifier on", async () => {
    const lab = await zone();
    await pair(lab);
    const list = (input: Partial<r53.ListResourceRecordSetsCommandInput>) =>
      lab.client.send(new r53.ListResourceRecordSetsCommand({ HostedZoneId: lab.HostedZoneId, MaxItems: 1, ...input }));
    const first = await list({ StartRecordName: "db.example.com" });
    expect(first).toMatchObject({
      IsTruncated: true,
      NextRecordName: "db.example.com.",
      NextRecordType: "A",
      NextRecordIdentifier: "secondary",
    });
    const { NextRecordName: StartRecordName, NextRecordType: StartRecordType, NextRecordIdentifier: StartRecordIdentifier } = first;
    const second = await list({ StartRecordName, StartRecordType, StartRecordIdentifier });
    expect(second.ResourceRecordSets?.map(({ SetIdentifier }) => SetIdentifier)).toEqual(["secondary"]);
  });

  test("PriorRequestNotComplete, 400: a second batch for a zone that is still being worked on; the SDK tries again", async () => {
    const lab = await zone();
    lab.route53.faults.priorRequestNotComplete = 2;
    const create = () => lab.change(["CREATE", set("db.example.com", "A", [PRIMARY])]);
    await expect(create()).rejects.toMatchObject({ name: "PriorRequestNotComplete", $metadata: { httpStatusCode: 400 } });
    const patient = new r53.Route53Client({ ...lab.lab.client("us-east-1"), maxAttempts: 3 });
    const { $metadata } = await patient.send(
      new r53.ChangeResourceRecordSetsCommand({
        HostedZoneId: lab.HostedZoneId,
        ChangeBatch: { Changes: [{ Action: "CREATE", ResourceRecordSet: set("db.example.com", "A", [PRIMARY]) }] },
      }),
    );
    expect($metadata.attempts).toBe(2);
  });
});

test("five requests a second for the account, all operations together; the sixth is Throttling with HTTP 400", async () => {
  const lab = await zone({ throttle: true });
  const now = Date.now() + 60_000;
  lab.lab.world.now = () => now;
  const check = await checkOn(lab, undefined);
  const calls = [
    () => lab.client.send(new r53.ListHostedZonesCommand({})),
    () => lab.client.send(new r53.GetHealthCheckCommand({ HealthCheckId: check })),
    () => lab.change(["CREATE", set("db.example.com", "A", [PRIMARY])]),
    () => update(lab, check, { FailureThreshold: 2 }),
  ];
  for (const call of calls) await call();
  await expect(calls[0]!()).rejects.toMatchObject({ name: "Throttling", message: "Rate exceeded", $metadata: { httpStatusCode: 400 } });
});

describe("the control plane in us-east-1 is dark", () => {
  test("every call answers 503; DNS answers, health checks and S3 go on; failover by health check still works", async () => {
    const lab = await zone({ ...FAST, others: (world) => [createS3(world)] });
    const shop = await endpoint();
    const check = await checkOn(lab, shop);
    await pair(lab, check);
    controlPlaneDark(lab.lab.world, true);
    const calls = [
      () => lab.client.send(new r53.ListHostedZonesCommand({})),
      () => lab.change(["UPSERT", failover("PRIMARY", SECONDARY)]),
      () => update(lab, check, { Inverted: true }),
    ];
    for (const call of calls)
      await expect(call()).rejects.toMatchObject({ name: "ServiceUnavailable", $metadata: { httpStatusCode: 503 } });
    expect(await lab.answer()).toBe(PRIMARY);
    shop.answer = status(500);
    await becomes(lab, SECONDARY);
    await lab.lab.world.call("s3", "ListBuckets", {}, { region: "eu-west-1" });
    controlPlaneDark(lab.lab.world, false);
    await lab.client.send(new r53.ListHostedZonesCommand({}));
  });

  test("a change accepted before stays PENDING until the light is back", async () => {
    const lab = await zone({ dnsInsyncMs: 30 });
    const other = await zone({ dnsInsyncMs: 60 });
    const { ChangeInfo } = await lab.change(["CREATE", set("db.example.com", "A", [PRIMARY])]);
    controlPlaneDark(lab.lab.world, true);
    await other.applied(["CREATE", set("db.example.com", "A", [PRIMARY])]);
    expect(await lab.answer()).toBe("ENOTFOUND");
    controlPlaneDark(lab.lab.world, false);
    await lab.insync(ChangeInfo!.Id!);
    expect(await lab.answer()).toBe(PRIMARY);
  });

  test("it may hang instead: a call gets no answer before the light is back", async () => {
    const lab = await zone();
    controlPlaneDark(lab.lab.world, true, "hangs");
    let ended = false;
    const call = lab.client.send(new r53.ListHostedZonesCommand({})).catch((error: Error) => {
      ended = true;
      return error;
    });
    await vi.waitFor(() => expect(lab.lab.told("the control plane of Route 53 is dark")).toHaveLength(1));
    expect(await lab.answer("ns.example.com")).toBe("ENOTFOUND");
    expect(ended).toBe(false);
    controlPlaneDark(lab.lab.world, false);
    expect(await call).toMatchObject({ name: "ServiceUnavailable" });
  });

  test("a lab that goes on is as dark as it was left", async () => {
    const before = await zone();
    controlPlaneDark(before.lab.world, true);
    const state = JSON.parse(JSON.stringify(before.lab.world.save()));
    controlPlaneDark(before.lab.world, false);
    await expect(zone({ state })).rejects.toMatchObject({ name: "ServiceUnavailable" });
  });
});
