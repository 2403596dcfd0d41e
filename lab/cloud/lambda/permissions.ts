// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The operations on functions' resource policies. What a policy means is in policy.ts.
 */
import { ServiceError } from "../../wire/errors.ts";
import type { Caller, Operation, World } from "../world.ts";
import { findTarget } from "./functions.ts";
import { statementFrom } from "./policy.ts";

/** The resource policies of functions. */
export function policyOperations(world: World): Record<string, Operation> {
  const find = (input: any, caller: Caller) => {
    const target = findTarget(world, input.FunctionName, input.Qualifier, caller);
    if (target.qualifier === "$LATEST")
      throw new ServiceError("InvalidParameterValueException", "We currently do not support adding policies for $LATEST.");
    target.record.policies[target.qualifier ?? ""] ??= [];
    return { target, statements: target.record.policies[target.qualifier ?? ""] ?? [] };
  };
  return {
    AddPermission(input, caller) {
      const { target, statements } = find(input, caller);
      const statement = statementFrom(input, target.arn);
      if (statements.some(({ Sid }) => Sid === statement.Sid))
        throw new ServiceError(
          "ResourceConflictException",
          `The statement id (${statement.Sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
          409,
        );
      statements.push(statement);
      return { Statement: JSON.stringify(statement) };
    },
    RemovePermission(input, caller) {
      const { statements } = find(input, caller);
      const at = statements.findIndex(({ Sid }) => Sid === input.StatementId);
      if (at < 0) throw new ServiceError("ResourceNotFoundException", `Statement ${input.StatementId} is not found in resource policy.`);
      statements.splice(at, 1);
      return {};
    },
    GetPolicy(input, caller) {
      const { target, statements } = find(input, caller);
      if (statements.length === 0)
        throw new ServiceError("ResourceNotFoundException", `No policy is associated with the given resource: ${target.arn}`);
      return { Policy: JSON.stringify({ Version: "2012-10-17", Id: "default", Statement: statements }), RevisionId: world.id(36) };
    },
  };
}
