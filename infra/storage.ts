/** What AWS itself cannot hold: the records, votes, evidence and notes of the recovery region, versioned and kept when the stack goes. */
import { arnOf, type Resources, ref, sub } from "./cloudformation.ts";

export const storage = (): Resources => ({
  StateBucket: {
    Type: "AWS::S3::Bucket",
    DeletionPolicy: "Retain",
    UpdateReplacePolicy: "Retain",
    Properties: {
      VersioningConfiguration: { Status: "Enabled" },
      BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }] },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    },
  },
  StateBucketPolicy: {
    Type: "AWS::S3::BucketPolicy",
    Properties: {
      Bucket: ref("StateBucket"),
      PolicyDocument: {
        Version: "2012-10-17",
        Statement: [
          {
            Sid: "OnlyEncryptedConnections",
            Effect: "Deny",
            Principal: "*",
            Action: "s3:*",
            Resource: [arnOf("StateBucket"), sub("${StateBucket.Arn}/*")],
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ],
      },
    },
  },
});
