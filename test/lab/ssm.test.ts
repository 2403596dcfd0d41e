import * as kms from "@aws-sdk/client-kms";
import { KMSClient } from "@aws-sdk/client-kms";
import * as ssm from "@aws-sdk/client-ssm";
import { SSMClient } from "@aws-sdk/client-ssm";
import { expect, test } from "vitest";
import { createKms } from "../../lab/cloud/kms.ts";
import { createSsm } from "../../lab/cloud/ssm.ts";
import { labWith } from "./on-the-wire.ts";

async function store() {
  const lab = await labWith((world) => [createSsm(world), createKms(world)]);
  const client = new SSMClient(lab.client());
  const put = (Name: string, Value: string, more: Partial<ssm.PutParameterCommandInput> = {}) =>
    client.send(new ssm.PutParameterCommand({ Name, Value, Type: "String", ...more }));
  const get = async (Name: string, WithDecryption?: boolean) =>
    (await client.send(new ssm.GetParameterCommand({ Name, WithDecryption }))).Parameter!;
  return { lab, client, put, get };
}

test("each write makes a version, an older one is read by name:version, and nothing is overwritten unasked", async () => {
  const { put, get } = await store();
  expect(await put("/shop/primary", "a")).toMatchObject({ Version: 1, Tier: "Standard" });
  await expect(put("/shop/primary", "b")).rejects.toMatchObject({ name: "ParameterAlreadyExists", $metadata: { httpStatusCode: 400 } });
  expect((await put("/shop/primary", "b", { Overwrite: true, Type: undefined })).Version).toBe(2);
  expect(await get("/shop/primary")).toMatchObject({
    Name: "/shop/primary",
    Value: "b",
    Version: 2,
    Type: "String",
    ARN: "arn:aws:ssm:eu-central-1:111122223333:parameter/shop/primary",
  });
  expect(await get("/shop/primary:1")).toMatchObject({ Value: "a", Version: 1, Selector: ":1" });
  await expect(get("/shop/primary:3")).rejects.toMatchObject({ name: "ParameterVersionNotFound" });
});

test("a missing parameter is an error alone and a note among others", async () => {
  const { client, put, get } = await store();
  await put("plain", "x");
  await expect(get("none")).rejects.toMatchObject({ name: "ParameterNotFound", $metadata: { httpStatusCode: 400 } });
  const { Parameters, InvalidParameters } = await client.send(new ssm.GetParametersCommand({ Names: ["plain", "none", "plain:7"] }));
  expect([Parameters?.map((each) => each.Name), InvalidParameters]).toEqual([["plain"], ["none", "plain:7"]]);
});

test("a path gives its own level, or all below it, in pages", async () => {
  const { client, put } = await store();
  for (const name of ["/a/1", "/a/2", "/a/b/3", "/ab/4"]) await put(name, "x");
  const names = async (input: Partial<ssm.GetParametersByPathCommandInput>) => {
    const answer = await client.send(new ssm.GetParametersByPathCommand({ Path: "/a", ...input }));
    return { names: answer.Parameters!.map((each) => each.Name), NextToken: answer.NextToken };
  };
  expect((await names({})).names).toEqual(["/a/1", "/a/2"]);
  expect((await names({ Recursive: true })).names).toEqual(["/a/1", "/a/2", "/a/b/3"]);
  const first = await names({ Recursive: true, MaxResults: 2 });
  const second = await names({ Recursive: true, MaxResults: 2, NextToken: first.NextToken });
  expect([...first.names, ...second.names, second.NextToken]).toEqual(["/a/1", "/a/2", "/a/b/3", undefined]);
});

test("a SecureString is sealed until decryption is asked for, and lost to readers while its key is disabled", async () => {
  const { lab, put, get } = await store();
  const keys = new KMSClient(lab.client());
  const { KeyMetadata } = await keys.send(new kms.CreateKeyCommand({}));
  await put("/shop/token", "sesame", { Type: "SecureString", KeyId: KeyMetadata!.Arn });
  expect((await get("/shop/token")).Value).not.toContain("sesame");
  expect((await get("/shop/token", true)).Value).toBe("sesame");
  await keys.send(new kms.DisableKeyCommand({ KeyId: KeyMetadata!.KeyId }));
  await expect(get("/shop/token", true)).rejects.toMatchObject({ name: "InvalidKeyId" });
  await expect(put("/shop/other", "x", { Type: "SecureString", KeyId: "alias/none" })).rejects.toMatchObject({ name: "InvalidKeyId" });
});

test("what is deleted is gone, and the next of its name begins at version 1", async () => {
  const { client, put, get } = await store();
  await put("/x", "1");
  await put("/x", "2", { Overwrite: true });
  const { Parameters } = await client.send(new ssm.GetParameterHistoryCommand({ Name: "/x" }));
  expect(Parameters?.map((each) => [each.Version, each.Value])).toEqual([
    [1, "1"],
    [2, "2"],
  ]);
  await client.send(new ssm.DeleteParameterCommand({ Name: "/x" }));
  await expect(get("/x")).rejects.toMatchObject({ name: "ParameterNotFound" });
  await expect(client.send(new ssm.DeleteParameterCommand({ Name: "/x" }))).rejects.toMatchObject({ name: "ParameterNotFound" });
  expect((await put("/x", "3")).Version).toBe(1);
  const { DeletedParameters, InvalidParameters } = await client.send(new ssm.DeleteParametersCommand({ Names: ["/x", "/y"] }));
  expect([DeletedParameters, InvalidParameters]).toEqual([["/x"], ["/y"]]);
});

test("names have rules, and regions do not see each other's parameters", async () => {
  const { lab, put } = await store();
  for (const [name, error] of [
    ["a/b", "ValidationException"],
    ["/aws/x", "ValidationException"],
    ["with space", "ValidationException"],
    ["/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "HierarchyLevelLimitExceededException"],
  ] as const)
    await expect(put(name, "x"), name).rejects.toMatchObject({ name: error });
  await put("/here", "x");
  const west = new SSMClient(lab.client("eu-west-1"));
  await expect(west.send(new ssm.GetParameterCommand({ Name: "/here" }))).rejects.toMatchObject({ name: "ParameterNotFound" });
});
