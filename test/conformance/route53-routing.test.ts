/** What AWS promises of Route 53's answers, one test a sentence: failover pairs, aliases, weighted records. */
import type * as r53 from "@aws-sdk/client-route-53";
import { describe, expect, test } from "vitest";
import { endpoint, status } from "../lab/endpoint.ts";
import { set, type TestZone, zone } from "../lab/route53-zone.ts";
import { becomes, checkOn, FAST, failover, PRIMARY, pair, roundsOf, SECONDARY } from "./route53-kit.ts";

describe("the failover table", () => {
  test.each([
    ["the primary is healthy, the secondary too: primary", 200, 200, PRIMARY],
    ["the primary is healthy, the secondary is not: primary", 200, 500, PRIMARY],
    ["the primary is unhealthy, the secondary is healthy: secondary", 500, 200, SECONDARY],
    ["both are unhealthy: primary, dead or fenced as it may be", 500, 500, PRIMARY],
  ])("%s", async (_, ofPrimary, ofSecondary, expected) => {
    const lab = await zone(FAST);
    const [one, two] = [await endpoint(status(ofPrimary)), await endpoint(status(ofSecondary))];
    await pair(lab, await checkOn(lab, one), await checkOn(lab, two));
    await roundsOf(one);
    await roundsOf(two);
    expect(await lab.answer()).toBe(expected);
  });

  test("a secondary without a health check is used whenever the primary is unhealthy", async () => {
    const lab = await zone(FAST);
    const one = await endpoint(status(500));
    await pair(lab, await checkOn(lab, one));
    await becomes(lab, SECONDARY);
    one.answer = status(200);
    await becomes(lab, PRIMARY);
  });

  test("a record without a health check is healthy: such a primary is always answered", async () => {
    const lab = await zone(FAST);
    const two = await endpoint();
    await pair(lab, undefined, await checkOn(lab, two));
    await roundsOf(two);
    expect(await lab.answer()).toBe(PRIMARY);
  });

  test("a health check on a cold standby sends clients back to the dead primary until the standby is ready", async () => {
    const lab = await zone(FAST);
    const [dead, cold] = [await endpoint(status(500)), await endpoint(status(503))];
    await pair(lab, await checkOn(lab, dead), await checkOn(lab, cold));
    await roundsOf(dead);
    await roundsOf(cold);
    expect(await lab.answer()).toBe(PRIMARY);
    cold.answer = status(200);
    await becomes(lab, SECONDARY);
  });

  test("a lone record of a pair is answered, healthy or not", async () => {
    const lab = await zone(FAST);
    const one = await endpoint(status(500));
    await lab.applied(["CREATE", failover("SECONDARY", SECONDARY, await checkOn(lab, one))]);
    await roundsOf(one);
    expect(await lab.answer()).toBe(SECONDARY);
  });

  test("what counts is the endpoint of the health check, not the record's value", async () => {
    const lab = await zone(FAST);
    const elsewhere = await endpoint(status(200));
    await pair(lab, await checkOn(lab, elsewhere));
    await roundsOf(elsewhere);
    expect(await lab.answer()).toBe(PRIMARY);
    elsewhere.answer = status(500);
    await becomes(lab, SECONDARY);
  });

  test("exactly one PRIMARY and one SECONDARY, each with an identifier of its own", async () => {
    const lab = await zone();
    await pair(lab);
    const third = { ...failover("PRIMARY", "10.0.0.3"), SetIdentifier: "third" };
    await expect(lab.change(["CREATE", third])).rejects.toMatchObject({
      name: "InvalidChangeBatch",
      message: expect.stringMatching(/SetIdentifier third, and Failover PRIMARY cannot be created/),
    });
    await expect(lab.change(["CREATE", { ...third, SetIdentifier: undefined }])).rejects.toMatchObject({
      name: "InvalidInput",
      message: expect.stringContaining("Missing field 'SetIdentifier' in Change with [Action=CREATE"),
    });
    await expect(lab.change(["CREATE", { ...third, Failover: undefined }])).rejects.toMatchObject({
      message: expect.stringContaining(
        "Expected exactly one of [Weight, Region, Failover, GeoLocation, or MultiValueAnswer], but found none",
      ),
    });
  });

  test("one batch swaps the roles", async () => {
    const lab = await zone();
    await pair(lab);
    await lab.applied(
      ["UPSERT", { ...failover("SECONDARY", PRIMARY), SetIdentifier: "primary" }],
      ["UPSERT", { ...failover("PRIMARY", SECONDARY), SetIdentifier: "secondary" }],
    );
    expect(await lab.answer()).toBe(SECONDARY);
  });
});

describe("aliases", () => {
  const alias = (lab: TestZone, DNSName: string, more: Partial<r53.ResourceRecordSet> = {}): r53.ResourceRecordSet => ({
    Name: "db.example.com",
    Type: "A",
    AliasTarget: { HostedZoneId: lab.HostedZoneId.split("/").at(-1)!, DNSName, EvaluateTargetHealth: true },
    ...more,
  });

  test("an alias evaluates its target's health: nested failover reaches the region that lives", async () => {
    const lab = await zone(FAST);
    const [one, two] = [await endpoint(status(200)), await endpoint(status(200))];
    const target = (Name: string, address: string, HealthCheckId: string, Weight: number) => ({
      ...set(Name, "A", [address], 7),
      SetIdentifier: address,
      Weight,
      HealthCheckId,
    });
    await lab.applied(
      ["CREATE", target("one.example.com", PRIMARY, await checkOn(lab, one), 1)],
      ["CREATE", target("two.example.com", SECONDARY, await checkOn(lab, two), 1)],
      ["CREATE", alias(lab, "one.example.com", { SetIdentifier: "a", Failover: "PRIMARY" })],
      ["CREATE", alias(lab, "two.example.com", { SetIdentifier: "b", Failover: "SECONDARY" })],
    );
    expect(await lab.resolver.resolve4("db.example.com", { ttl: true })).toEqual([{ address: PRIMARY, ttl: 7 }]);
    one.answer = status(500);
    await becomes(lab, SECONDARY);
    two.answer = status(500);
    await becomes(lab, PRIMARY);
  });

  test("an alias that does not evaluate its target is healthy", async () => {
    const lab = await zone(FAST);
    const one = await endpoint(status(500));
    const blind = alias(lab, "one.example.com", { SetIdentifier: "a", Failover: "PRIMARY" });
    await lab.applied(
      ["CREATE", { ...set("one.example.com", "A", [PRIMARY]), SetIdentifier: "1", Weight: 1, HealthCheckId: await checkOn(lab, one) }],
      ["CREATE", { ...blind, AliasTarget: { ...blind.AliasTarget!, EvaluateTargetHealth: false } }],
      ["CREATE", failover("SECONDARY", SECONDARY)],
    );
    await roundsOf(one);
    expect(await lab.answer()).toBe(PRIMARY);
  });

  test("an alias leads to a record of the same type that is there, in the same zone", async () => {
    const lab = await zone();
    const id = lab.HostedZoneId.split("/").at(-1)!;
    const refused = (message: string) => ({ name: "InvalidChangeBatch", message: `[${message}]` });
    const missing = `Tried to create an alias that targets none.example.com., type A in zone ${id}, but that target was not found`;
    await expect(lab.change(["CREATE", alias(lab, "none.example.com")])).rejects.toMatchObject(refused(missing));
    const outside = `Tried to create an alias that targets lb.example.net., type A in zone ${id}`;
    await expect(lab.change(["CREATE", alias(lab, "lb.example.net")])).rejects.toMatchObject(
      refused(`${outside}, but the alias target name does not lie within the target zone, ${outside}, but that target was not found`),
    );
    const both = { ...alias(lab, "a.example.com"), TTL: 60 };
    await expect(lab.change(["CREATE", both])).rejects.toMatchObject({
      name: "InvalidInput",
      message: expect.stringContaining("but found more than one"),
    });
    await lab.applied(["CREATE", alias(lab, "a.example.com")], ["CREATE", set("a.example.com", "A", [PRIMARY])]);
    expect(await lab.answer()).toBe(PRIMARY);
  });
});

describe("weighted records", () => {
  const weighted = (address: string, Weight: number, HealthCheckId?: string): r53.ResourceRecordSet => ({
    ...set("db.example.com", "A", [address]),
    SetIdentifier: address,
    Weight,
    HealthCheckId,
  });
  const counts = async (lab: TestZone, queries: number) => {
    const found: Record<string, number> = {};
    for (let each = 0; each < queries; each++) {
      const address = await lab.answer();
      found[address] = (found[address] ?? 0) + 1;
    }
    return found;
  };

  test("a record is answered as often as its weight says, the same way for the same seed", async () => {
    const runs = [];
    for (const seed of [5, 5]) {
      const lab = await zone({ seed });
      await lab.applied(["CREATE", weighted(PRIMARY, 3)], ["CREATE", weighted(SECONDARY, 1)]);
      runs.push(await counts(lab, 400));
    }
    const [{ [PRIMARY]: one = 0, [SECONDARY]: two = 0 } = {}] = runs;
    expect([one + two, one > 250, two > 50]).toEqual([400, true, true]);
    expect(runs[1]).toEqual(runs[0]);
  });

  test("weight 0 is never answered, unless all are 0: then each is as likely as the next", async () => {
    const lab = await zone({ seed: 9 });
    await lab.applied(["CREATE", weighted(PRIMARY, 1)], ["CREATE", weighted(SECONDARY, 0)]);
    expect(await counts(lab, 50)).toEqual({ [PRIMARY]: 50 });
    await lab.applied(["UPSERT", weighted(PRIMARY, 0)]);
    const found = await counts(lab, 100);
    expect(found[PRIMARY]).toBeGreaterThan(20);
    expect(found[SECONDARY]).toBeGreaterThan(20);
  });

  test("weight 0 is answered when all others are unhealthy; when that one is too, the others are", async () => {
    const lab = await zone(FAST);
    const [one, two] = [await endpoint(status(500)), await endpoint(status(200))];
    await lab.applied(
      ["CREATE", weighted(PRIMARY, 1, await checkOn(lab, one))],
      ["CREATE", weighted(SECONDARY, 0, await checkOn(lab, two))],
    );
    await becomes(lab, SECONDARY);
    two.answer = status(500);
    await becomes(lab, PRIMARY);
  });

  test("weights run from 0 to 255; one TTL for the group; at most 100 records of one name and type", async () => {
    const lab = await zone();
    for (const Weight of [-1, 256])
      await expect(lab.change(["CREATE", weighted(PRIMARY, Weight)])).rejects.toMatchObject({ name: "InvalidInput" });
    const ttl = { ...weighted(SECONDARY, 1), TTL: 60 };
    await expect(lab.change(["CREATE", weighted(PRIMARY, 255)], ["CREATE", ttl])).rejects.toMatchObject({
      name: "InvalidChangeBatch",
      message: expect.stringContaining("cannot be created as weighted sets must contain the same TTL."),
    });
    const many = Array.from(
      { length: 101 },
      (_, at) => ["CREATE", weighted(`10.0.1.${at}`, 1)] as [r53.ChangeAction, r53.ResourceRecordSet],
    );
    await expect(lab.change(...many)).rejects.toMatchObject({ name: "InvalidChangeBatch" });
    await lab.change(...many.slice(1));
  });
});

describe("policies do not mix under one name and type", () => {
  const A = set("db.example.com", "A", [PRIMARY]);
  const failoverSet: r53.ResourceRecordSet = { ...A, SetIdentifier: "f", Failover: "PRIMARY" };
  const weightedSet: r53.ResourceRecordSet = { ...A, SetIdentifier: "w", Weight: 1 };
  test.each([
    ["weighted beside failover", failoverSet, weightedSet, "SetIdentifier w cannot be created as a non-weighted set exists"],
    ["failover beside weighted", weightedSet, failoverSet, "SetIdentifier f cannot be created as a non-failover set exists"],
    ["failover beside simple", A, failoverSet, "SetIdentifier f cannot be created as a non-failover set exists"],
    ["simple beside weighted", weightedSet, A, "cannot be created as other RRSets exist with the same name and type."],
  ])("%s", async (_, first, second, message) => {
    const lab = await zone();
    await lab.change(["CREATE", first]);
    await expect(lab.change(["CREATE", second])).rejects.toMatchObject({
      name: "InvalidChangeBatch",
      message: expect.stringContaining(message),
    });
    await lab.change(["DELETE", first], ["CREATE", second]);
  });

  test("latency, geolocation, multivalue and the like are refused by name", async () => {
    const lab = await zone();
    for (const policy of [{ Region: "eu-west-1" as const }, { GeoLocation: { CountryCode: "*" } }, { MultiValueAnswer: true }])
      await expect(lab.change(["CREATE", { ...A, SetIdentifier: "x", ...policy }])).rejects.toMatchObject({
        name: "InvalidInput",
        message: expect.stringContaining(`no ${Object.keys(policy)[0]} in Change with`),
      });
  });
});
