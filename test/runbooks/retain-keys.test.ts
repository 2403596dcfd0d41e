import { expect, test } from "vitest";
import { ServiceError } from "../../lab/wire/errors.ts";
import { bench, instead } from "./bench.ts";

const open = bench((text) => text.replace("copyTo: eu-west-1", "copyTo: eu-west-1\n    kmsKeyId: alias/copies"));
const HOME = "eu-central-1";
const AWAY = "eu-west-1";

async function found(): Promise<readonly string[]> {
  const { retain } = await import("../../runbooks/retain.ts");
  const { readSettings } = await import("../../runbooks/settings.ts");
  const [shop] = await retain(readSettings());
  return shop?.findings ?? [];
}

const kms = (operation: string, input: object, region = AWAY) => open().lab.world.call("kms", operation, input, { region });

test("somebody disables the copies' key before the first backup: told with the command, and told again when it is over (R19, R46)", async () => {
  const before = await found();
  const { KeyMetadata } = await kms("DescribeKey", { KeyId: "alias/copies" });
  await kms("DisableKey", { KeyId: KeyMetadata.KeyId });
  const sentence = `Copies to eu-west-1 are made under the key ${KeyMetadata.Arn}, which is disabled: no copy can be made there.`;
  expect(await found()).toEqual([...before, sentence]);
  const told = () => open().news.filter((each) => each.sentence.endsWith(sentence));
  expect(told()[0]).toMatchObject({
    kind: "Backup Trouble",
    commands: [`aws kms enable-key --region eu-west-1 --key-id ${KeyMetadata.Arn}`],
  });

  // KMS says nothing for a while: what was told stands, and is not told as over.
  const silent = instead(open().lab, "kms", "DescribeKey", () => () => {
    throw new ServiceError("KMSInternalException", "An internal error occurred.", 500);
  });
  expect(await found()).toContain(sentence);
  silent();
  await kms("EnableKey", { KeyId: KeyMetadata.KeyId });
  expect(await found()).toEqual(before);
  expect(told().at(-1)?.kind).toBe("Backup Trouble Over");
});

test("a copy lies under another key than the one the plan's alias leads to: a finding (R20)", async () => {
  const { lab, plan } = open();
  const Tags = Object.entries({ plan: plan.name, database: "shop", slot: "20261121t0000" }).map(([key, Value]) => ({
    Key: `understudy:${key}`,
    Value,
  }));
  const id = "understudy-shop-20261121t0000";
  const { DBSnapshot } = await lab.world.call(
    "rds",
    "CreateDBSnapshot",
    { DBInstanceIdentifier: "shop-a", DBSnapshotIdentifier: id, Tags },
    { region: HOME },
  );
  const { KeyMetadata: other } = await kms("CreateKey", {});
  const copy = { SourceDBSnapshotIdentifier: DBSnapshot.DBSnapshotArn, TargetDBSnapshotIdentifier: id, KmsKeyId: other.KeyId, Tags };
  const { waitFor, snapshots } = await import("../../lab/look.ts");
  const isThere = (region: string) => async () =>
    (await snapshots(lab, [region])).some((each) => each.id === id && each.status === "available");
  await waitFor("the snapshot", 20_000, isThere(HOME));
  await lab.world.call("rds", "CopyDBSnapshot", copy, { region: AWAY });
  await waitFor("the copy", 20_000, isThere(AWAY));
  const { KeyMetadata: planned } = await kms("DescribeKey", { KeyId: "alias/copies" });
  expect(await found()).toContain(`The backup ${id} in eu-west-1 is encrypted with ${other.Arn}, and the plan names ${planned.Arn}.`);
});
