import { createServer } from "node:net";
import * as r53 from "@aws-sdk/client-route-53";
import { expect, test, vi } from "vitest";
import { endpoint, status } from "./endpoint.ts";
import { closing } from "./on-the-wire.ts";
import { set, type TestZone, zone } from "./route53-zone.ts";

const FAST = { healthCheckMs: () => 20 };

/** A health check on 127.0.0.1, looked at every few milliseconds. */
async function checkOn({ client }: TestZone, config: Partial<r53.HealthCheckConfig>, CallerReference = "check") {
  const { HealthCheck } = await client.send(
    new r53.CreateHealthCheckCommand({
      CallerReference,
      HealthCheckConfig: { Type: "HTTP", IPAddress: "127.0.0.1", FailureThreshold: 1, RequestInterval: 10, ...config },
    }),
  );
  return HealthCheck!;
}

const statuses = async ({ client }: TestZone, HealthCheckId: string) =>
  (await client.send(new r53.GetHealthCheckStatusCommand({ HealthCheckId }))).HealthCheckObservations!.map(
    ({ StatusReport }) => StatusReport!.Status!,
  );

/** Waits until every checker says something that matches. */
const allSay = (lab: TestZone, id: string, text: RegExp) =>
  vi.waitFor(async () => {
    const said = await statuses(lab, id);
    expect(said).toHaveLength(8);
    for (const each of said) expect(each).toMatch(text);
  }, 10_000);

test("HTTP: 2xx and 3xx pass, a redirect is not followed, anything else fails, and the request names its health check", async () => {
  const lab = await zone(FAST);
  const shop = await endpoint();
  const { Id } = await checkOn(lab, { Port: shop.port, ResourcePath: "health?full=1", FullyQualifiedDomainName: "shop.example.com" });
  await allSay(lab, Id!, /^Success: HTTP Status Code 200, OK$/);
  expect(shop.asked[0]).toMatchObject({
    path: "/health?full=1",
    headers: { host: `shop.example.com:${shop.port}`, "user-agent": expect.stringContaining(`(ref ${Id};`) },
  });
  expect(new Set(shop.asked.map(({ from }) => from)).size).toBe(process.platform === "linux" ? 8 : 1);
  shop.answer = (_, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end();
  await allSay(lab, Id!, /^Success: HTTP Status Code 302, Found$/);
  for (const code of [404, 500]) {
    shop.answer = status(code);
    await allSay(lab, Id!, new RegExp(`^Failure: HTTP Status Code ${code}`));
  }
  const failures = await lab.client.send(new r53.GetHealthCheckLastFailureReasonCommand({ HealthCheckId: Id }));
  expect(failures.HealthCheckObservations?.[0]).toMatchObject({
    Region: "us-east-1",
    IPAddress: expect.stringMatching(/^127\.0\./),
    StatusReport: { Status: "Failure: HTTP Status Code 500, Internal Server Error", CheckedTime: expect.any(Date) },
  });
});

test("the database's host is gone, hangs, or closes its port", async () => {
  const lab = await zone({ ...FAST, probeLimits: { connectMs: 300, responseMs: 60 } });
  const hosts = lab.lab.world.state<Record<string, string>>("hosts", () => ({}));
  const shop = await endpoint();
  const name = "shop-a.c1.eu-central-1.rds.amazonaws.com";
  const { Id } = await checkOn(lab, { IPAddress: undefined, FullyQualifiedDomainName: name, Port: shop.port });
  await allSay(lab, Id!, /^Failure: DNS resolution failed/);
  hosts[name] = "127.0.0.1";
  await allSay(lab, Id!, /^Success: HTTP Status Code 200, OK\. Resolved IP: 127\.0\.0\.1$/);
  shop.answer = () => {};
  await allSay(lab, Id!, /^Failure: Response timed out/);
  await shop.close();
  await allSay(lab, Id!, /^Failure: Connection refused/);
});

test("a name of the zone is looked up as its clients would", async () => {
  const lab = await zone(FAST);
  const shop = await endpoint();
  await lab.applied(["CREATE", set("shop.example.com", "CNAME", ["a.example.com"])], ["CREATE", set("a.example.com", "A", ["127.0.0.1"])]);
  const { Id } = await checkOn(lab, { IPAddress: undefined, FullyQualifiedDomainName: "shop.example.com", Port: shop.port });
  await allSay(lab, Id!, /^Success/);
});

test("string matching: the text counts inside the first 5,120 bytes only, and its body must come in time", async () => {
  const lab = await zone({ ...FAST, probeLimits: { bodyMs: 60 } });
  const shop = await endpoint(status(200, `${"x".repeat(5116)}good`));
  const { Id } = await checkOn(lab, { Type: "HTTP_STR_MATCH", SearchString: "good", Port: shop.port });
  await allSay(lab, Id!, /^Success/);
  shop.answer = status(200, `${"x".repeat(5117)}good`);
  await allSay(lab, Id!, /^Failure: .*search string was not found/);
  shop.answer = (_, response) => response.writeHead(200).write("go");
  await allSay(lab, Id!, /^Failure: Response body timed out/);
  shop.answer = status(500, "good");
  await allSay(lab, Id!, /^Failure: HTTP Status Code 500/);
});

test("TCP: an open port is enough", async () => {
  const lab = await zone(FAST);
  const server = createServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing({ close: () => new Promise((resolve) => server.close(() => resolve())) });
  const { port } = server.address() as { port: number };
  const { Id } = await checkOn(lab, { Type: "TCP", Port: port });
  await allSay(lab, Id!, /^Success: TCP connection established$/);
});

test("HTTPS: an expired certificate for another name is no failure, and the name is in the client_hello", async () => {
  const lab = await zone(FAST);
  const pem = selfSigned();
  const names: string[] = [];
  const shop = await endpoint(status(200, "good"), {
    ...pem,
    SNICallback: (name, done) => {
      names.push(name);
      done(null);
    },
  });
  const { Id } = await checkOn(lab, { Type: "HTTPS", Port: shop.port, FullyQualifiedDomainName: "shop.example.com" });
  await allSay(lab, Id!, /^Success/);
  expect(new Set(names)).toEqual(new Set(["shop.example.com"]));
  const matching = await checkOn(lab, { Type: "HTTPS_STR_MATCH", SearchString: "good", Port: shop.port, EnableSNI: false }, "two");
  await allSay(lab, matching.Id!, /^Success/);
});

/** For a host named "other", signed by itself, valid for the year 2000. Its key guards nothing. */
function selfSigned(): { key: string; cert: string } {
  const key = [
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguQfvFI7ZXc+bE7kj",
    "L2RSQ8kGcqhLqj/LrHN748dKZdShRANCAAS8fakGA4NpWJPBfuBB2l2fG9ZOPoRK",
    "zWiaQR1GQ1d2tiltrK1jXYIIukNMPZt8mqWOItE1479aHsJ3hxx878sS",
  ];
  const cert = [
    "MIIBCDCBrgIBATAKBggqhkjOPQQDAjAQMQ4wDAYDVQQDDAVvdGhlcjAeFw0wMDAx",
    "MDEwMDAwMDBaFw0wMTAxMDEwMDAwMDBaMBAxDjAMBgNVBAMMBW90aGVyMFkwEwYH",
    "KoZIzj0CAQYIKoZIzj0DAQcDQgAEvH2pBgODaViTwX7gQdpdnxvWTj6ESs1omkEd",
    "RkNXdrYpbaytY12CCLpDTD2bfJqljiLRNeO/Wh7Cd4ccfO/LEjAKBggqhkjOPQQD",
    "AgNJADBGAiEAm3mBgtN//tfviXg6sMx0gucABG/Y2tlOMGB8PgVoxLsCIQDsriEi",
    "IWKW6qQ8yLTiTQOgCBApt9sjhFhsZ+jP7AWcEQ==",
  ];
  const pem = (kind: string, lines: string[]) => [`-----BEGIN ${kind}-----`, ...lines, `-----END ${kind}-----`, ""].join("\n");
  return { key: pem("PRIVATE KEY", key), cert: pem("CERTIFICATE", cert) };
}

test("a checker changes its mind after FailureThreshold answers in a row, in both directions", async () => {
  const lab = await zone({ healthCheckMs: () => 5 });
  let good = true;
  const answers: boolean[] = [];
  const shop = await endpoint((request, response) => {
    if (request.socket.remoteAddress === "127.0.53.1" || process.platform !== "linux") answers.push(good);
    status(good ? 200 : 500)(request, response);
  });
  const { Id } = await checkOn(lab, { Port: shop.port, FailureThreshold: 4 });
  const minds = () =>
    lab.lab.world.state<{ healthChecks: Record<string, { checkers: { healthy: boolean; against: number }[] }> }>("route53", () => {
      throw new Error("no state");
    }).healthChecks[Id!]!.checkers[0]!;
  await vi.waitFor(() => expect(answers.length).toBeGreaterThan(1));
  expect(minds()).toMatchObject({ healthy: true, against: 0 });
  for (const turn of [false, true]) {
    good = turn;
    const from = answers.length;
    await vi.waitFor(() => expect(minds()).toMatchObject({ healthy: turn, against: 0 }), { interval: 1, timeout: 10_000 });
    if (process.platform === "linux") expect(answers.slice(from).filter((each) => each === turn).length).toBeGreaterThanOrEqual(4);
  }
});

test("a health check is made once for a caller reference, and a spent reference is never taken again", async () => {
  const { client, ...rest } = await zone();
  const lab = { client, ...rest } as TestZone;
  const made = await checkOn(lab, { Port: 80 });
  expect(made).toMatchObject({ CallerReference: "check", HealthCheckVersion: 1 });
  expect(made.HealthCheckConfig).toEqual({
    Type: "HTTP",
    IPAddress: "127.0.0.1",
    Port: 80,
    RequestInterval: 10,
    FailureThreshold: 1,
    MeasureLatency: false,
    EnableSNI: false,
    Inverted: false,
    Disabled: false,
  });
  expect((await checkOn(lab, { Port: 80 })).Id).toBe(made.Id);
  const exists = { name: "HealthCheckAlreadyExists", $metadata: { httpStatusCode: 409 } };
  await expect(checkOn(lab, { Port: 81 })).rejects.toMatchObject(exists);
  expect((await checkOn(lab, { Port: 80 }, "another")).Id).not.toBe(made.Id);
  await client.send(new r53.DeleteHealthCheckCommand({ HealthCheckId: made.Id }));
  await expect(checkOn(lab, { Port: 80 })).rejects.toMatchObject(exists);
  await expect(client.send(new r53.GetHealthCheckCommand({ HealthCheckId: made.Id }))).rejects.toMatchObject({
    name: "NoSuchHealthCheck",
    $metadata: { httpStatusCode: 404 },
  });
});

test("health checks are listed in pages and counted", async () => {
  const lab = await zone();
  const ids: string[] = [];
  for (const reference of ["a", "b", "c"]) ids.push((await checkOn(lab, { Port: 80 }, reference)).Id!);
  const first = await lab.client.send(new r53.ListHealthChecksCommand({ MaxItems: 2 }));
  expect(first).toMatchObject({ IsTruncated: true, NextMarker: ids[2], MaxItems: 2 });
  const second = await lab.client.send(new r53.ListHealthChecksCommand({ MaxItems: 2, Marker: first.NextMarker }));
  expect([...first.HealthChecks!, ...second.HealthChecks!].map(({ Id }) => Id)).toEqual(ids);
  expect(second.IsTruncated).toBe(false);
  expect((await lab.client.send(new r53.GetHealthCheckCountCommand({}))).HealthCheckCount).toBe(3);
});

test("an update changes what may change; Regions may be reset; address and name keep their roles", async () => {
  const lab = await zone();
  const { Id } = await checkOn(lab, { IPAddress: undefined, FullyQualifiedDomainName: "a.example.com", Port: 80, ResourcePath: "/x" });
  const update = (input: Partial<r53.UpdateHealthCheckCommandInput>) =>
    lab.client.send(new r53.UpdateHealthCheckCommand({ HealthCheckId: Id, ...input }));
  const regions: r53.HealthCheckRegion[] = ["eu-west-1", "us-east-1", "us-west-2"];
  const { HealthCheck } = await update({ Regions: regions, FailureThreshold: 5, Inverted: true, ResetElements: ["ResourcePath"] });
  expect(HealthCheck).toMatchObject({
    HealthCheckVersion: 2,
    HealthCheckConfig: { Regions: regions, FailureThreshold: 5, Inverted: true },
  });
  expect(HealthCheck!.HealthCheckConfig!.ResourcePath).toBeUndefined();
  expect((await update({ ResetElements: ["Regions"] })).HealthCheck!.HealthCheckConfig!.Regions).toBeUndefined();
  const wrong: Partial<r53.UpdateHealthCheckCommandInput>[] = [
    { IPAddress: "127.0.0.1" },
    { ResetElements: ["FullyQualifiedDomainName"] },
    { Regions: ["eu-west-1"] },
    { FailureThreshold: 11 },
    { SearchString: "x" },
  ];
  for (const input of wrong) await expect(update(input)).rejects.toMatchObject({ name: "InvalidInput" });
  expect((await lab.client.send(new r53.GetHealthCheckCommand({ HealthCheckId: Id }))).HealthCheck!.HealthCheckVersion).toBe(3);
});

test.each<[Partial<r53.HealthCheckConfig>, RegExp]>([
  [{ RequestInterval: 20 }, /must be 10 or 30/],
  [{ FailureThreshold: 0 }, /from 1 to 10/],
  [{ IPAddress: "10.0.0.1" }, /no health checker reaches it/],
  [{ IPAddress: "not an address" }, /neither an IPv4 nor an IPv6 address/],
  [{ IPAddress: undefined }, /Either an IPAddress or a FullyQualifiedDomainName/],
  [{ Port: 70_000 }, /from 1 to 65535/],
  [{ Type: "TCP" }, /must have a port specified/],
  [{ Type: "HTTP_STR_MATCH" }, /must have a search string/],
  [{ SearchString: "x" }, /must not have a search string/],
  [{ Regions: ["us-east-1", "us-west-1"] }, /at least three/],
  [{ AlarmIdentifier: { Region: "eu-west-1", Name: "x" } }, /Basic health checks must not have an metric region specified\./],
  [{ Type: "CALCULATED", IPAddress: undefined, FailureThreshold: undefined, RequestInterval: undefined }, /must have a health threshold/],
  [{ Type: "CALCULATED", HealthThreshold: 1 }, /Calculated health checks must not have IPAddress/],
  [{ Type: "RECOVERY_CONTROL", RoutingControlArn: "arn:aws:route53-recovery-control::1:x" }, /no routing controls.*RECOVERY_CONTROL/],
])("the settings %j are refused", async (config, message) => {
  const lab = await zone();
  await expect(checkOn(lab, config)).rejects.toMatchObject({ name: "InvalidInput", message: expect.stringMatching(message) });
  expect((await lab.client.send(new r53.GetHealthCheckCountCommand({}))).HealthCheckCount).toBe(0);
});

test("tags of zones and of health checks", async () => {
  const lab = await zone();
  const { client, HostedZoneId } = lab;
  const zoneId = HostedZoneId.split("/").at(-1)!;
  const { Id } = await checkOn(lab, { Port: 80 });
  const both = [
    ["hostedzone", zoneId],
    ["healthcheck", Id!],
  ] as const;
  for (const [ResourceType, ResourceId] of both) {
    const tag = (AddTags: r53.Tag[], RemoveTagKeys?: string[]) =>
      client.send(new r53.ChangeTagsForResourceCommand({ ResourceType, ResourceId, AddTags, RemoveTagKeys }));
    await tag([
      { Key: "Name", Value: "shop" },
      { Key: "old", Value: "1" },
    ]);
    await tag([{ Key: "Name", Value: "the shop" }], ["old"]);
    const { ResourceTagSet } = await client.send(new r53.ListTagsForResourceCommand({ ResourceType, ResourceId }));
    expect(ResourceTagSet).toEqual({ ResourceType, ResourceId, Tags: [{ Key: "Name", Value: "the shop" }] });
    const many = await client.send(new r53.ListTagsForResourcesCommand({ ResourceType, ResourceIds: [ResourceId] }));
    expect(many.ResourceTagSets).toEqual([ResourceTagSet]);
    const eleven = Array.from({ length: 10 }, (_, at) => ({ Key: `k${at}`, Value: "" }));
    await expect(tag(eleven)).rejects.toMatchObject({ name: "InvalidInput" });
  }
  const missing = client.send(new r53.ListTagsForResourceCommand({ ResourceType: "healthcheck", ResourceId: "none" }));
  await expect(missing).rejects.toMatchObject({ name: "NoSuchHealthCheck", $metadata: { httpStatusCode: 404 } });
  const zoneless = client.send(new r53.ListTagsForResourceCommand({ ResourceType: "hostedzone", ResourceId: "Z1" }));
  await expect(zoneless).rejects.toMatchObject({ name: "NoSuchHostedZone", $metadata: { httpStatusCode: 404 } });
});

test("a lab that goes on knows its health checks, what they saw, and looks again", async () => {
  const shop = await endpoint(status(500));
  const before = await zone(FAST);
  const { Id } = await checkOn(before, { Port: shop.port });
  await allSay(before, Id!, /^Failure: HTTP Status Code 500/);
  await before.applied(
    ["CREATE", { ...set("db.example.com", "A", ["10.0.0.1"]), SetIdentifier: "a", Failover: "PRIMARY", HealthCheckId: Id }],
    ["CREATE", { ...set("db.example.com", "A", ["10.0.0.2"]), SetIdentifier: "b", Failover: "SECONDARY" }],
  );
  await before.lab.world.close();
  const after = await zone({ ...FAST, state: JSON.parse(JSON.stringify(before.lab.world.save())) });
  expect(await after.answer()).toBe("10.0.0.2");
  shop.answer = status(200);
  await allSay(after, Id!, /^Success/);
  expect(await after.answer()).toBe("10.0.0.1");
});
