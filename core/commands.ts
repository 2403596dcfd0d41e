/** The commands people are told to run, as they would type them. Pure. */

const run = (...words: (string | false)[]): string => ["npm run understudy --", ...words.filter((word) => word !== false)].join(" ");

export const approveCommand = (request: string): string => run("approve", request);
export const withdrawCommand = (request: string): string => run("withdraw", request);
export const resumeCommand = (database: string): string => run("resume", database);
export const acknowledgeCommand = (database: string): string => run("acknowledge", database);
export const releaseBrakeCommand = (): string => run("release-brake");
export const drillCommand = (database: string): string => run("drill", database);
export const pruneCommand = (database: string, most: number | string = "N"): string => run("prune", database, `--most ${most}`);
export const holdCommand = (database: string, backup = "BACKUP"): string => run("hold", database, `--backup ${backup}`, '--reason "WHY"');
export const releaseCommand = (database: string, backup = "BACKUP"): string => run("release", database, `--backup ${backup}`);
export const statusCommand = (): string => run("status");

export function moveCommand(
  verb: string,
  database: string,
  options: { target?: string | null; overrides?: readonly number[]; allowDataLoss?: boolean | undefined } = {},
): string {
  const { target = null, overrides = [], allowDataLoss = false } = options;
  return run(
    verb,
    database,
    target !== null && `--target ${target}`,
    overrides.length > 0 && `--override ${overrides.join(",")}`,
    allowDataLoss && "--allow-data-loss",
    '--reason "WHY"',
  );
}

export const siteCommand = (verb: "evacuate" | "return", site: string): string => run(verb, site, '--reason "WHY"');

/** What is left when there is no standby: the newest backup becomes the primary. */
export function restoreCommand(
  database: string,
  { promote = false, from = null, instance = null, overrides = [] }: RestoreOptions = {},
): string {
  return run(
    "restore",
    database,
    from !== null && `--from ${from}`,
    instance !== null && `--instance ${instance}`,
    promote && "--promote",
    overrides.length > 0 && `--override ${overrides.join(",")}`,
    '--reason "WHY"',
  );
}

interface RestoreOptions {
  readonly promote?: boolean;
  readonly from?: string | null;
  readonly instance?: string | null;
  readonly overrides?: readonly number[];
}

/** What gets a person past a decision that held Understudy back, most fitting first. `ordered` is the order's verb; null: it looked by itself. */
export function waysPast(
  decision: { readonly rule: number; readonly kind: string; readonly overridable: readonly number[] },
  database: string,
  ordered: {
    readonly verb: string;
    readonly target: string | null;
    readonly overrides: readonly number[];
    readonly allowDataLoss?: boolean | undefined;
  } | null,
): string[] {
  if (decision.kind !== "refuse") return [];
  const verb = ordered?.verb ?? "failover";
  if (decision.overridable.length > 0) {
    const overrides = [...new Set([...(ordered?.overrides ?? []), ...decision.overridable])].sort((a, b) => a - b);
    return [moveCommand(verb, database, { target: ordered?.target, overrides, allowDataLoss: ordered?.allowDataLoss })];
  }
  const byRule: Record<number, string[]> = {
    202: [acknowledgeCommand(database), moveCommand(verb, database)],
    203: [resumeCommand(database), moveCommand(verb, database)],
    204: [moveCommand(verb, database)],
    205: [releaseBrakeCommand(), moveCommand(verb, database)],
    212: [moveCommand("failover", database, { target: ordered?.target, overrides: ordered?.overrides, allowDataLoss: true })],
    213: [moveCommand("failover", database, { allowDataLoss: true })],
    206: [moveCommand(verb, database, { target: ordered?.target, overrides: ordered?.overrides })],
  };
  return byRule[decision.rule] ?? [];
}
