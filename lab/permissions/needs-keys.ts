// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/** What the operations of the services that keep secrets need: KMS, Secrets Manager, SSM's parameters. */
import { aliasesOf, findKey } from "../cloud/kms-keys.ts";
import { type At, type Context, EVERY, type Need, type Needs } from "./need.ts";

const everything =
  (action: string): Needs =>
  () => [{ action, resource: "*" }];
const each = (actions: string[], of: (action: string) => Needs): Record<string, Needs> =>
  Object.fromEntries(actions.map((action) => [action, of(action)]));

/** A key is judged by its ARN, whatever name it is called by; one that does not exist has the ARN it would have. */
function keyArn({ world, region, account }: At, given: string): string {
  const found = findKey(world, account, region, given)?.arn;
  if (found) return found;
  const id = given.includes("alias/") ? EVERY : (given.split("/").at(-1) ?? given);
  return `arn:aws:kms:${region}:${account}:key/${id}`;
}

function onKey(at: At, action: string, given: string): Need {
  const resource = keyArn(at, given);
  const alias: Context = given.includes("alias/") ? { "kms:RequestAlias": given.slice(given.indexOf("alias/")) } : {};
  return { action: `kms:${action}`, resource, context: { "kms:ResourceAliases": aliasesOf(at.world, resource), ...alias } };
}

/** Of the alias and of its key; for UpdateAlias of the key it is to have. */
const onAlias =
  (action: string): Needs =>
  (input, at) => [
    { action: `kms:${action}`, resource: `arn:aws:kms:${at.region}:${at.account}:${input.AliasName}` },
    onKey(at, action, input.TargetKeyId ?? input.AliasName),
  ];

export const kms: Record<string, Needs> = {
  CreateKey: everything("kms:CreateKey"),
  ListKeys: everything("kms:ListKeys"),
  ListAliases: everything("kms:ListAliases"),
  ...each(["CreateAlias", "UpdateAlias", "DeleteAlias"], onAlias),
  ...each(
    ["DescribeKey", "DisableKey", "EnableKey", "ScheduleKeyDeletion", "CancelKeyDeletion", "PutKeyPolicy", "GetKeyPolicy"],
    (action) => (input, at) => [onKey(at, action, String(input.KeyId))],
  ),
};

interface Secrets {
  readonly regions: Record<string, Record<string, { readonly name: string; readonly arn: string }>>;
}

/** The secret's ARN with its random letters; for a name nobody has, six unknown ones. */
function secretArn({ world, region, account }: At, given: string): string {
  const known = Object.values(world.state<Secrets>("secretsmanager", () => ({ regions: {} })).regions[region] ?? {});
  const found = known.find(({ name, arn }) => name === given || arn === given || arn.slice(0, -7) === given);
  return found?.arn ?? (given.startsWith("arn:") ? given : `arn:aws:secretsmanager:${region}:${account}:secret:${given}-~~~~~~`);
}

const onSecret =
  (action: string): Needs =>
  (input, at) => {
    const resource = secretArn(at, input.SecretId);
    const stage: Context = action === "GetSecretValue" ? { "secretsmanager:VersionStage": input.VersionStage ?? "AWSCURRENT" } : {};
    return [{ action: `secretsmanager:${action}`, resource, context: { "secretsmanager:SecretId": resource, ...stage } }];
  };

export const secretsmanager: Record<string, Needs> = {
  CreateSecret: (input, at) => [
    {
      action: "secretsmanager:CreateSecret",
      resource: `arn:aws:secretsmanager:${at.region}:${at.account}:secret:${input.Name}-~~~~~~`,
      context: { "secretsmanager:Name": input.Name },
    },
  ],
  ...each(["GetSecretValue", "DescribeSecret", "PutSecretValue", "DeleteSecret", "RestoreSecret"], onSecret),
  ListSecrets: everything("secretsmanager:ListSecrets"),
};

/** Without the leading slash and the version a name may carry. */
function parameter(at: At, action: string, given: string): Need {
  const name = given.startsWith("arn:") ? given.slice(given.indexOf(":parameter/") + ":parameter/".length) : given;
  const path = (name.replace(/^\//, "").split(":")[0] ?? "").replace(/\/$/, "");
  return { action: `ssm:${action}`, resource: `arn:aws:ssm:${at.region}:${at.account}:parameter/${path || EVERY}` };
}

export const ssm: Record<string, Needs> = {
  ...each(["PutParameter", "GetParameter", "GetParameterHistory", "DeleteParameter"], (action) => (input, at) => [
    parameter(at, action, input.Name),
  ]),
  ...each(
    ["GetParameters", "DeleteParameters"],
    (action) => (input, at) => (input.Names ?? []).map((name: string) => parameter(at, action, name)),
  ),
  GetParametersByPath: (input, at) => [
    { ...parameter(at, "GetParametersByPath", input.Path), context: { "ssm:Recursive": String(input.Recursive === true) } },
  ],
};
