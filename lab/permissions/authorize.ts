/**
 * Who may do what: every request of a role session is judged against the role's policies and the resource's own, before its
 * service sees it. An account's root and its users may do everything in their account; in another they may what the resource's policy
 * lets them. The lab speaks http and takes every connection for a secure one.
 */
import type { IncomingMessage } from "node:http";
import { type Role, roleOf } from "../cloud/iam.ts";
import type { Service, World } from "../cloud/world.ts";
import type { WireCall } from "../wire/server.ts";
import { evaluate, type Question } from "./evaluate.ts";
import type { At, Context, Need } from "./need.ts";
import { needsOf } from "./needs.ts";
import { Notes } from "./notes.ts";
import { refusal, sentence } from "./refusal.ts";
import { ownerOf, resourcePolicyOf } from "./resource-policies.ts";

export interface Permissions extends Service {
  readonly notes: Notes;
  /** For the wire: throws the refusal. */
  before(request: IncomingMessage, call: WireCall): Promise<void>;
}

/** An account's root, or a user: the lab's have no policies of their own and may do what the root may. */
const isOwn = (principal: string): boolean => /^arn:aws:iam::\d{12}:(root$|user\/)/.test(principal);
/** What an account lets its own do. */
const EVERYTHING = { root: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] } };
const isSession = (principal: string): boolean => principal.includes(":assumed-role/");

export function createPermissions(world: World): Permissions {
  const notes = new Notes(world);

  /** The refusal of the first need that is not met; null when all are. */
  async function unmet(principal: string, needs: readonly Need[], at: At, userAgent?: string): Promise<string | null> {
    const role = roleOf(world, principal);
    const policies = isOwn(principal) ? EVERYTHING : role?.policies;
    for (const need of needs) {
      const { action, resource } = need;
      if (!policies) return sentence(principal, action, resource, "because its role does not exist");
      // Managed policies have no document here: a boundary that nobody can read lets nothing through.
      if (role?.permissionsBoundary)
        return sentence(principal, action, resource, `because the lab does not have its permissions boundary ${role.permissionsBoundary}`);
      const owner = need.account ?? ownerOf(world, resource) ?? at.account;
      const question: Question = {
        principal,
        account: owner,
        action,
        resource,
        context: { ...contextOf(role, principal, at, userAgent), "aws:ResourceAccount": owner, ...need.context },
        policies,
        resourcePolicy: resourcePolicyOf(world, resource, action),
      };
      const verdict = await evaluate(question);
      if (role) notes.take(question, role.name, verdict);
      if (!verdict.allowed) return sentence(principal, action, resource, verdict.because);
    }
    return null;
  }

  return {
    name: "permissions",
    notes,
    async before(request, { service, operation, input, caller }) {
      const at: At = { world, region: caller.region, account: caller.account };
      const session = isSession(caller.principal);
      // An account's own are asked nothing in it; where there is one account, it has no other to go to.
      if (!session && (!isOwn(caller.principal) || world.accounts.size < 2)) return;
      const all = needsOf({ service, operation, input }, at);
      if (!all && session) {
        const text = `because the lab does not know which permissions it needs: add it to lab/permissions/needs.ts`;
        throw refusal(service, sentence(caller.principal, `${service}:${operation}`, "*", text));
      }
      const needs = session
        ? all
        : all?.filter(({ resource, account }) => (account ?? ownerOf(world, resource) ?? caller.account) !== caller.account);
      if (!needs?.length) return;
      const text = await unmet(caller.principal, needs, at, request.headers["user-agent"]);
      if (text !== null) throw refusal(service, text);
    },
    operations: {
      /** Lab-internal: what a service does in a role's name, see act.ts. */
      async LabMayRole({ roleArn, session, action, resource }, { region, account }) {
        const principal = `arn:aws:sts::${account}:assumed-role/${roleArn.slice(roleArn.lastIndexOf("/") + 1)}/${session}`;
        return { refusal: await unmet(principal, [{ action, resource }], { world, region, account }) };
      },
      /** Lab-internal: what a service does in its caller's name. */
      async LabMayDo({ principal, needs }, { region, account }) {
        return { refusal: await unmet(principal, needs, { world, region, account }) };
      },
    },
  };
}

/** What every request says: IAM's global condition keys as far as the lab knows them. */
function contextOf(role: Role | undefined, principal: string, { region, account, world }: At, userAgent: string | undefined): Context {
  const timed = /aws:(CurrentTime|EpochTime)/i.test(JSON.stringify(role?.policies ?? {}));
  return {
    "aws:PrincipalArn": role?.arn ?? principal,
    "aws:PrincipalAccount": account,
    "aws:PrincipalType": role ? "AssumedRole" : "Account",
    "aws:PrincipalIsAWSService": "false",
    "aws:ViaAWSService": "false",
    "aws:userid": role ? `${role.id}:${principal.split("/").at(-1)}` : account,
    "aws:RequestedRegion": region,
    "aws:SecureTransport": "true",
    ...(userAgent ? { "aws:UserAgent": userAgent } : {}),
    // A clock makes every question a new one; it is told to the policies that ask for it.
    ...(timed ? { "aws:CurrentTime": new Date(world.now()).toISOString(), "aws:EpochTime": String(Math.floor(world.now() / 1000)) } : {}),
  };
}
