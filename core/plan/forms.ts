/** The forms a plan's fields are written in, each with the whole of what a person reads who got it wrong: what was expected, in words. */
import * as z from "zod/mini";

const REGION = /^[a-z]{2}(-[a-z]+)+-\d$/;

export const matching = (pattern: RegExp, say: string) => z.string({ error: say }).check(z.regex(pattern, { error: say }));
export const whole = (from: number, to: number, unit: string) => {
  const say = `expected a whole number${unit} from ${from} to ${to}`;
  return z.int({ error: say }).check(z.gte(from, { error: say }), z.lte(to, { error: say }));
};
export const described = <T extends z.ZodMiniType>(schema: T, description: string): T => schema.check(z.describe(description)) as T;

export const section = <S extends z.core.$ZodShape>(shape: S) =>
  z.strictObject(shape, { error: `expected a section with ${Object.keys(shape).join(", ")}` });

export const region = matching(REGION, 'expected an AWS region, like "eu-central-1"');
// What a drill makes is called by it, and has 63 characters at most.
export const databaseKey = matching(
  /^[a-z][a-z0-9-]{0,29}$/,
  'expected a short name of lower-case letters, digits and hyphens, 30 at most, like "shop"',
);
// DB instance ids: 1-63, letter first, no double or trailing hyphen (RDS API reference, CreateDBInstance).
export const instanceId = matching(
  /^(?=.{1,63}$)[a-z](-?[a-z0-9])*$/,
  'expected a DB instance identifier: 1 to 63 lower-case letters, digits and single hyphens, starting with a letter, like "shop-a"',
);
export const securityGroup = matching(/^sg-[0-9a-f]{8,17}$/, 'expected a security group id, like "sg-0123456789abcdef0"');
export const text = (say: string) => z.string({ error: say }).check(z.minLength(1, { error: say }));

export const timeZone = z
  .string({ error: 'expected the IANA name of a time zone, like "Europe/Berlin"' })
  .check(z.refine(isTimeZone, { error: 'expected the IANA name of a time zone, like "Europe/Berlin"' }));

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

export const options = <S extends z.core.$ZodShape>(shape: S) => z.optional(section(shape));

export const dnsName = (example: string) =>
  matching(
    /^(?=.{1,253}$)([a-z0-9_]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/,
    `expected a DNS name in lower case without a final dot, like "${example}"`,
  );
export const hostedZone = matching(/^Z[0-9A-Z]{6,32}$/, 'expected a Route 53 hosted zone id, like "Z08ABCDEFGHIJK"');
