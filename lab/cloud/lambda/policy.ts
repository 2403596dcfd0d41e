// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Resource policies: who else may invoke a function. Judges services (a rule, a topic, an alarm) only;
 * what a role may do is its own policy's business, judged elsewhere.
 */
import { ServiceError } from "../../wire/errors.ts";

export interface Statement {
  readonly Sid: string;
  readonly Effect: "Allow";
  readonly Principal: "*" | { readonly Service: string } | { readonly AWS: string };
  readonly Action: string;
  readonly Resource: string;
  readonly Condition?: Record<string, Record<string, string>>;
}

/** The service that invokes, and the resource it does so for. */
export interface InvokeSource {
  readonly service: string;
  readonly arn?: string;
}

/** The statement AddPermission's input stands for. */
export function statementFrom(input: any, resource: string): Statement {
  for (const field of ["StatementId", "Action", "Principal"]) {
    if (!input[field])
      throw new ServiceError(
        "InvalidParameterValueException",
        `${field} is missing: AddPermission needs StatementId, Action and Principal.`,
      );
  }
  const principal = String(input.Principal);
  const condition: Record<string, Record<string, string>> = {};
  if (input.SourceArn) condition.ArnLike = { "AWS:SourceArn": input.SourceArn };
  if (input.SourceAccount) condition.StringEquals = { "AWS:SourceAccount": input.SourceAccount };
  return {
    Sid: input.StatementId,
    Effect: "Allow",
    Principal: principal === "*" ? "*" : principal.endsWith(".amazonaws.com") ? { Service: principal } : { AWS: principal },
    Action: input.Action,
    Resource: resource,
    ...(Object.keys(condition).length > 0 ? { Condition: condition } : {}),
  };
}

/** ArnLike: each of the six parts by itself, * and ? as wildcards. */
export function arnLike(pattern: string, arn: string): boolean {
  const split = (text: string) => {
    const parts = text.split(":");
    return [...parts.slice(0, 5), parts.slice(5).join(":")];
  };
  const given = split(arn);
  return split(pattern).every((part, at) => {
    const expression = part
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replace(/\*/g, ".*")
      .replace(/\?/g, ".");
    return new RegExp(`^${expression}$`).test(given[at] ?? "");
  });
}

/** Whether a policy lets the service invoke on behalf of the resource. */
export function admits(statements: readonly Statement[], source: InvokeSource, account: string): boolean {
  return statements.some((statement) => {
    if (statement.Action !== "lambda:InvokeFunction" && statement.Action !== "lambda:*" && statement.Action !== "*") return false;
    const principal = statement.Principal;
    if (principal !== "*" && !("Service" in principal && principal.Service === source.service)) return false;
    const like = statement.Condition?.ArnLike?.["AWS:SourceArn"];
    if (like !== undefined && !(source.arn !== undefined && arnLike(like, source.arn))) return false;
    const owner = statement.Condition?.StringEquals?.["AWS:SourceAccount"];
    return owner === undefined || owner === (source.arn?.split(":")[4] || account);
  });
}
