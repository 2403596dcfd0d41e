// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * What EC2's operations have in common before they look at any resource: the forms of ids, filters, pages, tags, client tokens, dry runs.
 */
import { ServiceError } from "../wire/errors.ts";
import type { Operation } from "./world.ts";

export interface Tag {
  Key: string;
  Value: string;
}

export function refuse(code: string, message: string, status = 400): ServiceError {
  return new ServiceError(code, message, status);
}

/** Refuses an id that is not one of its kind. `parameter` is the member's name as EC2 writes it. */
export function idOf(kind: "ami" | "i" | "snap" | "vol", id: unknown, parameter: string): string {
  const text = String(id ?? "");
  if (new RegExp(`^${kind}-[0-9a-f]{8}(?:[0-9a-f]{9})?$`).test(text)) return text;
  if (kind === "i") throw refuse("InvalidInstanceID.Malformed", `Invalid id: "${text}" (expecting "i-...")`);
  if (kind === "ami") throw refuse("InvalidAMIID.Malformed", `Invalid id: "${text}" (expecting "ami-...")`);
  throw refuse("InvalidParameterValue", `Value (${text}) for parameter ${parameter} is invalid. Expected: '${kind}-...'.`);
}

type Field<T> = (item: T) => string | undefined | readonly (string | undefined)[];

/** A test for the request's Filters. Values may hold * and ?; tags are known without being listed in `fields`. */
export function matching<T extends { readonly tags: readonly Tag[] }>(
  filters: any,
  fields: Record<string, Field<T>>,
): (item: T) => boolean {
  const tests = ((filters ?? []) as { Name?: string; Values?: string[] }[]).map(({ Name = "", Values = [] }) => {
    const field = Name.startsWith("tag:")
      ? ({ tags }: T) => tags.filter((tag) => tag.Key === Name.slice(4)).map((tag) => tag.Value)
      : Name === "tag-key"
        ? ({ tags }: T) => tags.map((tag) => tag.Key)
        : fields[Name];
    if (!field) throw refuse("InvalidParameterValue", `The filter '${Name}' is invalid`);
    const patterns = Values.map(wildcard);
    return (item: T) => [field(item)].flat().some((value) => value !== undefined && patterns.some((pattern) => pattern.test(value)));
  });
  return (item) => tests.every((test) => test(item));
}

function wildcard(text: string): RegExp {
  const escaped = text
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/\?/g, ".");
  return new RegExp(`^${escaped}$`, "s");
}

/** One page of 5 to 1000, or everything when no size is asked for. `listed` names the member that asks for single ids instead. */
export function paged<T>(
  items: readonly T[],
  input: any,
  listed: string,
  ids: readonly unknown[] | undefined,
): { page: readonly T[]; NextToken?: string } {
  const { MaxResults, NextToken } = input;
  if (MaxResults !== undefined && ids?.length)
    throw refuse("InvalidParameterCombination", `The parameter ${listed} cannot be used with the parameter maxResults`);
  if (MaxResults !== undefined && MaxResults < 5)
    throw refuse("InvalidParameterValue", `Value ( ${MaxResults} ) for parameter maxResults is invalid. Expecting a value greater than 5.`);
  const start = NextToken
    ? Number(
        Buffer.from(NextToken, "base64url")
          .toString("utf8")
          .replace(/^from:/, ""),
      )
    : 0;
  if (!Number.isInteger(start)) throw refuse("InvalidParameterValue", "Unable to parse pagination token");
  const end = start + Math.min(MaxResults ?? Number.POSITIVE_INFINITY, 1000);
  const whole = MaxResults === undefined && !NextToken;
  if (whole) return { page: items };
  return { page: items.slice(start, end), ...(end < items.length ? { NextToken: Buffer.from(`from:${end}`).toString("base64url") } : {}) };
}

export function checkedTags(tags: any, internal = false): Tag[] {
  return ((tags ?? []) as Partial<Tag>[]).map(({ Key, Value }) => {
    if (!Key || Key.length > 127) throw refuse("InvalidParameterValue", "Tag keys must have 1 to 127 characters.");
    if (!internal && /^aws:/i.test(Key))
      throw refuse(
        "InvalidParameterValue",
        "Value ( tagSpecification ) for parameter tags is invalid. Tag keys starting with 'aws:' are reserved for internal use",
      );
    return { Key, Value: Value ?? "" };
  });
}

/** The tags a request gives to one kind of resource that it creates; other kinds than `allowed` are refused. */
export function specifiedTags(input: any, kind: string, allowed: readonly string[] = [kind], internal = false): Tag[] {
  const specifications: any[] = input.TagSpecifications ?? [];
  const strange = specifications.find(({ ResourceType }) => !allowed.includes(ResourceType));
  if (strange) throw refuse("InvalidParameterValue", `'${strange.ResourceType}' is not a valid taggable resource type for this operation.`);
  const tags = specifications.filter(({ ResourceType }) => ResourceType === kind).flatMap(({ Tags }) => checkedTags(Tags, internal));
  return withTags([], tags);
}

export function withTags(into: readonly Tag[], more: readonly Tag[]): Tag[] {
  const merged = new Map([...into, ...more].map((tag) => [tag.Key, tag.Value]));
  if (merged.size > 50) throw refuse("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.");
  return [...merged].map(([Key, Value]) => ({ Key, Value }));
}

/** The id that a request with a client token made: the same for the same request, else that of `make`. */
export function once(tokens: Record<string, { request: string; id: string }>, operation: string, input: any, make: () => string): string {
  if (!input.ClientToken) return make();
  const key = `${operation} ${input.ClientToken}`;
  const request = JSON.stringify({ ...input, ClientToken: undefined, DryRun: undefined });
  const known = tokens[key];
  if (known && known.request !== request)
    throw refuse(
      "IdempotentParameterMismatch",
      "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).",
    );
  if (known) return known.id;
  const id = make();
  tokens[key] = { request, id };
  return id;
}

/** Every operation with DryRun: what would be done is answered by an error and not done. Whether it could be done is not looked at. */
export function dryRunnable(operations: Record<string, Operation>): Record<string, Operation> {
  const wrap =
    (run: Operation): Operation =>
    (input, caller) => {
      if (input.DryRun === true) throw refuse("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412);
      return run(input, caller);
    };
  return Object.fromEntries(Object.entries(operations).map(([name, run]) => [name, wrap(run)]));
}
