/**
 * The second probe, in the primary's own network: the same code as the one in the recovery region, with a place of its own in its
 * environment. It casts its vote into the recovery region's bucket, may write nothing else there, and wakes nobody: its region may be dark.
 */
import type { Plan } from "../core/plan/schema.ts";
import { arnOf, type Json, type Resources, ref, sub } from "./cloudformation.ts";
import { nearProbeStatements, role } from "./roles.ts";

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
    ProbeNearRole: role(stack, NEAR_PROBE, nearProbeStatements(plan)),
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
