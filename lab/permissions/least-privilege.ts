// biome-ignore-all lint/suspicious/noExplicitAny: policies are any JSON
/**
 * What deployed roles were granted, and the proof that each grant is needed: one action is taken out of one statement, and what the
 * lab noted is judged again by what is left. Reads policies and notes; runs nothing.
 */
import type { PolicyDocument } from "../cloud/iam.ts";
import { roleOf } from "../cloud/iam.ts";
import type { World } from "../cloud/world.ts";
import { stacksOf } from "../deploy/stack.ts";
import { evaluate } from "./evaluate.ts";
import type { Note } from "./notes.ts";
import { sentence } from "./refusal.ts";

/** One action of one statement of a role that a template deployed. */
export interface Grant {
  /** The role's logical id. */
  readonly role: string;
  readonly roleName: string;
  readonly policy: string;
  readonly sid: string;
  readonly action: string;
}

type Policies = Readonly<Record<string, PolicyDocument>>;

export const statementsOf = ({ Statement }: PolicyDocument): any[] => [Statement].flat();
const actionsOf = (statement: any): string[] => [statement.Action ?? []].flat();
const sidOf = (statement: any, at: number): string => statement.Sid ?? `#${at + 1}`;

export function grantsOf(world: World): Grant[] {
  const roles = Object.values(stacksOf(world)).flatMap((stack) =>
    Object.entries(stack.resources).flatMap(([role, { type, id }]) => (type === "AWS::IAM::Role" ? [{ role, roleName: id }] : [])),
  );
  return roles.flatMap(({ role, roleName }) =>
    Object.entries(policiesOf(world, roleName)).flatMap(([policy, document]) =>
      statementsOf(document).flatMap((statement, at) =>
        statement.Effect === "Allow"
          ? actionsOf(statement).map((action) => ({ role, roleName, policy, sid: sidOf(statement, at), action }))
          : [],
      ),
    ),
  );
}

const policiesOf = (world: World, roleName: string): Policies => roleOf(world, `:role/${roleName}`)?.policies ?? {};

/** The role's policies as they would be without the grant. A statement or a policy that grants nothing any more is left out. */
export function without(policies: Policies, grant: Grant): Policies {
  return Object.fromEntries(
    Object.entries(policies).flatMap(([name, document]) => {
      if (name !== grant.policy) return [[name, document]];
      const Statement = statementsOf(document).flatMap((statement, at) => {
        if (sidOf(statement, at) !== grant.sid) return [statement];
        const Action = actionsOf(statement).filter((action) => action !== grant.action);
        return Action.length > 0 ? [{ ...statement, Action }] : [];
      });
      return Statement.length > 0 ? [[name, { ...document, Statement }]] : [];
    }),
  );
}

/** Judges what was noted of the role again, without the grant: the refusals, each in AWS's words. */
export async function refusalsWithout(world: World, notes: readonly Note[], grant: Grant): Promise<string[]> {
  const policies = without(policiesOf(world, grant.roleName), grant);
  const refusals: string[] = [];
  for (const { principal, account, action, resource, context, resourcePolicy, roleName, allowed } of notes) {
    if (roleName !== grant.roleName || !allowed) continue;
    const verdict = await evaluate({ principal, account, action, resource, context, resourcePolicy, policies });
    if (!verdict.allowed) refusals.push(sentence(principal, action, resource, verdict.because));
  }
  return refusals;
}

export interface Proof {
  readonly grant: Grant;
  /** A refusal that names the role and the action; undefined when nothing needed the grant. */
  readonly refusal: string | undefined;
}

/** Takes every grant out, one at a time. */
export async function prove(world: World, notes: readonly Note[]): Promise<Proof[]> {
  const proofs: Proof[] = [];
  for (const grant of grantsOf(world)) {
    const refusals = await refusalsWithout(world, notes, grant);
    const names = (text: string) => text.includes(`/${grant.roleName}/`) && text.toLowerCase().includes(grant.action.toLowerCase());
    proofs.push({ grant, refusal: refusals.find(names) });
  }
  return proofs;
}
