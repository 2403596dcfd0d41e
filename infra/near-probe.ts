/**
 * The second probe, in the primary's own network: the same code as the one in the recovery region, with a place of its own in its
 * environment. It casts its vote into the recovery region's bucket, may write nothing else there, and wakes nobody: its region may be dark.
 */
import type { Plan } from "../core/plan/schema.ts";
import { slotName } from "../core/rebuild.ts";
import { arnOf, type Json, type Resources, ref, sub } from "./cloudformation.ts";
import { allow, role, type Statement } from "./roles.ts";

export const NEAR_PROBE = "probe-near";
/** Folder of the bundle beside the template: `aws cloudformation package` puts it into a bucket of the region. */
const CODE = "probe";

/** The bucket's name is made by the stack of the recovery region. */
export const nearProbeParameters: Json = {
  StateBucket: { Type: "String", Description: "The bucket of the stack in the recovery region (its resource StateBucket)" },
};

export function nearProbe(plan: Plan, stack: string): Resources {
  const { primary: network } = plan.network;
  if (!network) return {};
  const name = `${stack}-${NEAR_PROBE}`;
  return {
    ProbeNearLogGroup: { Type: "AWS::Logs::LogGroup", Properties: { LogGroupName: `/aws/lambda/${name}`, RetentionInDays: 90 } },
    ProbeNearRole: role(stack, NEAR_PROBE, statements(plan)),
    ProbeNear: {
      Type: "AWS::Lambda::Function",
      DependsOn: ["ProbeNearLogGroup"],
      Properties: {
        FunctionName: name,
        Description: "Looks at every primary from its own network and casts its vote",
        Code: CODE,
        Handler: "index.handler",
        Runtime: "nodejs24.x",
        Architectures: ["arm64"],
        MemorySize: 256,
        Timeout: 75,
        Role: arnOf("ProbeNearRole"),
        VpcConfig: { SubnetIds: [...network.subnetIds], SecurityGroupIds: [...network.securityGroupIds] },
        Environment: {
          Variables: {
            PROBE_PLACE: "near",
            ACCOUNT_ID: sub("${AWS::AccountId}"),
            STATE_BUCKET: ref("StateBucket"),
            NODE_EXTRA_CA_CERTS: "/var/runtime/ca-cert.pem",
          },
        },
      },
    },
    ProbeNearMinute: {
      Type: "AWS::Events::Rule",
      Properties: {
        Description: "The near probe loops through its minute",
        ScheduleExpression: "rate(1 minute)",
        Targets: [{ Id: "probe-near", Arn: arnOf("ProbeNear") }],
      },
    },
    ProbeNearMinuteMayInvoke: {
      Type: "AWS::Lambda::Permission",
      Properties: {
        FunctionName: arnOf("ProbeNear"),
        Action: "lambda:InvokeFunction",
        Principal: "events.amazonaws.com",
        SourceArn: arnOf("ProbeNearMinute"),
      },
    },
  };
}

/** It reads what is on record and writes its votes; the bucket is another stack's, known by its name. */
function statements(plan: Plan): Statement[] {
  const databases = Object.values(plan.databases);
  const members = databases.flatMap((database) => [database.primary, ...database.standbys]);
  // Rebuilt standbys carry their slot's name and the generation.
  const rdsArn = (region: string, rest: string) => sub(`arn:\${AWS::Partition}:rds:${region}:\${AWS::AccountId}:${rest}`);
  const instances = members.flatMap(({ instance, cluster, region }) =>
    cluster === undefined ? [instance, `${slotName(instance)}*`].map((id) => rdsArn(region, `db:${id}`)) : [],
  );
  const clusters = members.flatMap(({ cluster, region }) => (cluster === undefined ? [] : [rdsArn(region, `cluster:${cluster}`)]));
  const secrets = databases.map(({ secret }) =>
    sub(`arn:\${AWS::Partition}:secretsmanager:${plan.regions.recovery}:\${AWS::AccountId}:secret:${secret}-*`),
  );
  const bucket = "arn:${AWS::Partition}:s3:::${StateBucket}";
  return [
    allow("ReadRecords", ["s3:GetObject"], sub(`${bucket}/databases/*`)),
    // Without it S3 answers 403 for a missing document, and unknown is not absent.
    allow("TellMissingFromForbidden", ["s3:ListBucket"], sub(bucket)),
    allow("Vote", ["s3:PutObject"], sub(`${bucket}/databases/*/vote-near.json`)),
    ...(instances.length > 0 ? [allow("SeeInstances", ["rds:DescribeDBInstances"], instances)] : []),
    ...(clusters.length > 0 ? [allow("SeeClusters", ["rds:DescribeDBClusters"], clusters)] : []),
    allow("EnterDatabases", ["secretsmanager:GetSecretValue"], secrets),
    allow(
      "NetworkInterfacesHaveNoArnBeforeTheyExist",
      ["ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface"],
      "*",
    ),
  ];
}
