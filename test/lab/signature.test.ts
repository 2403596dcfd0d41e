/** STS is asked who somebody is: the lab answers for the key's owner, and for nobody else. */
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { createIam, userKeyFor } from "../../lab/cloud/iam.ts";
import { createSts } from "../../lab/cloud/sts.ts";
import { labWith } from "./on-the-wire.ts";

async function opened() {
  let iam: ReturnType<typeof createIam> | undefined;
  const lab = await labWith(
    (world) => {
      iam = createIam(world);
      return [iam, createSts(world, { onAssume: (key) => iam?.remember(key) })];
    },
    { wire: { principalFor: (key) => iam?.principalFor(key) ?? "", before: (request, _, body) => iam?.mustBeSigned(request, body) } },
  );
  const sts = (credentials: object, more: object = {}) =>
    new STSClient({ ...lab.client(), credentials: credentials as { accessKeyId: string; secretAccessKey: string }, ...more });
  const who = async (credentials: object, more: object = {}) => (await sts(credentials, more).send(new GetCallerIdentityCommand({}))).Arn;
  return { lab, sts, who };
}

test("two users are told apart by their keys, as the SDK signs", async () => {
  const { lab, who } = await opened();
  expect(await who(userKeyFor(lab.world, "alice"))).toBe("arn:aws:iam::111122223333:user/alice");
  expect(await who(userKeyFor(lab.world, "bob"))).toBe("arn:aws:iam::111122223333:user/bob");
});

test("alice's key id with another secret is not alice", async () => {
  const { lab, who } = await opened();
  const { accessKeyId } = userKeyFor(lab.world, "alice");
  await expect(who({ accessKeyId, secretAccessKey: "guessed" })).rejects.toMatchObject({
    name: "SignatureDoesNotMatch",
    message: expect.stringContaining("does not match the signature you provided"),
  });
});

test("a session of a role needs its token, and one of a quarter of an hour ago is told with both times", async () => {
  const { lab, sts, who } = await opened();
  const alice = userKeyFor(lab.world, "alice");
  const role = { RoleArn: "arn:aws:iam::111122223333:role/operators", RoleSessionName: "alice" };
  const { Credentials } = await sts(alice).send(new AssumeRoleCommand(role));
  const session = {
    accessKeyId: Credentials?.AccessKeyId,
    secretAccessKey: Credentials?.SecretAccessKey,
    sessionToken: Credentials?.SessionToken,
  };
  expect(await who(session)).toBe("arn:aws:sts::111122223333:assumed-role/operators/alice");
  await expect(who({ ...session, sessionToken: "another" })).rejects.toMatchObject({ name: "InvalidClientTokenId" });
  await expect(who(alice, { systemClockOffset: -16 * 60_000 })).rejects.toThrow(
    /^Signature expired: \d{8}T\d{6}Z is now earlier than .* - 15 min\.\)$/,
  );
});

test("a signed request forwarded by somebody else is the signer's; with one signed header changed it is nobody's", async () => {
  const { lab, sts } = await opened();
  const client = sts(userKeyFor(lab.world, "alice"), {});
  const signer = await client.config.signer({ name: "sigv4", signingName: "sts", signingRegion: "eu-central-1", properties: {} });
  const body = "Action=GetCallerIdentity&Version=2011-06-15";
  const { host, hostname } = new URL(lab.wire.url);
  const headers = { host, "content-type": "application/x-www-form-urlencoded", "x-understudy-order": "a digest" };
  const signed = await signer.sign({ method: "POST", protocol: "http:", hostname, path: "/", headers, body } as never);
  const sent = Object.fromEntries(Object.entries(signed.headers).filter(([name]) => name !== "host"));
  const forward = async (change: object) => {
    const answer = await fetch(lab.wire.url, { method: "POST", headers: { ...sent, ...change }, body });
    return { status: answer.status, text: await answer.text() };
  };
  expect((await forward({})).text).toContain("<Arn>arn:aws:iam::111122223333:user/alice</Arn>");
  expect(await forward({ "x-understudy-order": "another digest" })).toMatchObject({ status: 403 });
});
