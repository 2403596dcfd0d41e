/** Permissions on KMS keys that a service works with in its caller's name: those a plan names, and those it cannot name. Through that service alone. */
import { type Json, sub } from "./cloudformation.ts";
import { allow, type Statement } from "./statement.ts";

export const anyKey = (region: string): Json => sub(`arn:\${AWS::Partition}:kms:${region}:\${AWS::AccountId}:key/*`);

/** `service`: "rds" or "ec2". */
export const through = (service: string, ...regions: readonly string[]) => ({
  StringEquals: { "kms:ViaService": regions.map((region) => `${service}.${region}.amazonaws.com`) },
});

/** The keys a plan names for copies in a region, by id, ARN or alias. */
export function onNamedKeys(
  Sid: string,
  service: string,
  region: string,
  given: readonly string[],
  actions: readonly string[],
): Statement[] {
  const keys = [...new Set(given)];
  const aliases = keys.flatMap((key) => /alias\/.+$/.exec(key)?.[0] ?? []);
  const arns = keys
    .filter((key) => !key.includes("alias/"))
    .map((key) => (key.startsWith("arn:") ? key : sub(`arn:\${AWS::Partition}:kms:${region}:\${AWS::AccountId}:key/${key}`)));
  return [
    ...(arns.length > 0 ? [allow(Sid, actions, arns, through(service, region))] : []),
    // A policy cannot name a key by its alias; it can ask for keys that have it.
    ...(aliases.length > 0
      ? [
          allow(`${Sid}ByAlias`, actions, anyKey(region), {
            ...through(service, region),
            "ForAnyValue:StringEquals": { "kms:ResourceAliases": aliases },
          }),
        ]
      : []),
  ];
}
