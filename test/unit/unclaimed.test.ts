import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Listed } from "../../core/catalogue.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { type ListedInstance, nearlyFull, orphans, stripped, unprotected } from "../../core/unclaimed.ts";
import { unheard } from "../../core/unheard.ts";

const parsed = parsePlan(readFileSync(join(import.meta.dirname, "../../recovery-plan.yml"), "utf8"));
if (!parsed.ok) throw new Error("the example plan is wrong");
const plan: Plan = parsed.plan;
const HOME = "eu-central-1";

const instance = (id: string, change: Partial<ListedInstance> = {}): ListedInstance => ({
  id,
  region: HOME,
  sourceId: null,
  clusterId: null,
  kmsKeyId: null,
  tags: {},
  ...change,
});
const snapshot = (id: string, tags: Record<string, string>): Listed => ({
  id,
  region: HOME,
  status: "available",
  takenAtMs: 0,
  encrypted: false,
  kmsKeyId: null,
  tags,
});
const ours = (database: string) => ({ "understudy:plan": plan.name, "understudy:database": database, "understudy:slot": "20261121t0000" });
const ids = (found: readonly { id: string }[]) => found.map(({ id }) => id);

test("an instance nobody thought of is told; those of the plan, those Understudy made and those that are excused are not (R1)", () => {
  const all = [
    instance("shop-a"),
    instance("shop-b", { sourceId: "shop-a" }),
    instance("shop-a-g2", { tags: { "understudy:plan": plan.name } }),
    instance("reports"),
    instance("sandbox"),
  ];
  expect(ids(unprotected(all, plan))).toEqual(["unprotected-eu-central-1-reports", "unprotected-eu-central-1-sandbox"]);
  const excusing: Plan = { ...plan, unprotected: [{ instance: "sandbox", because: "made anew each night" }] };
  expect(ids(unprotected(all, excusing))).toEqual(["unprotected-eu-central-1-reports"]);
});

test("another region's instance of the same name is another instance", () => {
  expect(ids(unprotected([instance("shop-a", { region: "eu-west-1" })], plan))).toEqual(["unprotected-eu-west-1-shop-a"]);
});

test("a replica and a cluster's member are covered where their primary and their cluster are, and told by those (R2)", () => {
  const all = [
    instance("reports"),
    instance("reports-replica", { sourceId: "reports" }),
    instance("till-1", { clusterId: "till" }),
    instance("till-2", { clusterId: "till" }),
  ];
  expect(unprotected(all, plan).map(({ sentence }) => sentence)).toEqual([
    "The DB instance reports in eu-central-1 is in no plan: nothing backs it up here, and nothing moves it.",
    "The DB cluster till in eu-central-1 is in no plan: nothing backs it up here, and nothing moves it.",
  ]);
});

test("a database leaves the plan: its backups are told as orphans, together (R31)", () => {
  const all = [
    snapshot("understudy-shop-1", ours("shop")),
    snapshot("understudy-till-1", ours("till")),
    snapshot("understudy-till-2", ours("till")),
  ];
  expect(orphans(all, plan).map(({ sentence }) => sentence)).toEqual([
    "2 snapshots (understudy-till-1 (eu-central-1), understudy-till-2 (eu-central-1)) of till belong to no backup of the plan: nothing deletes them, and they count against the quota.",
  ]);
  // A rescue snapshot is for people to keep or delete.
  expect(orphans([snapshot("understudy-rescue-till-a-g1", { "understudy:plan": plan.name, "understudy:database": "till" })], plan)).toEqual(
    [],
  );
});

test("others fill a region: people hear of it before it takes no more backup (R30)", () => {
  const counts = { "eu-central-1": { all: 89, ours: 30 }, "eu-west-1": { all: 90, ours: 30 } };
  expect(nearlyFull(counts, 100).map(({ id, sentence }) => [id, sentence])).toEqual([
    [
      "nearly-full-eu-west-1",
      "eu-west-1 holds 90 of the 100 manual snapshots the account may have there, 30 of them Understudy's: once it is full, no backup is made or copied there.",
    ],
  ]);
  expect(nearlyFull(counts, 200)).toEqual([]);
});

test("somebody takes tags away: what the catalogue knows is told, what it never knew is somebody else's (R31)", () => {
  const known = new Set(["understudy-shop-1"]);
  expect(ids(stripped([snapshot("understudy-shop-1", {}), snapshot("understudy-shop-by-hand", {})], known, plan))).toEqual([
    "stripped-understudy-shop-1",
  ]);
  expect(stripped([snapshot("understudy-shop-1", ours("shop"))], known, plan)).toEqual([]);
});

test("an address never confirmed its subscription, another is gone from the topic: both are told, whoever hears is not (R46)", () => {
  const subscriptions = [
    { address: "Ops@shop.example", confirmed: true },
    { address: "owner@shop.example", confirmed: false },
    { address: "stranger@shop.example", confirmed: true },
  ];
  const found = unheard(["ops@shop.example", "owner@shop.example", "gone@shop.example"], subscriptions);
  expect(found.map(({ id, sentence }) => [id, sentence])).toEqual([
    ["unheard-owner-shop-example", "owner@shop.example hears nothing: it has not confirmed its subscription."],
    ["unheard-gone-shop-example", "gone@shop.example hears nothing: it is not subscribed to Understudy's mails."],
  ]);
  expect(unheard(["owner@shop.example"], [...subscriptions, { address: "owner@shop.example", confirmed: true }])).toEqual([]);
});
