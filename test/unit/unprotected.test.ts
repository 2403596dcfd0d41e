import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { MachineSet } from "../../core/machine-set.ts";
import { parsePlan } from "../../core/plan/parse.ts";
import type { Plan } from "../../core/plan/schema.ts";
import { type Estate, type ListedMachine, type ListedVolume, orphanSets, unprotectedEstate } from "../../core/unprotected.ts";

const parsed = parsePlan(readFileSync(join(import.meta.dirname, "../../recovery-plan.yml"), "utf8"));
if (!parsed.ok) throw new Error("the example plan is wrong");
const HOME = "eu-central-1";
const WEB = "i-0a1b2c3d4e5f60001";
const LOST = "i-0a1b2c3d4e5f60002";
const plan: Plan = {
  ...parsed.plan,
  machines: [{ name: "web-1", instance: WEB, region: HOME, everyMinutes: 60, copyTo: "eu-west-1" }],
};

const machine = (id: string, change: Partial<ListedMachine> = {}): ListedMachine => ({
  id,
  region: HOME,
  called: null,
  group: null,
  ...change,
});
const volume = (id: string, instance: string | null): ListedVolume => ({ id, region: HOME, sizeGiB: 40, instance });
const NOTHING: Estate = { machines: [], volumes: [], buckets: [] };
const told = (estate: Partial<Estate>, of = plan) => unprotectedEstate({ ...NOTHING, ...estate }, of);
const ids = (found: readonly { id: string }[]) => found.map(({ id }) => id);

test("a machine nobody thought of is told, with its name; that of the plan and one that is excused are not (R1)", () => {
  const machines = [machine(WEB), machine(LOST, { called: "the old wiki" })];
  expect(told({ machines }).map(({ sentence }) => sentence)).toEqual([
    `The EC2 instance ${LOST} (the old wiki) in eu-central-1 is in no plan: nothing backs its volumes up here.`,
  ]);
  expect(told({ machines }, { ...plan, unprotected: [{ instance: LOST, because: "holds nothing" }] })).toEqual([]);
});

test("an Auto Scaling group is told once, however many instances it has today; a site's own is the plan's (R1)", () => {
  const machines = [machine("i-1", { group: "workers" }), machine("i-2", { group: "workers" })];
  expect(ids(told({ machines }))).toEqual(["unprotected-eu-central-1-workers"]);
  expect(told({ machines }, { ...plan, unprotected: [{ instance: "workers", because: "holds nothing" }] })).toEqual([]);
  const recovery = { group: "workers", region: HOME, capacity: 1 };
  const site = { name: "web", databases: [], records: [], recovery } as unknown as NonNullable<Plan["sites"]>[number];
  expect(told({ machines }, { ...plan, sites: [site] })).toEqual([]);
});

test("a volume is told by its instance, and by itself when it is attached to nothing (R1)", () => {
  const machines = [machine(LOST)];
  const volumes = [volume("vol-1", WEB), volume("vol-2", LOST), volume("vol-3", null), volume("vol-4", null)];
  expect(ids(told({ machines, volumes }))).toEqual([
    `unprotected-${HOME}-${LOST}`,
    `unprotected-${HOME}-vol-3`,
    `unprotected-${HOME}-vol-4`,
  ]);
  const excusing: Plan = { ...plan, unprotected: [{ volume: "vol-3", because: "scratch" }] };
  expect(ids(told({ volumes }, excusing))).toEqual([`unprotected-${HOME}-vol-4`]);
});

test("a bucket that keeps no versions is told; one that does, one that is excused and that of Understudy's own code are not (R1)", () => {
  const buckets = ["uploads", "kept", "scratch", "understudy-corner-shop-serverlessdeploymentbuck-1a2b3c"].map((name) => ({
    name,
    region: HOME,
    versioned: name === "kept",
  }));
  const excusing: Plan = { ...plan, unprotected: [{ bucket: "scratch", because: "made anew" }] };
  expect(told({ buckets }, excusing).map(({ sentence }) => sentence)).toEqual([
    "The S3 bucket uploads in eu-central-1 keeps no versions: what is overwritten or deleted in it is lost.",
  ]);
});

test("a machine leaves the plan: its sets are told as orphans, together (R31)", () => {
  const set = (machine: string, region: string, ...ids: string[]) =>
    ({ machine, slot: "20261121t0600", region, volumes: 2, members: [], all: ids.map((id) => ({ id })) }) as unknown as MachineSet;
  const sets = [set("web-1", HOME, "snap-1"), set("web-2", HOME, "snap-2", "snap-3"), set("web-2", "eu-west-1", "snap-4")];
  expect(orphanSets(sets, plan).map(({ sentence }) => sentence)).toEqual([
    "3 EBS snapshots in eu-central-1 and eu-west-1 are of the machine web-2, which the plan does not have: nothing deletes them.",
  ]);
});
