// biome-ignore-all lint/suspicious/noExplicitAny: properties and answers are typed by the SDK's schemas at run time
/**
 * The resource types the lab can create: for each, the calls CloudFormation makes, the resource's Ref and its attributes.
 * A new type is a new entry here. Knows nothing of templates: properties come in resolved.
 */
import type { World } from "../cloud/world.ts";
import { ServiceError } from "../wire/errors.ts";

export interface Making {
  readonly world: World;
  readonly region: string;
  readonly account: string;
  /** Calls a service in the stack's region. */
  call(service: string, operation: string, input: object): Promise<any>;
  /** The name CloudFormation makes up: stack, logical id, random letters. */
  name(maxLength: number): string;
  readonly logicalId: string;
  /** The zip behind a function's Code.S3Key. */
  code(s3Key: string): Uint8Array;
}

export interface Made {
  /** What Ref gives. */
  readonly id: string;
  readonly attributes?: Record<string, string>;
}

export type Maker = (properties: any, making: Making) => Promise<Made> | Made;

/** Kept in the stack's record, without effect in the lab. */
const recorded: Maker = (_properties, making) => ({ id: making.name(128) });

const policyText = (document: unknown): string => (typeof document === "string" ? document : JSON.stringify(document));
const busNameOf = (given: string | undefined): string => (given ?? "default").split("/").at(-1) ?? "default";

const iam: Record<string, Maker> = {
  async "AWS::IAM::Role"(properties, making) {
    const RoleName = properties.RoleName ?? making.name(64);
    const { AssumeRolePolicyDocument, Path, Description, PermissionsBoundary } = properties;
    const { Role } = await making.call("iam", "CreateRole", { RoleName, AssumeRolePolicyDocument, Path, Description, PermissionsBoundary });
    for (const { PolicyName, PolicyDocument } of properties.Policies ?? [])
      await making.call("iam", "PutRolePolicy", { RoleName, PolicyName, PolicyDocument });
    for (const PolicyArn of properties.ManagedPolicyArns ?? []) await making.call("iam", "AttachRolePolicy", { RoleName, PolicyArn });
    return { id: RoleName, attributes: { Arn: Role.Arn, RoleId: Role.RoleId } };
  },
  async "AWS::IAM::Policy"({ PolicyName, PolicyDocument, Roles = [] }, making) {
    for (const RoleName of Roles) await making.call("iam", "PutRolePolicy", { RoleName, PolicyName, PolicyDocument });
    return { id: making.name(128) };
  },
};

const lambda: Record<string, Maker> = {
  async "AWS::Lambda::Function"(properties, making) {
    const { Code, ReservedConcurrentExecutions, FunctionName = making.name(64), ...rest } = properties;
    const ZipFile = making.code(Code.S3Key);
    const { FunctionArn } = await making.call("lambda", "CreateFunction", { ...rest, FunctionName, Code: { ZipFile } });
    if (ReservedConcurrentExecutions !== undefined)
      await making.call("lambda", "PutFunctionConcurrency", { FunctionName, ReservedConcurrentExecutions });
    return { id: FunctionName, attributes: { Arn: FunctionArn } };
  },
  async "AWS::Lambda::Version"({ FunctionName, Description }, making) {
    const { FunctionArn, Version } = await making.call("lambda", "PublishVersion", { FunctionName, Description });
    return { id: FunctionArn, attributes: { Version, FunctionArn } };
  },
  async "AWS::Lambda::Alias"({ FunctionName, Name, FunctionVersion, Description }, making) {
    const { AliasArn } = await making.call("lambda", "CreateAlias", { FunctionName, Name, FunctionVersion, Description });
    return { id: AliasArn, attributes: { AliasArn } };
  },
  async "AWS::Lambda::Permission"({ FunctionName, Action, Principal, SourceArn, SourceAccount }, making) {
    const StatementId = making.name(100);
    await making.call("lambda", "AddPermission", { FunctionName, StatementId, Action, Principal, SourceArn, SourceAccount });
    return { id: StatementId, attributes: { Id: StatementId } };
  },
  async "AWS::Lambda::EventInvokeConfig"(properties, making) {
    await making.call("lambda", "PutFunctionEventInvokeConfig", properties);
    return { id: making.name(128) };
  },
};

const events: Record<string, Maker> = {
  async "AWS::Events::Rule"(properties, making) {
    const { Name = making.name(64), EventPattern, EventBusName, Targets = [], ...rest } = properties;
    const pattern = EventPattern === undefined ? {} : { EventPattern: policyText(EventPattern) };
    const bus = EventBusName === undefined ? {} : { EventBusName };
    const { RuleArn } = await making.call("events", "PutRule", { ...rest, Name, ...pattern, ...bus });
    if (Targets.length > 0) {
      const { FailedEntries = [] } = await making.call("events", "PutTargets", { Rule: Name, ...bus, Targets });
      const [failed] = FailedEntries;
      if (failed) throw new Error(`target ${failed.TargetId} was refused: ${failed.ErrorMessage ?? failed.ErrorCode}`);
    }
    return { id: EventBusName ? `${busNameOf(EventBusName)}|${Name}` : Name, attributes: { Arn: RuleArn } };
  },
  async "AWS::Events::EventBus"({ Name }, making) {
    const { EventBusArn } = await making.call("events", "CreateEventBus", { Name });
    return { id: Name, attributes: { Arn: EventBusArn, Name } };
  },
  "AWS::Events::EventBusPolicy": recorded,
};

const sns: Record<string, Maker> = {
  async "AWS::SNS::Topic"({ TopicName, Subscription = [], DisplayName }, making) {
    const Name = TopicName ?? making.name(256);
    const { TopicArn } = await making.call("sns", "CreateTopic", { Name, ...(DisplayName ? { Attributes: { DisplayName } } : {}) });
    for (const { Protocol, Endpoint } of Subscription)
      await making.call("sns", "Subscribe", { TopicArn, Protocol, Endpoint, ReturnSubscriptionArn: true });
    return { id: TopicArn, attributes: { TopicName: Name, TopicArn } };
  },
  async "AWS::SNS::Subscription"({ TopicArn, Protocol, Endpoint, RawMessageDelivery, FilterPolicy, FilterPolicyScope }, making) {
    const Attributes = {
      ...(RawMessageDelivery === undefined ? {} : { RawMessageDelivery: String(RawMessageDelivery) }),
      ...(FilterPolicy === undefined ? {} : { FilterPolicy: policyText(FilterPolicy) }),
      ...(FilterPolicyScope === undefined ? {} : { FilterPolicyScope }),
    };
    const { SubscriptionArn } = await making.call("sns", "Subscribe", {
      TopicArn,
      Protocol,
      Endpoint,
      Attributes,
      ReturnSubscriptionArn: true,
    });
    return { id: SubscriptionArn, attributes: { Arn: SubscriptionArn } };
  },
  async "AWS::SNS::TopicPolicy"({ Topics, PolicyDocument }, making) {
    const AttributeValue = policyText(PolicyDocument);
    for (const TopicArn of Topics) await making.call("sns", "SetTopicAttributes", { TopicArn, AttributeName: "Policy", AttributeValue });
    return { id: making.name(128) };
  },
};

const s3: Record<string, Maker> = {
  async "AWS::S3::Bucket"({ BucketName, VersioningConfiguration, ObjectLockEnabled }, making) {
    const Bucket = BucketName ?? making.name(63).toLowerCase();
    const { region } = making;
    const place = region === "us-east-1" ? {} : { CreateBucketConfiguration: { LocationConstraint: region } };
    await making.call("s3", "CreateBucket", { Bucket, ...place, ...(ObjectLockEnabled ? { ObjectLockEnabledForBucket: true } : {}) });
    if (VersioningConfiguration) await making.call("s3", "PutBucketVersioning", { Bucket, VersioningConfiguration });
    return {
      id: Bucket,
      attributes: {
        Arn: `arn:aws:s3:::${Bucket}`,
        DomainName: `${Bucket}.s3.amazonaws.com`,
        RegionalDomainName: `${Bucket}.s3.${region}.amazonaws.com`,
      },
    };
  },
  async "AWS::S3::BucketPolicy"({ Bucket, PolicyDocument }, making) {
    await making.call("s3", "PutBucketPolicy", { Bucket, Policy: policyText(PolicyDocument) });
    return { id: Bucket };
  },
};

const kms: Record<string, Maker> = {
  async "AWS::KMS::Key"({ Description, KeyPolicy }, making) {
    const policy = KeyPolicy === undefined ? {} : { Policy: policyText(KeyPolicy) };
    const { KeyMetadata } = await making.call("kms", "CreateKey", { Description, ...policy });
    return { id: KeyMetadata.KeyId, attributes: { Arn: KeyMetadata.Arn, KeyId: KeyMetadata.KeyId } };
  },
  async "AWS::KMS::Alias"({ AliasName, TargetKeyId }, making) {
    await making.call("kms", "CreateAlias", { AliasName, TargetKeyId });
    return { id: AliasName };
  },
};

const others: Record<string, Maker> = {
  async "AWS::CloudWatch::Alarm"({ AlarmName, ...rest }, making) {
    const name = AlarmName ?? making.name(255);
    await making.call("monitoring", "PutMetricAlarm", { ...rest, AlarmName: name });
    return { id: name, attributes: { Arn: `arn:aws:cloudwatch:${making.region}:${making.account}:alarm:${name}` } };
  },
  "AWS::Logs::LogGroup"({ LogGroupName }, making) {
    const name = LogGroupName ?? making.name(512);
    return { id: name, attributes: { Arn: `arn:aws:logs:${making.region}:${making.account}:log-group:${name}:*` } };
  },
  async "AWS::EC2::SecurityGroup"({ GroupName, GroupDescription, VpcId, SecurityGroupIngress = [] }, making) {
    const { GroupId } = await making.call("ec2", "CreateSecurityGroup", {
      GroupName: GroupName ?? making.name(255),
      Description: GroupDescription,
      VpcId,
    });
    if (SecurityGroupIngress.length > 0) {
      await making.call("ec2", "AuthorizeSecurityGroupIngress", { GroupId, IpPermissions: SecurityGroupIngress.map(permissionOf) });
    }
    return { id: GroupId, attributes: { GroupId, ...(VpcId ? { VpcId } : {}) } };
  },
};

const THROTTLED_MS = 250;

/** CloudFormation waits its turn: Route 53 takes five requests a second from a whole account. */
async function inTurn(making: Making, operation: string, input: object): Promise<any> {
  for (;;) {
    try {
      return await making.call("route53", operation, input);
    } catch (error) {
      if (!(error instanceof ServiceError && error.code === "Throttling")) throw error;
      await making.world.sleep(THROTTLED_MS);
    }
  }
}

const route53: Record<string, Maker> = {
  async "AWS::Route53::HealthCheck"({ HealthCheckConfig, HealthCheckTags = [] }, making) {
    const { HealthCheck } = await inTurn(making, "CreateHealthCheck", { CallerReference: making.name(64), HealthCheckConfig });
    const AddTags = HealthCheckTags.map(({ Key, Value }: { Key: string; Value: string }) => ({ Key, Value }));
    if (AddTags.length > 0)
      await inTurn(making, "ChangeTagsForResource", { ResourceType: "healthcheck", ResourceId: HealthCheck.Id, AddTags });
    return { id: HealthCheck.Id, attributes: { HealthCheckId: HealthCheck.Id } };
  },
  async "AWS::Route53::RecordSet"({ HostedZoneId, Comment, ResourceRecords, ...set }, making) {
    const records = ResourceRecords ? { ResourceRecords: ResourceRecords.map((Value: string) => ({ Value })) } : {};
    await inTurn(making, "ChangeResourceRecordSets", {
      HostedZoneId,
      ChangeBatch: { Comment, Changes: [{ Action: "CREATE", ResourceRecordSet: { ...set, ...records } }] },
    });
    return { id: set.Name };
  },
};

/** CloudFormation's flat ingress rule as EC2's IpPermission. */
function permissionOf({ IpProtocol, FromPort, ToPort, CidrIp, CidrIpv6, SourceSecurityGroupId, Description }: any): any {
  return {
    IpProtocol: String(IpProtocol),
    ...(FromPort === undefined ? {} : { FromPort: Number(FromPort) }),
    ...(ToPort === undefined ? {} : { ToPort: Number(ToPort) }),
    ...(CidrIp ? { IpRanges: [{ CidrIp, Description }] } : {}),
    ...(CidrIpv6 ? { Ipv6Ranges: [{ CidrIpv6, Description }] } : {}),
    ...(SourceSecurityGroupId ? { UserIdGroupPairs: [{ GroupId: SourceSecurityGroupId, Description }] } : {}),
  };
}

/** By CloudFormation type. */
export const MAKERS: Readonly<Record<string, Maker>> = { ...iam, ...lambda, ...events, ...sns, ...s3, ...route53, ...kms, ...others };
