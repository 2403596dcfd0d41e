import fc from "fast-check";
import { expect, test } from "vitest";
import { mayGo, noteOf } from "../../core/machine-note.ts";
import { asListed, isIncomplete, type MachineSet, type Member, setsOf, setTags, tagsOfMember, volumeOf } from "../../core/machine-set.ts";

const HOME = "eu-central-1";
const AWAY = "eu-west-1";
const AT_MS = Date.UTC(2026, 10, 21, 6);
const SLOT = "20261121t0600";

const member = (id: string, volumeId: string, change: Partial<Member> = {}, volumes = 2): Member => ({
  id,
  region: HOME,
  status: "completed",
  reason: null,
  startedAtMs: AT_MS,
  volumeId,
  sizeGiB: 8,
  encrypted: true,
  kmsKeyId: "arn:aws:kms:eu-central-1:111122223333:key/own",
  tags: setTags("corner-shop", "web-1", SLOT, volumes),
  ...change,
});
const copyOf = (source: Member, id: string, change: Partial<Member> = {}): Member =>
  member(id, "vol-ffffffff", { region: AWAY, startedAtMs: source.startedAtMs + 60_000, tags: tagsOfMember(source), ...change });
const only = (members: readonly Member[]): MachineSet => setsOf(members)[0] as MachineSet;
const FRESH = { wasWhole: false, nowMs: AT_MS + 60_000 };
const root = member("snap-1", "vol-1");
const data = member("snap-2", "vol-2");

test("both volumes' snapshots are there: the set is one backup, as old as EBS says (R6, R7)", () => {
  expect(asListed(only([root, data]), FRESH)).toEqual({
    id: "web-1-20261121t0600",
    region: HOME,
    status: "available",
    takenAtMs: AT_MS,
    encrypted: true,
    kmsKeyId: "arn:aws:kms:eu-central-1:111122223333:key/own",
  });
  expect(setsOf([member("snap-9", "vol-9", { tags: { Name: "by hand" } })])).toEqual([]);
});

test("one volume's snapshot fails: the whole set counts as failed, whatever the others do (R7)", () => {
  expect(asListed(only([root, { ...data, status: "error" }]), FRESH).status).toBe("failed");
  expect(
    asListed(
      only([
        { ...root, status: "pending" },
        { ...data, status: "error" },
      ]),
      FRESH,
    ).status,
  ).toBe("failed");
});

test("somebody deletes one member by hand: what was whole has failed at once, and what is being made is given time (R7, R47)", () => {
  const short = only([root]);
  expect(asListed(short, FRESH).status).toBe("pending");
  expect(asListed(short, { ...FRESH, wasWhole: true }).status).toBe("incomplete");
  expect(asListed(short, { ...FRESH, nowMs: AT_MS + 11 * 60_000 }).status).toBe("failed");
  // Copies are started one by one, in their turn.
  const copying = only([copyOf(root, "snap-11")]);
  expect(isIncomplete(copying, { wasWhole: false, nowMs: AT_MS + 23 * 3_600_000 })).toBe(false);
  expect(isIncomplete(copying, { wasWhole: false, nowMs: AT_MS + 25 * 3_600_000 })).toBe(true);
});

test("a copy's own volume and time mean nothing: it is of its source's volume, and its set is as old as the data (R6)", () => {
  const copies = only([copyOf(root, "snap-11"), copyOf(data, "snap-12")]);
  expect(copies.members.map(volumeOf)).toEqual(["vol-1", "vol-2"]);
  expect(asListed(copies, FRESH)).toMatchObject({ region: AWAY, status: "available", takenAtMs: null });
});

test("a volume that was made of a copy hands its tags on: its snapshot is no copy all the same", () => {
  const handed = { ...copyOf(root, "snap-11").tags, ...setTags("corner-shop", "web-1", SLOT, 1) };
  expect(volumeOf(member("snap-21", "vol-21", { tags: handed }))).toBe("vol-21");
});

test("a copy keeps its source's tags and AWS's own are left out (R15)", () => {
  const tagged = { ...root, tags: { ...root.tags, team: "web", "aws:backup:source": "x" } };
  expect(tagsOfMember(tagged)).toMatchObject({ team: "web", "understudy:source": "snap-1", "understudy:volume": "vol-1" });
  expect(Object.keys(tagsOfMember(tagged)).some((key) => key.startsWith("aws:"))).toBe(false);
});

test("the reply to a copy was lost and it was asked for twice: the first counts, and both go one day", () => {
  const set = only([copyOf(root, "snap-11"), copyOf(root, "snap-13", { startedAtMs: AT_MS + 120_000 }), copyOf(data, "snap-12")]);
  expect(set.members.map(({ id }) => id)).toEqual(["snap-11", "snap-12"]);
  const note = noteOf("web-1", SLOT, { region: HOME } as never, [set], { whole: true });
  expect(mayGo(set, note).map(({ id }) => id)).toEqual(["snap-11", "snap-12", "snap-13"]);
});

test("what bears the tags and stands in no note is never deleted (R29)", () => {
  const set = only([root, data]);
  const note = noteOf("web-1", SLOT, { region: HOME } as never, [only([root])], { whole: false });
  expect(mayGo(set, note).map(({ id }) => id)).toEqual(["snap-1"]);
  expect(mayGo(set, null)).toEqual([]);
});

test("whatever is listed in whatever order: a set is good only if every volume's first snapshot is completed, and one that was whole is never good without a member", () => {
  const status = fc.constantFrom("completed", "pending", "error");
  fc.assert(
    fc.property(
      fc
        .integer({ min: 1, max: 6 })
        .chain((volumes) => fc.tuple(fc.constant(volumes), fc.array(status, { minLength: volumes, maxLength: volumes }))),
      fc.array(fc.nat(5), { maxLength: 6 }),
      fc.nat(),
      ([volumes, statuses], gone, turn) => {
        const all = statuses.map((each, at) => member(`snap-${at}`, `vol-${at}`, { status: each }, volumes));
        const left = all.filter((_, at) => !gone.includes(at));
        if (left.length === 0) return;
        const by = turn % left.length;
        const rotated = [...left.slice(by), ...left.slice(0, by)];
        const found = asListed(only(rotated), { ...FRESH, wasWhole: true });
        expect(found).toEqual(asListed(only(left), { ...FRESH, wasWhole: true }));
        const whole = left.length === volumes && left.every((each) => each.status === "completed");
        expect(found.status === "available").toBe(whole);
        if (left.some((each) => each.status === "error")) expect(found.status).toBe("failed");
        else if (left.length < volumes) expect(found.status).toBe("incomplete");
      },
    ),
  );
});
