// biome-ignore-all lint/suspicious/noExplicitAny: policies are any JSON
/**
 * The policy a resource carries itself: a bucket's, a topic's, a function's, a bus's. Reads them where their services keep them
 * and judges none. A function's statements for services are Lambda's own business and left out.
 */
import { stateOf as lambdaState } from "../cloud/lambda/functions.ts";
import { s3State } from "../cloud/s3-state.ts";
import { snsState } from "../cloud/sns-state.ts";
import type { World } from "../cloud/world.ts";
import { stacksOf } from "../deploy/stack.ts";

export function resourcePolicyOf(world: World, resource: string): unknown {
  const [, , service, region = "", , ...rest] = resource.split(":");
  const name = rest.join(":");
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
