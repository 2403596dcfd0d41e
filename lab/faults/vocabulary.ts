/**
 * The words for everything that can be broken in a lab, each with its fields. The same JSON serves in code, on the command line and
 * over HTTP. Says what may be asked for; what then happens is in the files beside this one.
 */
import * as z from "zod/mini";

const text = (say: string) => z.string({ error: say }).check(z.minLength(1, { error: say }), z.describe(say));
const whole = (from: number, to: number, of: string) => {
  const say = `expected a whole number of ${of} from ${from} to ${to}`;
  return z.int({ error: say }).check(z.gte(from, { error: say }), z.lte(to, { error: say }), z.describe(say));
};
const share = (say: string) => z.number({ error: say }).check(z.gt(0, { error: say }), z.lte(1, { error: say }), z.describe(say));
const oneOf = <const T extends readonly string[]>(words: T, of: string) => {
  const say = `expected ${of}: ${words.join(", ")}`;
  return z.enum(words, { error: say }).check(z.describe(say));
};

const DAY_MS = 86_400_000;
const regionName = 'expected an AWS region, like "eu-central-1"';
const region = z.string({ error: regionName }).check(z.regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: regionName }), z.describe(regionName));
const service = text('expected a service as signatures name it, like "rds", "s3", "lambda", "monitoring"');
const operation = text('expected an operation, like "PromoteReadReplica"; * stands for any letters, as in "Describe*"');
const caller = text('expected the name of the function that calls; * stands for any letters, as in "*-move"');
const callee = text('expected the name of a function; * stands for any letters, as in "*-probe"');
const instance = text('expected a DB instance identifier, like "shop-a"');
const milliseconds = whole(1, DAY_MS, "milliseconds");

const forMs = { forMs: z.optional(milliseconds) };
/** How often: the first `times`, or a `rate` of all; and until when. */
const bounds = {
  times: z.optional(whole(1, 1_000_000, "times")),
  rate: z.optional(share("expected a share of the calls above 0 and up to 1, like 0.3")),
  ...forMs,
};
const calls = {
  service: z.optional(service),
  operation: z.optional(operation),
  region: z.optional(region),
  function: z.optional(caller),
  ...bounds,
};
const events = {
  source: z.optional(text('expected an event\'s source, like "aws.rds"; "aws.events" is the schedules')),
  detailType: z.optional(text('expected an event\'s detail-type, like "RDS DB Instance Event"')),
  region: z.optional(region),
  times: bounds.times,
  probability: z.optional(share("expected a share of the events above 0 and up to 1, like 0.5")),
  ...forMs,
};
const database = { region, instance };

const word = <const Shape extends z.core.$ZodShape>(says: string, shape: Shape) => ({ says, schema: z.strictObject(shape) });

export const VOCABULARY = {
  throttle: word("calls are answered as AWS answers too many of them; nothing is done", calls),
  error5xx: word("calls are answered with the service's own 5xx; nothing is done", calls),
  delay: word("calls are begun this much later", { ms: milliseconds, ...calls }),
  loseReply: word("the effect happens and the connection is cut before its answer", { ...calls, service, operation }),
  staleRead: word("lists and descriptions answer as of this long ago", {
    service: oneOf(["rds", "route53"], "a service with stale reads (S3 is strongly consistent)"),
    ms: milliseconds,
    function: z.optional(caller),
    ...forMs,
  }),
  regionDark: word("a region is gone: its calls, its events, its functions' calls, its databases", {
    region,
    how: z.optional(oneOf(["silence", "cut"], "how its endpoints behave")),
    ...forMs,
  }),
  controlPlaneDark: word("the control planes in us-east-1 (Route 53, IAM) answer 503; DNS goes on", forMs),
  quotaFull: word("calls that would make one more are refused with the quota's own error", {
    service: oneOf(["rds", "ec2", "s3"], "a service with quotas known here"),
    quota: oneOf(["manualSnapshots", "snapshotCopies", "instances", "pendingSnapshots", "buckets"], "a quota"),
    region: z.optional(region),
    ...forMs,
  }),
  kmsKeyDisabled: word("RDS cannot use a key: copies, restores and new instances with it are refused", {
    region,
    key: text("expected a key id, alias or ARN"),
    ...forMs,
  }),
  clockSkew: word("functions' processes started from now on see a shifted clock", {
    function: z.optional(callee),
    seconds: whole(-300, 300, "seconds"),
    ...forMs,
  }),
  eventLost: word("events never reach any rule", events),
  eventDoubled: word("events reach every rule twice", events),
  eventLate: word("events reach the rules this much later", { ms: milliseconds, ...events }),
  eventsReordered: word("an event is held until another has passed it, or for two seconds", events),
  invokeLost: word("asynchronous invocations are accepted and never run", { function: callee, ...bounds }),
  lambdaKilled: word("a function's processes die when it makes a call: before it has an effect, or after it and before its answer", {
    function: callee,
    when: oneOf(["before", "after"], "the moment"),
    operation,
    service: z.optional(service),
    ...bounds,
  }),
  databaseKilled: word("every process of the database dies; a reboot brings it back", database),
  databaseHung: word("the database freezes with its port open", { ...database, ...forMs }),
  databaseSlow: word("everything the database answers its clients comes this much later", { ...database, ms: milliseconds, ...forMs }),
  databaseDiskFull: word("storage is exhausted: reads work, writes fail in the engine's own words (SQLSTATE 53100, error 1114)", {
    ...database,
    ...forMs,
  }),
  databasePartitioned: word("the network drops everything between the database and its clients, its replication, or one function", {
    ...database,
    from: oneOf(["clients", "replica", "probe"], "the other side"),
    function: z.optional(text('expected the function cut off by "probe", a name or pattern; without it "*-probe"')),
    ...forMs,
  }),
  replayPaused: word("a replica receives and applies nothing: its lag grows", { ...database, ...forMs }),
  replicationStopped: word("a replica loses its link and does not look for it", { ...database, ...forMs }),
};

export type Word = keyof typeof VOCABULARY;
export type FaultOf<W extends Word> = W extends Word ? { readonly fault: W } & Readonly<z.infer<(typeof VOCABULARY)[W]["schema"]>> : never;
export type Fault = FaultOf<Word>;

/** What is wrong with a fault, by field, and what was expected. `message` is all of it in one line. */
export class FaultRefused extends Error {
  readonly problems: readonly { readonly field: string; readonly problem: string }[];
  constructor(problems: readonly { readonly field: string; readonly problem: string }[]) {
    super(problems.map(({ field, problem }) => `${field}: ${problem}`).join("; "));
    this.name = "FaultRefused";
    this.problems = problems;
  }
}

const isWord = (name: unknown): name is Word => typeof name === "string" && Object.hasOwn(VOCABULARY, name);

/** Checks a fault from anywhere. Throws FaultRefused. */
export function checkFault(value: unknown): Fault {
  const { fault, ...fields } = typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  if (!isWord(fault)) {
    const known = Object.keys(VOCABULARY).join(", ");
    throw new FaultRefused([{ field: "fault", problem: `${shown(fault)} is no fault the lab knows, expected one of ${known}` }]);
  }
  const parsed = VOCABULARY[fault].schema.safeParse(fields);
  if (parsed.success) return { fault, ...parsed.data } as Fault;
  const expected = Object.keys(VOCABULARY[fault].schema.shape).join(", ");
  throw new FaultRefused(
    parsed.error.issues.flatMap((issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((field) => ({ field, problem: `${fault} has no such field, expected some of ${expected}` }))
        : [{ field: issue.path.join("."), problem: `${issue.message}, got ${shown(fields[String(issue.path[0])])}` }],
    ),
  );
}

const shown = (value: unknown): string => (value === undefined ? "nothing" : JSON.stringify(value));

export interface FieldNote {
  readonly expected: string;
  readonly required: boolean;
  readonly number: boolean;
}

/** The whole vocabulary as data: for a GET, for help, and for turning command line words into JSON. */
export function describeVocabulary(): Record<string, { says: string; fields: Record<string, FieldNote> }> {
  return Object.fromEntries(
    Object.entries(VOCABULARY).map(([name, { says, schema }]) => {
      const { properties = {}, required = [] } = z.toJSONSchema(schema) as {
        properties?: Record<string, { type?: string; description?: string }>;
        required?: string[];
      };
      const fields = Object.entries(properties).map(([field, { type, description = "" }]) => [
        field,
        { expected: description, required: required.includes(field), number: type === "integer" || type === "number" },
      ]);
      return [name, { says, fields: Object.fromEntries(fields) }];
    }),
  );
}
