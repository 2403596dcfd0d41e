/** Every verb of `npm run understudy`: what follows it, what it does in one line, which options it takes, how it is said to the door. */
import type { ParseArgsConfig } from "node:util";
import type { MoveVerb } from "../../core/facts.ts";
import type { Door } from "./door.ts";

type Values = Readonly<Record<string, string | boolean | undefined>>;

export interface Verb {
  /** What stands behind the verb; "" for nothing. */
  readonly subject: "NAME" | "REQUEST" | "[NAME]" | "NAME [MOVE]" | "";
  readonly what: string;
  readonly options: readonly (readonly [option: string, value: string, what: string])[];
  /** The order, without its id and proof; null: answered in another way (see understudy.ts). */
  readonly order: ((subject: string, values: Values, door: Door) => Promise<object>) | null;
}

/** What was not said is left to the function's own check, which names the field. */
const minutesOf = (text: string | boolean | undefined): number | string => {
  const [, count, unit] = /^(\d+)(m|h|d)?$/.exec(String(text ?? "")) ?? [];
  return count === undefined ? String(text ?? "nothing") : Number(count) * { m: 1, h: 60, d: 1440 }[(unit ?? "m") as "m" | "h" | "d"];
};

const rulesOf = (override: string | boolean | undefined): number[] =>
  String(override ?? "")
    .split(",")
    .filter((rule) => rule !== "")
    .map(Number);

const REASON = ["reason", '"WHY"', "why, for the mails and the evidence"] as const;

const move = (verb: MoveVerb, what: string): Verb => ({
  subject: "NAME",
  what,
  options: [
    REASON,
    ["target", "INSTANCE", "the standby to move to (the best one)"],
    ["override", "N,N", "rules to pass over, this once"],
    ["allow-data-loss", "", "of a global database: give up what has not arrived (failover alone)"],
    ["generation", "N", "the generation you looked at (the one on record)"],
    ...(verb === "failover" ? [] : [["at", "TIME", "not before, like 2026-11-22T02:00Z (at once)"] as const]),
  ],
  order: async (database, { reason, target, override, generation, at, "allow-data-loss": allowDataLoss }, door) => ({
    verb,
    database,
    generation: generation === undefined ? (await door.requests(database)).databases[database]?.generation : Number(generation),
    ...(target === undefined ? {} : { target }),
    ...(allowDataLoss === true ? { allowDataLoss } : {}),
    overrides: rulesOf(override),
    reason,
    ...(at === undefined ? {} : { notBefore: at }),
  }),
});

const wholeSite = (verb: "evacuate" | "return", what: string): Verb => ({
  subject: "NAME",
  what,
  options: [REASON],
  order: async (site, { reason }) => ({ verb, site, reason }),
});

export const VERBS: Readonly<Record<string, Verb>> = {
  status: { subject: "", what: "what is on record, what is seen, what would be decided", options: [], order: null },
  evidence: { subject: "NAME [MOVE]", what: "what the last move saw, did and proved, or the one named", options: [], order: null },
  failover: move("failover", "move to a standby, because the primary is lost"),
  switchover: move("switchover", "move to a standby with the primary's help; loses nothing"),
  failback: move("failback", "a switchover back to where it ran before"),
  "reboot-failover": move("reboot-failover", "let RDS move it to its own standby in another zone"),
  restore: {
    subject: "NAME",
    what: "restore a backup beside the original; with --promote, as the new primary",
    options: [
      REASON,
      ["from", "SNAPSHOT", "the snapshot (the newest good copy)"],
      ["at", "TIME", "a time in UTC or latest, out of the automated backups"],
      ["region", "REGION", "where to look for it, and to restore it"],
      ["promote", "", "it becomes the primary; takes approvals"],
      ["instance", "INSTANCE", "one that was restored before"],
      ["override", "N,N", "rules to pass over, this once"],
      ["generation", "N", "the generation you looked at (the one on record)"],
    ],
    order: async (database, { reason, from, at, region, promote, instance, override, generation }, door) => ({
      verb: "restore",
      database,
      generation: generation === undefined ? (await door.requests(database)).databases[database]?.generation : Number(generation),
      ...(from === undefined ? {} : { from }),
      ...(at === undefined ? {} : { at }),
      ...(region === undefined ? {} : { region }),
      ...(instance === undefined ? {} : { instance }),
      promote: promote === true,
      overrides: rulesOf(override),
      reason,
    }),
  },
  drill: {
    subject: "NAME",
    what: "restore the newest copy aside, look through it, delete it",
    options: [],
    order: async (database) => ({ verb: "drill", database }),
  },
  evacuate: wholeSite("evacuate", "move a whole site to the recovery region"),
  return: wholeSite("return", "bring a site back to its primary region"),
  requests: { subject: "[NAME]", what: "requests that wait for approval, and what became of others", options: [], order: null },
  approve: {
    subject: "REQUEST",
    what: "agree to a request; with enough people it is carried out",
    options: [],
    order: async (request) => ({ verb: "approve", request }),
  },
  withdraw: {
    subject: "REQUEST",
    what: "take a request back, so that nobody can approve it",
    options: [],
    order: async (request) => ({ verb: "withdraw", request }),
  },
  backups: { subject: "NAME", what: "every backup: where it lies, whether it stays, why", options: [], order: null },
  machine: {
    subject: "NAME",
    what: "what a machine can be built anew from: snapshots and shape",
    options: [["set", "SET", "its name, from a mail (the newest that is whole)"]],
    order: null,
  },
  bucket: { subject: "NAME", what: "what of a bucket is at the other provider", options: [], order: null },
  cost: {
    subject: "",
    what: "what the plan's backups will cost a month; before it is deployed, too",
    options: [
      ["gb", "SIZES", "GB of data, like 120 or shop=120,users=5 (100)"],
      ["provisioned", "SIZES", "GB of storage its instances have (as much)"],
      ["change", "PERCENT", "written anew each day (3)"],
      ["prices", "FILE", "JSON with your own prices (list prices)"],
    ],
    order: null,
  },
  hold: {
    subject: "NAME",
    what: "keep a backup, whatever the plan's retention says",
    options: [["backup", "BACKUP", "its name, as backups prints it"], REASON],
    order: async (database, { backup, reason }) => ({ verb: "hold", database, backup, reason }),
  },
  release: {
    subject: "NAME",
    what: "let go of a backup that is held",
    options: [["backup", "BACKUP", "its name, as backups prints it"]],
    order: async (database, { backup }) => ({ verb: "release", database, backup }),
  },
  prune: {
    subject: "NAME",
    what: "agree to a large deletion that waits for a person",
    options: [["most", "N", "so many in each place, this once"]],
    order: async (database, { most }) => ({ verb: "prune", database, most: Number(most) }),
  },
  explain: {
    subject: "NAME",
    what: "why it was decided so: what was seen, which rules were read",
    options: [["at", "TIME", "the newest until then (the newest), UTC"]],
    order: null,
  },
  replay: {
    subject: "NAME",
    what: "what another plan's policy would have decided of what was seen",
    options: [
      ["policy", "FILE", "the other plan"],
      ["from", "TIME", "a day or a time, UTC (a week ago)"],
      ["until", "TIME", "a day or a time, UTC (now)"],
    ],
    order: null,
  },
  pause: {
    subject: "NAME",
    what: "nothing moves by itself for a while; ends by itself",
    options: [["for", "TIME", "45m, 8h or 2d; at most 7d"], REASON],
    order: async (database, values) => ({ verb: "pause", database, minutes: minutesOf(values.for), reason: values.reason }),
  },
  resume: {
    subject: "NAME",
    what: "end a pause now",
    options: [],
    order: async (database) => ({ verb: "resume", database }),
  },
  acknowledge: {
    subject: "NAME",
    what: "the last move has been seen to: end its cooldown",
    options: [],
    order: async (database) => ({ verb: "acknowledge", database }),
  },
  "release-brake": {
    subject: "",
    what: "automatic moves before now no longer count",
    options: [],
    order: async () => ({ verb: "release-brake" }),
  },
};

/** For parseArgs: the verb's own options and those of all. */
export function optionsOf(verb: Verb): NonNullable<ParseArgsConfig["options"]> {
  const own = verb.options.map(([option, value]) => [option, { type: value === "" ? ("boolean" as const) : ("string" as const) }]);
  return { ...Object.fromEntries(own), plan: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean" } };
}

const SHARED: Verb["options"] = [
  ["plan", "FILE", "the plan that is deployed (recovery-plan.yml)"],
  ["json", "", "the answer as JSON"],
];

export function helpOf(name: string, verb: Verb): string {
  const options = [...verb.options, ...SHARED].map(([option, value, what]) => `  ${`--${option} ${value}`.padEnd(22)}${what}`);
  return [`npm run understudy -- ${name}${verb.subject ? ` ${verb.subject}` : ""} [options]`, "", `  ${verb.what}`, "", ...options].join(
    "\n",
  );
}

export const HELP = [
  "npm run understudy -- VERB [NAME] [options]",
  "",
  ...Object.entries(VERBS).map(([name, { subject, what }]) => `  ${`${name} ${subject}`.padEnd(22)}${what}`),
  "",
  "Each verb has --help. Credentials and region's endpoint are those of every AWS",
  "tool: AWS_PROFILE, AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL. Orders are signed with",
  "them, so Understudy knows who gave them.",
].join("\n");
