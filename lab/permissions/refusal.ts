/**
 * A refusal in AWS's words: each service has its own code, status and habits for the same sentence.
 */
import { ServiceError } from "../wire/errors.ts";
import { shown } from "./need.ts";

/** Code and status by the service's name in a signature. */
const CODES: Readonly<Record<string, readonly [code: string, status: number]>> = {
  lambda: ["AccessDeniedException", 403],
  events: ["AccessDeniedException", 400],
  secretsmanager: ["AccessDeniedException", 400],
  kms: ["AccessDeniedException", 400],
  ssm: ["AccessDeniedException", 400],
  scheduler: ["AccessDeniedException", 403],
  ec2: ["UnauthorizedOperation", 403],
  // SNS has an error of its own (API reference: AuthorizationError), and writes its prefix in capitals.
  sns: ["AuthorizationError", 403],
};

/** `because` ends the sentence: "because no identity-based policy allows the … action". */
export function sentence(principal: string, action: string, resource: string, because: string): string {
  const service = action.split(":")[0];
  const named = service === "sns" ? action.replace("sns:", "SNS:") : action;
  const on = service === "s3" ? `"${shown(resource)}"` : shown(resource);
  return `User: ${principal} is not authorized to perform: ${named} on resource: ${on} ${because.replace(action, named)}`;
}

export function refusal(service: string, text: string): ServiceError {
  const [code, status] = CODES[service] ?? ["AccessDenied", 403];
  return new ServiceError(code, service === "ec2" ? `You are not authorized to perform this operation. ${text}` : text, status);
}
