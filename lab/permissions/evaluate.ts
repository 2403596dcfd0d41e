// biome-ignore-all lint/suspicious/noExplicitAny: policies are any JSON
/**
 * Asks the policy simulator for one verdict: identity policies, a resource policy and a request's context against one action on
 * one resource. The same questions are asked over and over, so answers are remembered. Knows nothing of the lab.
 */
import { likeness } from "./alike.ts";
import type { Context } from "./need.ts";

export interface Question {
  /** ARN of the role session. */
  readonly principal: string;
  readonly account: string;
  readonly action: string;
  readonly resource: string;
  readonly context: Context;
  /** Identity policies by name. */
  readonly policies: Readonly<Record<string, unknown>>;
  readonly resourcePolicy?: unknown;
}

export interface Verdict {
  readonly allowed: boolean;
  /** What AWS's refusal ends with. */
  readonly because: string;
  /** Sids of the identity policies' statements that allow it; a statement without one counts by its place. */
  readonly by: readonly string[];
}

const MOST_REMEMBERED = 20_000;
const remembered = new Map<string, Promise<Verdict>>();

export function evaluate(question: Question): Promise<Verdict> {
  const key = likeness(question);
  const known = remembered.get(key);
  if (known) return known;
  if (remembered.size >= MOST_REMEMBERED) remembered.clear();
  const verdict = judge(question);
  remembered.set(key, verdict);
  return verdict;
}

/** Asks anew. */
export async function judge({ principal, account, action, resource, context, policies, resourcePolicy }: Question): Promise<Verdict> {
  // Loaded by the first role that asks: a lab without one starts without it.
  const { runSimulation } = await import("@cloud-copilot/iam-simulate");
  const answer = await runSimulation(
    {
      request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
      identityPolicies: Object.entries(policies).map(([name, policy]) => ({ name, policy })),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(resourcePolicy === undefined ? {} : { resourcePolicy }),
    },
    {},
  );
  if (answer.resultType === "error")
    throw new Error(`${action} on ${resource} cannot be judged for ${principal}: ${JSON.stringify(answer.errors)}`);
  // For "*" the simulator tells what each pattern of the policies would give; only a grant on everything is one.
  const analyses =
    answer.resultType === "single"
      ? [answer.result.analysis]
      : answer.results
          .filter(({ resourcePattern, analysis }) => resourcePattern === resource || analysis.result === "ExplicitlyDenied")
          .map(({ analysis }) => analysis);
  const denied = analyses.find(({ result }) => result === "ExplicitlyDenied");
  if (denied) {
    const kind = denied.resourceAnalysis?.result === "ExplicitlyDenied" ? "a resource-based" : "an identity-based";
    return { allowed: false, because: `with an explicit deny in ${kind} policy`, by: [] };
  }
  if (analyses.length > 0 && analyses.every(({ result }) => result === "Allowed")) {
    const statements = analyses.flatMap(({ identityAnalysis }) => identityAnalysis?.allowStatements ?? []);
    const by = statements.map(({ statement }) => statement.sid() ?? `#${statement.index()}`);
    return { allowed: true, because: "", by: [...new Set(by)] };
  }
  const byIdentity = analyses.length > 0 && analyses.every(({ identityAnalysis }) => identityAnalysis?.result === "Allowed");
  return { allowed: false, because: `because no ${byIdentity ? "resource" : "identity"}-based policy allows the ${action} action`, by: [] };
}
