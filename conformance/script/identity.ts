/** STS and Secrets Manager: who calls, and the database's credentials. */
import type { Story } from "../story.ts";

const secrets: Story = {
  title: "the database's credentials",
  service: "secretsmanager",
  region: "eu-west-1",
  calls: [
    [
      "CreateSecret",
      { Name: "shop/database", SecretString: '{"username":"shop"}', Description: "of the shop" },
      { keep: { secret: "ARN" } },
    ],
    ["CreateSecret", { Name: "shop/database", SecretString: "other" }],
    ["GetSecretValue", { SecretId: "shop/database" }],
    ["GetSecretValue", { SecretId: "${secret}" }],
    ["GetSecretValue", { SecretId: "nobody" }],
    ["PutSecretValue", { SecretId: "shop/database", SecretString: '{"username":"new"}' }, { keep: { second: "VersionId" } }],
    ["PutSecretValue", { SecretId: "nobody", SecretString: "x" }],
    ["GetSecretValue", { SecretId: "shop/database", VersionStage: "AWSPREVIOUS" }],
    ["GetSecretValue", { SecretId: "shop/database", VersionStage: "NOSUCHSTAGE" }],
    ["DescribeSecret", { SecretId: "shop/database" }],
    ["DescribeSecret", { SecretId: "nobody" }],
    ["ListSecrets"],
    ["CreateSecret", { Name: "shop/empty" }, { keep: { empty: "ARN" } }],
    ["GetSecretValue", { SecretId: "shop/empty" }, { as: "a secret without a value" }],
    ["DeleteSecret", { SecretId: "shop/database" }],
    ["GetSecretValue", { SecretId: "shop/database" }, { as: "a deleted secret" }],
    ["DeleteSecret", { SecretId: "shop/empty", ForceDeleteWithoutRecovery: true }],
    ["RestoreSecret", { SecretId: "shop/database" }],
    ["GetSecretValue", { SecretId: "shop/database" }],
    ["DeleteSecret", { SecretId: "shop/database", RecoveryWindowInDays: 3 }, { as: "three days to recover" }],
    ["DeleteSecret", { SecretId: "nobody" }],
    ["CreateSecret", { Name: "no spaces", SecretString: "x" }, { as: "a secret's name with spaces" }],
  ],
};

const callers: Story = {
  title: "who calls",
  service: "sts",
  region: "eu-west-1",
  calls: [
    ["GetCallerIdentity"],
    [
      "AssumeRole",
      { RoleArn: "arn:aws:iam::${account}:role/understudy-move", RoleSessionName: "move" },
      {
        keep: {
          key: "Credentials.AccessKeyId",
          secret: "Credentials.SecretAccessKey",
          token: "Credentials.SessionToken",
          session: "AssumedRoleUser.AssumedRoleId",
        },
      },
    ],
    [
      "AssumeRole",
      { RoleArn: "arn:aws:iam::${account}:role/understudy-move", RoleSessionName: "move", DurationSeconds: 10 },
      { as: "ten seconds of a role" },
    ],
    ["AssumeRole", { RoleArn: "not an arn at all..", RoleSessionName: "move" }],
  ],
};

export const IDENTITY: readonly Story[] = [secrets, callers];
