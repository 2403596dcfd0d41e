import * as kms from "@aws-sdk/client-kms";
import { KMSClient } from "@aws-sdk/client-kms";
import { expect, test } from "vitest";
import { createKms } from "../../lab/cloud/kms.ts";
import { keyUsable } from "../../lab/cloud/kms-keys.ts";
import { labWith } from "./on-the-wire.ts";

async function keys() {
  const lab = await labWith((world) => [createKms(world)]);
  const client = new KMSClient(lab.client());
  const create = async (input: kms.CreateKeyCommandInput = {}) => (await client.send(new kms.CreateKeyCommand(input))).KeyMetadata!;
  return { lab, client, create };
}

test("a key is found by id, ARN, alias and alias ARN, in its region only", async () => {
  const { lab, client, create } = await keys();
  const key = await create({ Description: "backups" });
  expect(key).toMatchObject({
    Description: "backups",
    KeyState: "Enabled",
    Enabled: true,
    KeyManager: "CUSTOMER",
    AWSAccountId: "111122223333",
  });
  await client.send(new kms.CreateAliasCommand({ AliasName: "alias/backups", TargetKeyId: key.KeyId }));
  for (const KeyId of [key.KeyId, key.Arn, "alias/backups", "arn:aws:kms:eu-central-1:111122223333:alias/backups"]) {
    const { KeyMetadata } = await client.send(new kms.DescribeKeyCommand({ KeyId }));
    expect(KeyMetadata?.Arn, KeyId).toBe(key.Arn);
    expect(keyUsable(lab.world, "eu-central-1", KeyId!)).toEqual({ usable: true, arn: key.Arn });
    expect(keyUsable(lab.world, "eu-west-1", KeyId!).usable, KeyId).toBe(false);
  }
  const west = new KMSClient(lab.client("eu-west-1"));
  await expect(west.send(new kms.DescribeKeyCommand({ KeyId: key.Arn }))).rejects.toMatchObject({
    name: "NotFoundException",
    message: "Invalid arn eu-central-1",
    $metadata: { httpStatusCode: 400 },
  });
  await expect(west.send(new kms.DescribeKeyCommand({ KeyId: "alias/backups" }))).rejects.toMatchObject({ name: "NotFoundException" });
});

test("a disabled key and one that waits for its deletion cannot be used, and a cancelled deletion leaves it disabled", async () => {
  const { lab, client, create } = await keys();
  const { KeyId, Arn } = await create();
  const usable = () => keyUsable(lab.world, "eu-central-1", KeyId!);
  await client.send(new kms.DisableKeyCommand({ KeyId }));
  expect(usable()).toEqual({ usable: false, reason: `${Arn} is disabled.` });
  await client.send(new kms.EnableKeyCommand({ KeyId }));
  expect(usable().usable).toBe(true);
  await expect(client.send(new kms.ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 6 }))).rejects.toMatchObject({
    name: "ValidationException",
  });
  const doomed = await client.send(new kms.ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }));
  expect(doomed).toMatchObject({ KeyId: Arn, KeyState: "PendingDeletion", PendingWindowInDays: 7 });
  expect(usable()).toEqual({ usable: false, reason: `${Arn} is pending deletion.` });
  await expect(client.send(new kms.EnableKeyCommand({ KeyId }))).rejects.toMatchObject({ name: "KMSInvalidStateException" });
  await client.send(new kms.CancelKeyDeletionCommand({ KeyId }));
  const { KeyMetadata } = await client.send(new kms.DescribeKeyCommand({ KeyId }));
  expect(KeyMetadata).toMatchObject({ KeyState: "Disabled", Enabled: false });
});

test("AWS's own key of a service is there once it is asked for, and cannot be disabled", async () => {
  const { lab, client } = await keys();
  const { KeyMetadata } = await client.send(new kms.DescribeKeyCommand({ KeyId: "alias/aws/ebs" }));
  expect(KeyMetadata?.KeyManager).toBe("AWS");
  expect(keyUsable(lab.world, "eu-central-1", "alias/aws/ebs")).toEqual({ usable: true, arn: KeyMetadata?.Arn });
  await expect(client.send(new kms.DisableKeyCommand({ KeyId: KeyMetadata!.KeyId }))).rejects.toMatchObject({
    name: "UnsupportedOperationException",
  });
});

test("aliases move and go, their names have rules", async () => {
  const { client, create } = await keys();
  const [a, b] = [await create(), await create()];
  await client.send(new kms.CreateAliasCommand({ AliasName: "alias/x", TargetKeyId: a.KeyId }));
  await expect(client.send(new kms.CreateAliasCommand({ AliasName: "alias/x", TargetKeyId: b.KeyId }))).rejects.toMatchObject({
    name: "AlreadyExistsException",
  });
  for (const AliasName of ["x", "alias/aws/x"])
    await expect(client.send(new kms.CreateAliasCommand({ AliasName, TargetKeyId: b.KeyId }))).rejects.toMatchObject({
      name: "InvalidAliasNameException",
    });
  await client.send(new kms.UpdateAliasCommand({ AliasName: "alias/x", TargetKeyId: b.KeyId }));
  const { Aliases } = await client.send(new kms.ListAliasesCommand({ KeyId: b.KeyId }));
  expect(Aliases).toEqual([{ AliasName: "alias/x", AliasArn: "arn:aws:kms:eu-central-1:111122223333:alias/x", TargetKeyId: b.KeyId }]);
  await client.send(new kms.DeleteAliasCommand({ AliasName: "alias/x" }));
  expect((await client.send(new kms.ListAliasesCommand({}))).Aliases).toEqual([]);
});

test("keys are listed in pages, a policy is kept as it was put", async () => {
  const { client, create } = await keys();
  const made = [(await create()).KeyId, (await create()).KeyId, (await create()).KeyId];
  const first = await client.send(new kms.ListKeysCommand({ Limit: 2 }));
  const second = await client.send(new kms.ListKeysCommand({ Limit: 2, Marker: first.NextMarker }));
  expect([...first.Keys!, ...second.Keys!].map((key) => key.KeyId)).toEqual(made);
  expect([first.Truncated, second.Truncated]).toEqual([true, false]);
  const KeyId = made[0];
  const usual = await client.send(new kms.GetKeyPolicyCommand({ KeyId }));
  expect(JSON.parse(usual.Policy!).Statement[0].Principal).toEqual({ AWS: "arn:aws:iam::111122223333:root" });
  const Policy = JSON.stringify({ Version: "2012-10-17", Statement: [] });
  await client.send(new kms.PutKeyPolicyCommand({ KeyId, PolicyName: "default", Policy }));
  expect((await client.send(new kms.GetKeyPolicyCommand({ KeyId }))).Policy).toBe(Policy);
  await expect(client.send(new kms.PutKeyPolicyCommand({ KeyId, Policy: "{}" }))).rejects.toMatchObject({
    name: "MalformedPolicyDocumentException",
  });
});
