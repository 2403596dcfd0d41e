/** What a person sends to `order`: strict JSON, field by field. Whether they may is not judged here. */
import * as z from "zod/mini";
import type { MoveVerb } from "../core/facts.ts";
import { type OperatorOrder, VERBS } from "../core/order.ts";
import { databaseOfRequest } from "../core/requests.ts";
import { EventRefused, type Reading } from "./refused.ts";
import { shape } from "./wake.ts";

const matching = (pattern: RegExp, error: string) => z.string({ error }).check(z.regex(pattern, { error }));
const whole = (from: number, to: number, unit: string) => {
  const error = `expected a whole number${unit} from ${from} to ${to}`;
  return z.int({ error }).check(z.gte(from, { error }), z.lte(to, { error }));
};

const orderId = matching(/^[a-z0-9]{12,32}$/, "expected 12 to 32 lower-case letters and digits, new for each order");
const database = matching(/^[a-z][a-z0-9-]{0,30}$/, "expected the name of a database in the plan");
const site = matching(/^[a-z][a-z0-9-]{0,30}$/, "expected the name of a site in the plan");
const instance = matching(/^[a-z][a-z0-9-]{0,62}$/, "expected the identifier of a standby");
const reason = matching(/^[^\p{Cc}\p{Zl}\p{Zp}]{3,200}$/u, "expected a reason of 3 to 200 characters on one line");
const request = z
  .string({ error: "expected the name of a request" })
  .check(z.refine((id) => databaseOfRequest(id) !== null, { error: 'expected the name of a request, like "shop-g1-k3v9x2m4p7q1"' }));
const missing = <T extends z.ZodMiniType>(schema: T) => z._default(z.nullable(schema), null as never);

const proof = missing(
  z.strictObject(
    {
      credential: matching(
        /^\w{3,128}\/\d{8}\/[a-z0-9-]{4,30}\/sts\/aws4_request$/,
        "expected the scope of a signature, accessKeyId/date/region/sts/aws4_request",
      ),
      date: matching(/^\d{8}T\d{6}Z$/, 'expected the time of a signature, like "20261121T090000Z"'),
      signature: matching(/^[0-9a-f]{64}$/, "expected a signature of 64 hex digits"),
      token: missing(matching(/^[\w+/=.-]{1,4096}$/, "expected a session token")),
    },
    { error: "expected credential, date, signature and token" },
  ),
);

const time = matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{3})?)?Z$/, 'expected a time in UTC, like "2026-11-22T02:00:00Z"').check(
  z.refine((text) => !Number.isNaN(Date.parse(text)), { error: "expected a day and a time that exist" }),
);
const never = z.null({ error: "a failover cannot wait: only a switchover or a failback has a time" });

const move = (verb: MoveVerb) =>
  z.strictObject({
    verb: z.literal(verb),
    id: orderId,
    database,
    generation: whole(1, 1_000_000_000, ""),
    target: missing(instance),
    overrides: z._default(
      z
        .array(whole(100, 499, ""), { error: "expected a list of rule numbers" })
        .check(z.maxLength(10, { error: "expected at most ten rules" })),
      [],
    ),
    reason,
    allowDataLoss: z.optional(z.boolean({ error: "expected true or false" })),
    notBefore: z._default(verb === "failover" ? never : z.nullable(time), null as never),
    proof,
  });

const moment = matching(
  /^(latest|\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z)$/,
  'expected "latest" or a time in UTC, like "2026-11-21T08:30:00Z"',
);

const restore = z.strictObject({
  verb: z.literal("restore"),
  id: orderId,
  database,
  generation: whole(1, 1_000_000_000, ""),
  from: missing(matching(/^understudy-[a-z0-9-]{1,240}$/, "expected the identifier of one of Understudy's snapshots")),
  at: missing(moment),
  region: missing(matching(/^[a-z]{2}(-[a-z]+)+-\d$/, 'expected a region, like "eu-west-1"')),
  promote: z._default(z.boolean({ error: "expected true or false" }), false),
  instance: missing(matching(/^[a-z][a-z0-9-]{0,62}$/, "expected the name of an instance that was restored before")),
  overrides: z._default(
    z
      .array(whole(600, 609, ""), { error: "expected a list of rule numbers" })
      .check(z.maxLength(5, { error: "expected at most five rules" })),
    [],
  ),
  reason,
  proof,
});
const backup = matching(/^understudy-[a-z0-9-]{1,240}$/, "expected the name of one of Understudy's backups");
const wholeSite = (verb: "evacuate" | "return") => z.strictObject({ verb: z.literal(verb), id: orderId, site, reason, proof });

const SCHEMAS: Record<OperatorOrder["verb"], z.ZodMiniType<OperatorOrder>> = {
  failover: move("failover"),
  switchover: move("switchover"),
  failback: move("failback"),
  "reboot-failover": move("reboot-failover"),
  restore,
  drill: z.strictObject({ verb: z.literal("drill"), id: orderId, database, proof }),
  evacuate: wholeSite("evacuate"),
  return: wholeSite("return"),
  approve: z.strictObject({ verb: z.literal("approve"), id: orderId, request, proof }),
  withdraw: z.strictObject({ verb: z.literal("withdraw"), id: orderId, request, proof }),
  pause: z.strictObject({
    verb: z.literal("pause"),
    id: orderId,
    database,
    minutes: whole(1, 7 * 1440, " of minutes"),
    reason,
    proof,
  }),
  resume: z.strictObject({ verb: z.literal("resume"), id: orderId, database, proof }),
  acknowledge: z.strictObject({ verb: z.literal("acknowledge"), id: orderId, database, proof }),
  hold: z.strictObject({ verb: z.literal("hold"), id: orderId, database, backup, reason, proof }),
  release: z.strictObject({ verb: z.literal("release"), id: orderId, database, backup, proof }),
  prune: z.strictObject({ verb: z.literal("prune"), id: orderId, database, most: whole(1, 10_000, " of backups"), proof }),
  "release-brake": z.strictObject({ verb: z.literal("release-brake"), id: orderId, proof }),
  requests: z.strictObject({ verb: z.literal("requests"), database: missing(database) }),
};

const EXAMPLES: Record<OperatorOrder["verb"], string> = {
  failover: '{"verb": "failover", "id": "k3v9x2m4p7q1", "database": "shop", "generation": 1, "reason": "the disk is dying"}',
  switchover: '{"verb": "switchover", "id": "k3v9x2m4p7q1", "database": "shop", "generation": 1, "reason": "a larger instance"}',
  failback: '{"verb": "failback", "id": "k3v9x2m4p7q1", "database": "shop", "generation": 2, "reason": "the region is back"}',
  "reboot-failover":
    '{"verb": "reboot-failover", "id": "k3v9x2m4p7q1", "database": "shop", "generation": 1, "reason": "a test of the standby"}',
  restore: '{"verb": "restore", "id": "k3v9x2m4p7q1", "database": "shop", "generation": 1, "reason": "a table was dropped"}',
  drill: '{"verb": "drill", "id": "k3v9x2m4p7q1", "database": "shop"}',
  evacuate: '{"verb": "evacuate", "id": "k3v9x2m4p7q1", "site": "web", "reason": "the region is failing"}',
  return: '{"verb": "return", "id": "k3v9x2m4p7q1", "site": "web", "reason": "the region is back"}',
  approve: '{"verb": "approve", "id": "k3v9x2m4p7q1", "request": "shop-g1-a8f2c4e6b0d1"}',
  withdraw: '{"verb": "withdraw", "id": "k3v9x2m4p7q1", "request": "shop-g1-a8f2c4e6b0d1"}',
  pause: '{"verb": "pause", "id": "k3v9x2m4p7q1", "database": "shop", "minutes": 60, "reason": "an upgrade"}',
  resume: '{"verb": "resume", "id": "k3v9x2m4p7q1", "database": "shop"}',
  acknowledge: '{"verb": "acknowledge", "id": "k3v9x2m4p7q1", "database": "shop"}',
  hold: '{"verb": "hold", "id": "k3v9x2m4p7q1", "database": "shop", "backup": "understudy-shop-20261121t0600", "reason": "a court asks for it"}',
  release: '{"verb": "release", "id": "k3v9x2m4p7q1", "database": "shop", "backup": "understudy-shop-20261121t0600"}',
  prune: '{"verb": "prune", "id": "k3v9x2m4p7q1", "database": "shop", "most": 24}',
  "release-brake": '{"verb": "release-brake", "id": "k3v9x2m4p7q1"}',
  requests: '{"verb": "requests", "database": "shop"}',
};

export function readOperatorOrder(event: unknown, _reading?: Reading): OperatorOrder {
  const verb = (event as { verb?: unknown } | null)?.verb;
  const known = VERBS.find((each) => each === verb);
  if (!known)
    throw new EventRefused(
      "MalformedEvent",
      `This is no order (${shape(event)}): "verb" is ${JSON.stringify(verb) ?? "missing"}, expected one of ${VERBS.join(", ")}.`,
      `Expected, for example: ${EXAMPLES.requests}`,
    );
  const parsed = SCHEMAS[known].safeParse(event);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const fields = issue?.code === "unrecognized_keys" ? issue.keys : [issue?.path.join(".") ?? ""];
  const expected = issue?.code === "unrecognized_keys" ? `${known} has no such field` : issue?.message;
  throw new EventRefused(
    "MalformedEvent",
    `This is no order to ${known}: look at "${fields.join('", "')}": ${expected}.`,
    `Expected, for example: ${EXAMPLES[known]}`,
  );
}
