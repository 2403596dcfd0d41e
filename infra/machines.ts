/**
 * The function that backs machines up, deployed only where the plan has any, and what it, the hourly look and the dead man's check may do in
 * EC2. Where EC2 takes conditions, what is made must bear the plan's tags, and nothing else is deleted.
 */
import type { Plan } from "../core/plan/schema.ts";
import { type Json, logical, sub } from "./cloudformation.ts";
import { anyKey, onNamedKeys, through } from "./keys.ts";
import { allow, type Statement } from "./statement.ts";

export const MACHINE_FUNCTION = "machine";

export const hasMachines = ({ machines = [] }: Plan): boolean => machines.length > 0;

/** As serverless.yml has functions. */
export function machineFunctions(plan: Plan, stack: string, code: string): Record<string, Json> {
  if (!hasMachines(plan)) return {};
  return {
    [MACHINE_FUNCTION]: {
      name: `${stack}-${MACHINE_FUNCTION}`,
      description: "Durable; one set of snapshots of a machine's volumes, its copies in the other region, the note of both",
      handler: `${code}/${MACHINE_FUNCTION}/index.handler`,
      role: "MachineRole",
      package: { patterns: [`${code}/${MACHINE_FUNCTION}/**`] },
      // A day each for the snapshots, for the copies' turn and for the copies (runbooks/machine.ts).
      durableConfig: { executionTimeout: 345_600, retentionPeriodInDays: 30 },
    },
  };
}

const ec2Arn = (region: string, rest: string) => sub(`arn:\${AWS::Partition}:ec2:${region}:\${AWS::AccountId}:${rest}`);
/** A snapshot's ARN names no account: it may be shared. */
const snapshotArn = (region: string) => sub(`arn:\${AWS::Partition}:ec2:${region}::snapshot/*`);

const regionsOf = ({ machines = [] }: Plan, of: "region" | "copyTo"): string[] => [...new Set(machines.map((machine) => machine[of]))];

export function machineStatements(plan: Plan): Statement[] {
  const { machines = [], name } = plan;
  const [from, to] = [regionsOf(plan, "region"), regionsOf(plan, "copyTo")];
  const bearsOurTag = { StringEquals: { "aws:RequestTag/understudy:plan": name } };
  return [
    allow("InstancesAndVolumesAreSeenWithoutArn", ["ec2:DescribeInstances", "ec2:DescribeVolumes"], "*"),
    seesSnapshots,
    // Which volumes an instance has is not in the plan.
    allow(
      "TakeSetsOf",
      ["ec2:CreateSnapshots"],
      [
        ...machines.map(({ region, instance }) => ec2Arn(region, `instance/${instance}`)),
        ...from.map((region) => ec2Arn(region, "volume/*")),
      ],
    ),
    allow("MakeSets", ["ec2:CreateSnapshots"], from.map(snapshotArn), bearsOurTag),
    allow("MakeCopies", ["ec2:CopySnapshot"], to.map(snapshotArn), bearsOurTag),
    // Whether AWS knows the tags of a snapshot of another region is documented nowhere, so no condition asks for them.
    allow("CopyFrom", ["ec2:CopySnapshot"], from.map(snapshotArn)),
    allow("TagWhatIsMade", ["ec2:CreateTags"], [...new Set([...from, ...to])].map(snapshotArn), {
      StringEquals: { "ec2:CreateAction": ["CreateSnapshots", "CopySnapshot"] },
    }),
    ...usesKeys(plan),
  ];
}

export const seesSnapshots: Statement = allow("SnapshotsAreSeenWithoutArn", ["ec2:DescribeSnapshots"], "*");

/** What nobody protects, or claims any more, is found by looking at everything (R1, R31). */
export const seesEstate = (): Statement[] => [
  seesSnapshots,
  allow("InstancesAndVolumesAreSeenWithoutArn", ["ec2:DescribeInstances", "ec2:DescribeVolumes"], "*"),
  allow("BucketsAreListedWithoutArn", ["s3:ListAllMyBuckets"], "*"),
  allow("SeeWhetherBucketsKeepVersions", ["s3:GetBucketVersioning"], [sub("arn:${AWS::Partition}:s3:::*")]),
];

/** Only what bears the plan's tags and the machine's, of machines whose plan says what stays. */
export const expiresSets = ({ machines = [], name: plan }: Plan): Statement[] =>
  machines
    .filter(({ keep }) => keep !== undefined)
    .map(({ name, region, copyTo }) =>
      allow(`ExpireSetsOf${logical(name)}`, ["ec2:DeleteSnapshot"], [region, copyTo].map(snapshotArn), {
        StringEquals: { "aws:ResourceTag/understudy:plan": plan, "aws:ResourceTag/understudy:machine": name },
      }),
    );

/**
 * EBS works with a customer's key in its caller's name (EBS User Guide, permissions for encryption): it reads under the volumes' keys, which
 * the plan does not name, and writes under the one it does.
 */
function usesKeys({ machines = [] }: Plan): Statement[] {
  const sealed = machines.flatMap(({ region, copyTo, kmsKeyId }) => (kmsKeyId === undefined ? [] : [{ region, copyTo, kmsKeyId }]));
  const from = [...new Set(sealed.map(({ region }) => region))];
  return [
    ...(from.length > 0
      ? [allow("ReadEncryptedSnapshots", [...ON_KEYS, "kms:Decrypt", "kms:ReEncryptFrom"], from.map(anyKey), through("ec2", ...from))]
      : []),
    ...[...Map.groupBy(sealed, ({ copyTo }) => copyTo)].flatMap(([region, to]) =>
      onNamedKeys(
        `EncryptCopiesIn${logical(region)}`,
        "ec2",
        region,
        to.map(({ kmsKeyId }) => kmsKeyId),
        [...ON_KEYS, "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptTo"],
      ),
    ),
  ];
}

const ON_KEYS = ["kms:DescribeKey", "kms:CreateGrant"];
