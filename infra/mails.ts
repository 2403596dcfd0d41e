/** The topic people subscribe to, and who may publish there. */
import type { Plan } from "../core/plan/schema.ts";
import { logical, type Resources, ref, sub } from "./cloudformation.ts";

export const mails = (plan: Plan): Resources => ({
  Topic: { Type: "AWS::SNS::Topic", Properties: { DisplayName: `Understudy ${plan.name}` } },
  TopicPolicy: {
    Type: "AWS::SNS::TopicPolicy",
    Properties: {
      Topics: [ref("Topic")],
      PolicyDocument: {
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "AlarmsOfThisAccount",
            Effect: "Allow",
            Principal: { Service: "cloudwatch.amazonaws.com" },
            Action: "sns:Publish",
            Resource: ref("Topic"),
            Condition: { StringEquals: { "aws:SourceAccount": sub("${AWS::AccountId}") } },
          },
        ],
      },
    },
  },
  ...Object.fromEntries(
    plan.notify.email.map((address) => [
      `Mail${logical(address)}`,
      { Type: "AWS::SNS::Subscription", Properties: { TopicArn: ref("Topic"), Protocol: "email", Endpoint: address } },
    ]),
  ),
});
