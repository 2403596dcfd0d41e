// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * IAM: the roles and users of the account, the policies roles carry, and which principal an access key stands for. One store for all
 * regions. Keeps policies as documents and judges none of them; users have none here, and the lab lets them do everything.
 */
import type { IncomingMessage } from "node:http";
import { ServiceError } from "../wire/errors.ts";
import { mustBeSignedBy } from "../wire/signature.ts";
import type { Service, World } from "./world.ts";

export interface PolicyDocument {
  readonly Version?: string;
  readonly Statement: any;
}

export interface Role {
  readonly name: string;
  readonly arn: string;
  readonly id: string;
  readonly path: string;
  readonly description: string;
  readonly createdAtMs: number;
  /** Who may assume it. */
  readonly trust: PolicyDocument;
  /** Inline policies by name. */
  readonly policies: Record<string, PolicyDocument>;
  readonly managedPolicyArns: string[];
  readonly permissionsBoundary?: string;
}

export interface SessionKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** "" for a user's key, which needs none. */
  readonly sessionToken: string;
  /** arn:aws:sts::account:assumed-role/role/session, or a user's ARN. */
  readonly principal: string;
}

interface IamState {
  roles: Record<string, Role>;
  /** By access key id. */
  keys: Record<string, SessionKey>;
}

function stateOf(world: World): IamState {
  return world.state<IamState>("iam", () => ({ roles: {}, keys: {} }));
}

function roleNameOf(arn: string): string {
  return arn.slice(arn.lastIndexOf("/") + 1);
}

/** The key pair of one role session. The same role and session name get the same key, so that a restart changes nobody. */
export function sessionKeyFor(world: World, roleArn: string, session: string): SessionKey {
  const { keys } = stateOf(world);
  const principal = `arn:aws:sts::${world.account}:assumed-role/${roleNameOf(roleArn)}/${session}`;
  const known = Object.values(keys).find((key) => key.principal === principal);
  if (known) return known;
  let accessKeyId = "";
  do accessKeyId = `ASIA${world.id(16).toUpperCase()}`;
  while (keys[accessKeyId]);
  const key = { accessKeyId, secretAccessKey: world.id(40), sessionToken: world.id(64), principal };
  keys[accessKeyId] = key;
  return key;
}

/** Who an access key stands for: a role session, or the account's root for any key the lab did not give out. */
export function principalFor(world: World, accessKeyId: string | undefined): string {
  return stateOf(world).keys[accessKeyId ?? ""]?.principal ?? `arn:aws:iam::${world.account}:root`;
}

/** The role behind a role or role session ARN of the world's account; undefined for anyone else. */
export function roleOf(world: World | undefined, principal: string): Role | undefined {
  if (!world) return undefined;
  const name = /:assumed-role\/([^/]+)\//.exec(principal)?.[1] ?? (/:role\//.test(principal) ? roleNameOf(principal) : undefined);
  return name === undefined ? undefined : stateOf(world).roles[name];
}

/** Whether the role exists and its trust policy lets the service assume it. */
export function serviceMayAssume(world: World, roleArn: string, service: string): boolean {
  const role = roleOf(world, roleArn);
  const statements: any[] = role ? [role.trust.Statement].flat() : [];
  return statements.some((statement) => statement?.Effect === "Allow" && [statement.Principal?.Service].flat().includes(service));
}

export interface Iam extends Service {
  principalFor(accessKeyId: string | undefined): string;
  /** Whether it is the key of a session of one of this account's roles. */
  knows(accessKeyId: string): boolean;
  /** A session somebody assumed: its key stands for it from now on. */
  remember(key: SessionKey): void;
  /** Throws when a key that IAM gave out did not make the request's signature. Any other key stands for root and is taken at its word. */
  mustBeSigned(request: IncomingMessage, body: Buffer): void;
}

/** The user's key; the same one each time, so that a lab that goes on changes nobody. Makes the user on the way. */
export function userKeyFor(world: World, name: string): SessionKey {
  const { keys } = stateOf(world);
  const principal = `arn:aws:iam::${world.account}:user/${name}`;
  const known = Object.values(keys).find((key) => key.principal === principal);
  if (known) return known;
  const key = { accessKeyId: `AKIA${world.id(16).toUpperCase()}`, secretAccessKey: world.id(40), sessionToken: "", principal };
  keys[key.accessKeyId] = key;
  return key;
}

function document(value: unknown, field: string): PolicyDocument {
  const parsed = typeof value === "string" ? JSON.parse(value) : value;
  if (!parsed || typeof parsed !== "object" || !("Statement" in parsed))
    throw new ServiceError("MalformedPolicyDocument", `${field} is not a policy: expected an object with Statement.`, 400);
  return parsed as PolicyDocument;
}

function shape(role: Role): any {
  return {
    RoleName: role.name,
    Arn: role.arn,
    RoleId: role.id,
    Path: role.path,
    Description: role.description,
    CreateDate: new Date(role.createdAtMs),
    AssumeRolePolicyDocument: encodeURIComponent(JSON.stringify(role.trust)),
  };
}

export function createIam(world: World): Iam {
  const role = (name: string): Role => {
    const found = stateOf(world).roles[name];
    if (!found) throw new ServiceError("NoSuchEntity", `The role with name ${name} cannot be found.`, 404);
    return found;
  };
  return {
    name: "iam",
    principalFor: (accessKeyId) => principalFor(world, accessKeyId),
    knows: (accessKeyId) => accessKeyId in stateOf(world).keys,
    remember(key) {
      stateOf(world).keys[key.accessKeyId] = key;
    },
    mustBeSigned(request, body) {
      const named =
        /Credential=([^/,\s]+)/.exec(request.headers.authorization ?? "")?.[1] ?? /X-Amz-Credential=([^/%&]+)/.exec(request.url ?? "")?.[1];
      const key = stateOf(world).keys[named ?? ""];
      if (key) mustBeSignedBy(key, request, body, world.now());
    },
    operations: {
      CreateRole(input) {
        const { roles } = stateOf(world);
        if (!/^[\w+=,.@-]{1,64}$/.test(input.RoleName ?? ""))
          throw new ServiceError("ValidationError", `RoleName '${input.RoleName}' is not valid: 1 to 64 letters, digits or _+=,.@-`, 400);
        if (roles[input.RoleName]) throw new ServiceError("EntityAlreadyExists", `Role with name ${input.RoleName} already exists.`, 409);
        const path = input.Path ?? "/";
        const created: Role = {
          name: input.RoleName,
          arn: `arn:aws:iam::${world.account}:role${path}${input.RoleName}`,
          id: `AROA${world.id(17).toUpperCase()}`,
          path,
          description: input.Description ?? "",
          createdAtMs: world.now(),
          trust: document(input.AssumeRolePolicyDocument, "AssumeRolePolicyDocument"),
          policies: {},
          managedPolicyArns: [],
          ...(input.PermissionsBoundary ? { permissionsBoundary: input.PermissionsBoundary } : {}),
        };
        roles[created.name] = created;
        return { Role: shape(created) };
      },
      PutRolePolicy(input) {
        role(input.RoleName).policies[input.PolicyName] = document(input.PolicyDocument, "PolicyDocument");
        return {};
      },
      AttachRolePolicy(input) {
        const { managedPolicyArns } = role(input.RoleName);
        if (!managedPolicyArns.includes(input.PolicyArn)) managedPolicyArns.push(input.PolicyArn);
        return {};
      },
      GetRole: (input) => ({ Role: shape(role(input.RoleName)) }),
      ListRoles: () => ({ Roles: Object.values(stateOf(world).roles).map(shape), IsTruncated: false }),
      ListRolePolicies: (input) => ({ PolicyNames: Object.keys(role(input.RoleName).policies), IsTruncated: false }),
      GetRolePolicy(input) {
        const policy = role(input.RoleName).policies[input.PolicyName];
        if (!policy) throw new ServiceError("NoSuchEntity", `The role policy with name ${input.PolicyName} cannot be found.`, 404);
        return { RoleName: input.RoleName, PolicyName: input.PolicyName, PolicyDocument: encodeURIComponent(JSON.stringify(policy)) };
      },
    },
  };
}
