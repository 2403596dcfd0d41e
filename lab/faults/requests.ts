/**
 * Faults of calls, met at the wire before the operation: throttles, 5xx, delays, lost replies, dark regions, full quotas, keys, and the
 * death of the function that calls. Calls between services inside the lab pass by here.
 *
 * The order is that of the way in: no network, no control plane, a slow way, a throttle, a broken service, a refusal; then the effect.
 */
import type { IncomingMessage } from "node:http";
import { findKey } from "../cloud/kms-keys.ts";
import { rdsState } from "../cloud/rds/state.ts";
import type { World } from "../cloud/world.ts";
import { ServiceError } from "../wire/errors.ts";
import type { WireCall } from "../wire/server.ts";
import { broken, overQuota, throttled, unavailable } from "./answers.ts";
import type { FunctionFaults } from "./functions.ts";
import { darkFor, type Silence } from "./regions.ts";
import { fits, type Registry } from "./registry.ts";

/** Services whose control plane is in us-east-1 alone. */
const GLOBAL = ["route53", "iam"];

/** The name of the deployed function a call comes from: its role session carries it. */
export const callingFunction = (principal: string): string | undefined => /:assumed-role\/[^/]+\/(.+)$/.exec(principal)?.[1];

interface CallScope {
  readonly service?: string | undefined;
  readonly operation?: string | undefined;
  readonly region?: string | undefined;
  readonly function?: string | undefined;
}

function meets(scope: CallScope, { service, operation, caller }: WireCall): boolean {
  if (scope.service !== undefined && scope.service !== service) return false;
  if (scope.region !== undefined && scope.region !== caller.region) return false;
  if (scope.function !== undefined && !fits(scope.function, callingFunction(caller.principal) ?? "")) return false;
  return fits(scope.operation, operation);
}

/** Breaks the connection now; what the wire would answer goes nowhere. */
function cut(request: IncomingMessage): ServiceError {
  request.socket.destroy();
  return unavailable();
}

export function requestFaults(world: World, faults: Registry, silence: Silence, functions: FunctionFaults) {
  return async function before(request: IncomingMessage, call: WireCall): Promise<undefined | "lose reply"> {
    const { service, operation, caller } = call;
    const what = `${service}:${operation}`;
    const strikes = (fault: { readonly id: string }) => faults.strikes(fault, what, caller.region);

    const dark = darkFor(world, faults, caller.region, callingFunction(caller.principal));
    if (dark && strikes(dark)) {
      if (dark.fault.how !== "cut") await silence.keep(dark.id, request.socket);
      throw cut(request);
    }
    if (GLOBAL.includes(service)) for (const each of faults.of("controlPlaneDark")) if (strikes(each)) throw unavailable();
    for (const each of faults.of("delay")) if (meets(each.fault, call) && strikes(each)) await world.sleep(each.fault.ms);
    for (const each of faults.of("throttle")) if (meets(each.fault, call) && strikes(each)) throw throttled(service);
    for (const each of faults.of("error5xx")) if (meets(each.fault, call) && strikes(each)) throw broken(service);
    for (const each of faults.of("quotaFull")) {
      const { fault } = each;
      if (fault.service !== service || (fault.region && fault.region !== caller.region)) continue;
      const error = overQuota(service, fault.quota, operation);
      if (error && strikes(each)) throw error;
    }
    for (const each of faults.of("kmsKeyDisabled")) {
      const key = keyArn(world, each.fault.region, each.fault.key);
      if (service === "rds" && keysOf(world, call).includes(key) && strikes(each))
        throw new ServiceError(
          "KMSKeyNotAccessibleFault",
          `Specified KMS key [${key}] does not exist, is not enabled or you do not have permissions to access it.`,
          400,
        );
    }
    for (const each of faults.of("lambdaKilled")) {
      const { fault } = each;
      const name = callingFunction(caller.principal);
      if (!name || !fits(fault.function, name) || !meets({ service: fault.service, operation: fault.operation }, call)) continue;
      if (!strikes(each)) continue;
      if (fault.when === "after") {
        functions.killAfter(caller.requestId, name);
        return "lose reply";
      }
      functions.kill(name);
      throw cut(request);
    }
    for (const each of faults.of("loseReply")) if (meets(each.fault, call) && strikes(each)) return "lose reply";
    return undefined;
  };
}

/** By any of its names; a key that does not exist has the ARN it would have. */
function keyArn(world: World, region: string, key: string): string {
  const found = findKey(world, world.account, region, key)?.arn;
  return (
    found ?? (key.startsWith("arn:") ? key : `arn:aws:kms:${region}:${world.account}:${key.startsWith("alias/") ? key : `key/${key}`}`)
  );
}

/** ARNs of the keys a call of RDS would use: the one it names, and that of the snapshot it reads. */
function keysOf(world: World, { operation, input, caller }: WireCall): string[] {
  if (!["CopyDBSnapshot", "RestoreDBInstanceFromDBSnapshot", "CreateDBInstance"].includes(operation)) return [];
  const keys: string[] = [];
  if (input.KmsKeyId) keys.push(keyArn(world, caller.region, input.KmsKeyId));
  const wanted: string = input.SourceDBSnapshotIdentifier ?? input.DBSnapshotIdentifier ?? "";
  const [, , , region = caller.region] = wanted.startsWith("arn:") ? wanted.split(":") : [];
  const id = wanted.startsWith("arn:") ? wanted.split(":").slice(6).join(":") : wanted;
  const source = rdsState(world).regions[region]?.snapshots[id.toLowerCase()];
  if (source?.kmsKeyId) keys.push(source.kmsKeyId);
  return keys;
}
