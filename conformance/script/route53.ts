/** Route 53: zones, record changes, pages. The account's five requests a second are waited for. */
import type { Json } from "../json.ts";
import type { Story } from "../story.ts";

const change = (Action: string, Name: string, Type: string, TTL: number, ...values: string[]): Json => ({
  Action,
  ResourceRecordSet: { Name, Type, TTL, ResourceRecords: values.map((Value) => ({ Value })) },
});
const batch = (...Changes: Json[]): Json => ({ HostedZoneId: "${zone}", ChangeBatch: { Changes } });

const SERVERS = Object.fromEntries([0, 1, 2, 3].map((at) => [`server ${at}`, `DelegationSet.NameServers[${at}]`]));

const records: Story = {
  title: "the database's name",
  service: "route53",
  region: "us-east-1",
  calls: [
    [
      "CreateHostedZone",
      { Name: "shop.example", CallerReference: "one", HostedZoneConfig: { Comment: "the shop" } },
      { keep: { zone: "HostedZone.Id", created: "ChangeInfo.Id", ...SERVERS } },
    ],
    ["GetChange", { Id: "${created}" }, { until: ["ChangeInfo.Status", "INSYNC"] }],
    ["GetHostedZone", { Id: "${zone}" }],
    ["GetHostedZone", { Id: "Z000NOSUCHZONE" }],
    ["ListHostedZones"],
    ["ListHostedZonesByName", { DNSName: "shop.example" }],
    ["ListResourceRecordSets", { HostedZoneId: "${zone}" }, { as: "a zone's first records" }],

    [
      "ChangeResourceRecordSets",
      batch(change("CREATE", "db.shop.example", "CNAME", 1, "shop-a.example.com")),
      { keep: { change: "ChangeInfo.Id" } },
    ],
    ["GetChange", { Id: "${change}" }, { until: ["ChangeInfo.Status", "INSYNC"] }],
    ["GetChange", { Id: "C000NOSUCHCHANGE" }, { as: "a change of nobody" }],
    [
      "ChangeResourceRecordSets",
      batch(change("UPSERT", "db.shop.example", "CNAME", 5, "shop-b.example.com")),
      { keep: { "second change": "ChangeInfo.Id" } },
    ],
    [
      "ChangeResourceRecordSets",
      batch(change("UPSERT", "db.other.example", "CNAME", 1, "x.example.com")),
      { as: "a name of another zone" },
    ],
    [
      "ChangeResourceRecordSets",
      batch(
        change("UPSERT", "one.shop.example", "A", 60, "192.0.2.1", "192.0.2.2"),
        change("CREATE", "*.shop.example", "TXT", 60, '"any name"'),
        change("CREATE", "aaaa.shop.example.", "AAAA", 60, "2001:db8::1"),
      ),
    ],
    ["ChangeResourceRecordSets", batch()],
    [
      "ChangeResourceRecordSets",
      { HostedZoneId: "Z000NOSUCHZONE", ChangeBatch: { Changes: [change("CREATE", "a.shop.example", "A", 1, "192.0.2.1")] } },
    ],
    ["ListResourceRecordSets", { HostedZoneId: "${zone}" }],
    ["ListResourceRecordSets", { HostedZoneId: "${zone}", MaxItems: "2" }],
    ["ListResourceRecordSets", { HostedZoneId: "${zone}", StartRecordName: "db.shop.example", StartRecordType: "CNAME" }],
    ["ListResourceRecordSets", { HostedZoneId: "${zone}", StartRecordType: "CNAME" }, { as: "a start type without a name" }],
    ["ListResourceRecordSets", { HostedZoneId: "Z000NOSUCHZONE" }],
    ["DeleteHostedZone", { Id: "${zone}" }, { as: "a zone with records deleted" }],
    [
      "ChangeResourceRecordSets",
      batch(
        change("DELETE", "db.shop.example", "CNAME", 5, "shop-b.example.com"),
        change("DELETE", "one.shop.example", "A", 60, "192.0.2.1", "192.0.2.2"),
        change("DELETE", "*.shop.example", "TXT", 60, '"any name"'),
        change("DELETE", "aaaa.shop.example", "AAAA", 60, "2001:db8::1"),
      ),
    ],
    ["DeleteHostedZone", { Id: "${zone}" }],
    ["DeleteHostedZone", { Id: "${zone}" }],

    // In a zone of their own, because what one of the two takes would be in the way of the rest.
    [
      "CreateHostedZone",
      { Name: "shop.example", CallerReference: "two" },
      { keep: { zone: "HostedZone.Id", created: "ChangeInfo.Id", ...SERVERS } },
    ],
    ["ChangeResourceRecordSets", batch(change("CREATE", "db.shop.example", "CNAME", 1, "shop-a.example.com"))],
    [
      "ChangeResourceRecordSets",
      batch(change("CREATE", "db.shop.example", "CNAME", 1, "shop-b.example.com")),
      { as: "a record created twice" },
    ],
    [
      "ChangeResourceRecordSets",
      batch(change("DELETE", "nobody.shop.example", "CNAME", 1, "x.example.com")),
      { as: "a record of nobody deleted" },
    ],
    [
      "ChangeResourceRecordSets",
      batch(change("DELETE", "db.shop.example", "CNAME", 1, "shop-b.example.com")),
      { as: "a delete with another TTL" },
    ],
    ["ChangeResourceRecordSets", batch(change("UPSERT", "shop.example", "CNAME", 1, "x.example.com")), { as: "a CNAME at the apex" }],
    ["ChangeResourceRecordSets", batch(change("CREATE", "db.shop.example", "A", 1, "192.0.2.1")), { as: "an A beside a CNAME" }],
    ["ChangeResourceRecordSets", batch(change("CREATE", "ip.shop.example", "A", 1, "300.0.2.1")), { as: "an A that is no address" }],
    ["ChangeResourceRecordSets", batch(change("CREATE", "text.shop.example", "TXT", 1, "no quotes")), { as: "a TXT without quotes" }],
    [
      "ChangeResourceRecordSets",
      batch(change("CREATE", "one.shop.example", "A", 1, "192.0.2.1"), change("DELETE", "nobody.shop.example", "A", 1, "192.0.2.1")),
      { as: "a batch that holds in part" },
    ],
    ["ChangeResourceRecordSets", batch(change("UPSERT", "Upper.Shop.Example", "A", 60, "192.0.2.9"))],
    [
      "ListResourceRecordSets",
      { HostedZoneId: "${zone}", StartRecordName: "upper.shop.example", MaxItems: "1" },
      { as: "a name given in capitals" },
    ],
    ["CreateHostedZone", { Name: "shop.example", CallerReference: "two" }, { as: "a caller's reference twice" }],
    ["CreateHostedZone", { Name: "a..b", CallerReference: "three" }, { as: "a zone with an empty label" }],
  ],
};

export const ROUTE53: readonly Story[] = [records];
