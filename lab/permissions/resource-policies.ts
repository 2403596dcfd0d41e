// biome-ignore-all lint/suspicious/noExplicitAny: policies are any JSON
/**
 * Whose a resource is, and the policy it carries itself: a bucket's, a topic's, a function's, a bus's, a key's, a role's trust. Reads
 * them where their services keep them and judges none. A function's statements for services are Lambda's own business and left out.
 */
import { roleOf } from "../cloud/iam.ts";
import { findKey, rootPolicy } from "../cloud/kms-keys.ts";
import { stateOf as lambdaState } from "../cloud/lambda/functions.ts";
import { s3State } from "../cloud/s3-state.ts";
import { snsState } from "../cloud/sns-state.ts";
import type { World } from "../cloud/world.ts";
import { stacksOf } from "../deploy/stack.ts";

/** Services whose resources another account may reach by their own policies. RDS and EC2 share in ways of their own. */
const OPEN = new Set(["events", "iam", "kms", "lambda", "secretsmanager", "sns"]);

/** The account a resource belongs to; undefined where the service itself judges who of another account may come. */
export function ownerOf(world: World, resource: string): string | undefined {
  const [, , service = "", , account, name = ""] = resource.split(":");
  if (service === "s3") return s3State(world).buckets[name.split("/")[0] ?? ""]?.account;
  return OPEN.has(service) ? account : undefined;
}

export function resourcePolicyOf(from: World, resource: string, action: string): unknown {
  const [, , service, region = "", account = "", ...rest] = resource.split(":");
  const name = rest.join(":");
  // Keys of all accounts are in one place, of accounts too that nobody has opened.
  // An alias has no policy: IAM's decide.
  if (service === "kms" && name.startsWith("alias/")) return parsed(rootPolicy(account));
  if (service === "kms") return parsed(findKey(from, account, region, resource)?.policy);
  const world = account && account !== from.account ? from.accounts.get(account) : from;
  if (!world) return undefined;
  if (service === "iam") return action === "sts:AssumeRole" ? roleOf(world, resource)?.trust : undefined;
  if (service === "s3") return parsed(s3State(world).buckets[name.split("/")[0] ?? ""]?.policy);
  if (service === "sns") return parsed(snsState(world, region).topics[resource]?.attributes.Policy);
  if (service === "lambda") return functionPolicy(world, region, name);
  if (service === "events") return busPolicy(world, region, name);
  return undefined;
}

function parsed(text: string | undefined): unknown {
  return text ? JSON.parse(text) : undefined;
}

function functionPolicy(world: World, region: string, name: string): unknown {
  const [, functionName, qualifier = ""] = name.split(":");
  const statements = lambdaState(world).functions[`${region}/${functionName}`]?.policies[qualifier] ?? [];
  const forPrincipals = statements.filter(({ Principal }) => Principal === "*" || "AWS" in Principal);
  return forPrincipals.length > 0 ? { Version: "2012-10-17", Statement: forPrincipals } : undefined;
}

/** The lab's EventBridge keeps no bus policies; those of deployed templates stand in their stacks. */
function busPolicy(world: World, region: string, name: string): unknown {
  const bus = name.split("/").at(-1);
  const statements = Object.values(stacksOf(world))
    .filter((stack) => stack.region === region)
    .flatMap((stack) => Object.values(stack.resources))
    .filter(({ type, properties }) => type === "AWS::Events::EventBusPolicy" && ((properties as any).EventBusName ?? "default") === bus)
    .map(({ properties }) => {
      const { StatementId, Statement, Action, Principal } = properties as any;
      const account = Principal === "*" ? "*" : { AWS: Principal };
      return { ...(Statement ?? { Effect: "Allow", Action, Principal: account, Resource: `arn:aws:${name}` }), Sid: StatementId };
    });
  return statements.length > 0 ? { Version: "2012-10-17", Statement: statements } : undefined;
}
