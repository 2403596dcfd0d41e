// biome-ignore-all lint/suspicious/noExplicitAny: a compiled template is any JSON
/**
 * What the compiled templates grant to whom, and what of it should not be there: a wildcard, a star nobody explains, a permission
 * nobody uses. Reads templates and a list of uses; knows no lab.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readPackage } from "../lab/deploy/index.ts";

/** Statements on everything, by Sid, and why AWS has no narrower form. A star whose Sid is not here is a mistake. */
const EXPLAINED_STARS: Readonly<Record<string, string>> = {
  NetworkInterfacesHaveNoArnBeforeTheyExist: "Lambda tries these out on everything when it puts a function into a network",
  MetricsHaveNoArnTheNamespaceIsTheLimit: "CloudWatch's metrics have no ARN; a condition limits the namespace they are put into",
  InstancesAndVolumesAreSeenWithoutArn: "EC2 knows no narrower form for what is only looked at",
  SnapshotsAreSeenWithoutArn: "EC2 knows no narrower form for what is only looked at",
  BucketsAreListedWithoutArn: "S3 lists all of an account's buckets or none",
  GroupsAndTargetsAreSeenWithoutArn: "Auto Scaling and Elastic Load Balancing know no narrower form for what is only looked at",
};

/** Grants that nothing uses and that stay all the same, as "Role Sid action", each with its reason. None today. */
const EXPLAINED_UNUSED: Readonly<Record<string, string>> = {};

export interface Granted {
  readonly role: string;
  readonly sid: string;
  readonly action: string;
  readonly onEverything: boolean;
}

/** A use of a grant, as the lab notes it. */
export interface Use {
  readonly role: string;
  readonly action: string;
  /** Sids of the statements that allowed it. */
  readonly by: readonly string[];
}

/** Every action the deployed roles may do, in the order of the templates. */
export function grantedBy(packaged: string): Granted[] {
  const templates = [readPackage(packaged).template, JSON.parse(readFileSync(join(packaged, "primary-region.json"), "utf8"))] as any[];
  return templates.flatMap(({ Resources }) => Object.entries<any>(Resources).flatMap(([id, resource]) => grantsIn(id, resource)));
}

function grantsIn(role: string, { Type, Properties }: any): Granted[] {
  if (Type !== "AWS::IAM::Role") return [];
  const statements: any[] = (Properties.Policies ?? []).flatMap(({ PolicyDocument }: any) => [PolicyDocument.Statement].flat());
  return statements
    .filter(({ Effect }) => Effect === "Allow")
    .flatMap(({ Sid, Action, NotAction, Resource }, at) =>
      [Action ?? `everything but ${[NotAction].flat().join(", ")}`].flat().map((action: string) => ({
        role,
        sid: Sid ?? `statement ${at + 1}`,
        action,
        onEverything: Resource === undefined || [Resource].flat().includes("*"),
      })),
    );
}

export interface Judged extends Granted {
  readonly times: number;
  /** Why it should not be there as it is; null when all is well. */
  readonly problem: string | null;
  /** Why it may be there although it looks wrong. */
  readonly reason: string | null;
}

export function judge(granted: readonly Granted[], uses: readonly Use[]): Judged[] {
  return granted.map((grant) => {
    const times = uses.filter((use) => use.role === grant.role && use.action === grant.action && use.by.includes(grant.sid)).length;
    const star = EXPLAINED_STARS[grant.sid];
    const unused = EXPLAINED_UNUSED[`${grant.role} ${grant.sid} ${grant.action}`];
    const problem =
      (/[*?]/.test(grant.action) || !grant.action.includes(":") ? "names no single action" : null) ??
      (grant.onEverything && !star ? `is granted on everything, and the Sid ${grant.sid} is not explained in cli/granted.ts` : null) ??
      (times === 0 && !unused ? "is never used" : null);
    return { ...grant, times, problem, reason: (grant.onEverything ? star : undefined) ?? (times === 0 ? (unused ?? null) : null) };
  });
}
