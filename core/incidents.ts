/**
 * Findings over time: each is told when it begins and when it is over, however often it is looked at in between. Whoever looks keeps the
 * incidents before telling of them and may die in between, so a new one is told by two looks; its name says since when it is so, and
 * people read one name once. Pure.
 */

export interface Incident {
  readonly id: string;
  readonly sinceMs: number;
  readonly sentence: string;
  /** Looks that have told of it. */
  readonly tellings: number;
}

const TELLINGS = 2;

export interface Change<Finding> {
  readonly open: readonly Incident[];
  /** To be told now. */
  readonly begun: readonly { readonly finding: Finding; readonly sinceMs: number }[];
  readonly over: readonly Incident[];
}

export function changedIncidents<Finding extends { readonly id: string; readonly sentence: string }>(
  before: readonly Incident[],
  findings: readonly Finding[],
  nowMs: number,
): Change<Finding> {
  const known = new Map(before.map((incident) => [incident.id, incident]));
  const now = new Set(findings.map(({ id }) => id));
  const sinceOf = ({ id }: Finding) => known.get(id)?.sinceMs ?? nowMs;
  const told = ({ id }: Finding) => known.get(id)?.tellings ?? 0;
  return {
    open: findings.map((finding) => ({
      id: finding.id,
      sentence: finding.sentence,
      sinceMs: sinceOf(finding),
      tellings: Math.min(TELLINGS, told(finding) + 1),
    })),
    begun: findings.filter((finding) => told(finding) < TELLINGS).map((finding) => ({ finding, sinceMs: sinceOf(finding) })),
    over: before.filter(({ id }) => !now.has(id)),
  };
}
