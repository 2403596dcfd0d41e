/**
 * The rungs of the fence, as the plan declares them for a database: what closes an old primary, in which order, and when. Pure.
 *
 * The network and the sessions are always among them: only these are proven on a primary that no longer answers. The others add to
 * them and stand in for none.
 */

/** In the order in which they may stand in a plan. */
export const RUNGS = ["read-only", "network", "sessions", "credentials", "stop"] as const;
export type Rung = (typeof RUNGS)[number];

export const DEFAULT_LADDER: readonly Rung[] = ["network", "sessions"];

/** A promotion waits for these. */
const ALWAYS: readonly Rung[] = ["network", "sessions"];

export const WHAT: Readonly<Record<Rung, string>> = {
  "read-only": "the parameter group it alone has makes it read-only until the others hold: for a primary that still answers some",
  network: "its security groups are taken away, so nobody gets in",
  sessions: "those that were in are cut, by a reboot",
  credentials:
    "its master user gets another password once the name has moved, so that whoever has the old one stays out; RDS writes it there, so a failback finds a transaction and asks a person",
  stop: "it is stopped once the name has moved, and again whenever AWS starts it",
};

/** The steps of a failover that climb a rung, by the names its story has them under. */
export const STEP_OF = {
  "read-only": "it is made read-only",
  network: "its network is taken away",
  sessions: "its sessions are cut",
} as const satisfies Partial<Record<Rung, string>>;

/** The step that asks for a rung, where others come between it and the look that proves it. */
export const ASKED_FOR = { network: "RDS is asked for its network" } as const satisfies Partial<Record<Rung, string>>;

/** How one rung went. */
export interface Climbed {
  readonly rung: Rung;
  readonly holds: boolean;
  /** The proof, or why it could not be done. */
  readonly seen: string;
  readonly atMs: number;
  readonly tookMs: number;
}

/** What is wrong with a ladder, in words; null when nothing is. */
export function wrongLadder(rungs: readonly Rung[]): string | null {
  const missing = ALWAYS.find((rung) => !rungs.includes(rung));
  if (missing) return `expected "${missing}" among them: without it nothing proves that a primary that is silent takes no writes`;
  const twice = rungs.find((rung, index) => rungs.indexOf(rung) !== index);
  if (twice) return `"${twice}" stands here twice, expected each rung once`;
  const ordered = RUNGS.filter((rung) => rungs.includes(rung));
  if (ordered.join() !== rungs.join())
    return `expected the order ${ordered.join(", ")}: sessions that are cut before the network is taken come back, and stopping takes minutes`;
  return null;
}

export const hasRung = (failover: { readonly fence?: readonly Rung[] | undefined }, rung: Rung): boolean =>
  (failover.fence ?? DEFAULT_LADDER).includes(rung);
