// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * REST bindings (restXml and restJson): finds the operation of a request by method, path and query, and moves members
 * between labels, query, headers, payload and body. Event streams and host prefixes are not bound.
 */
import { NormalizedSchema } from "@smithy/core/schema";
import type { WireOperation, WireReply, WireRequest } from "./codec.ts";
import { scalar } from "./codec-form.ts";
import { envelope, type Format } from "./codec-write.ts";

export interface Route {
  readonly method: string;
  readonly path: RegExp;
  readonly labels: readonly string[];
  /** Query parameters that are part of the route, such as `?versioning` or `?list-type=2`. */
  readonly literals: readonly (readonly [string, string | undefined])[];
  readonly weight: number;
}

export function routeOf(http: readonly [string, string, number] | undefined): Route | undefined {
  if (!http) return undefined;
  const [path = "", query = ""] = http[1].split("?");
  const labels: string[] = [];
  let weight = 0;
  const source = path.replace(/\{(\w+)(\+?)\}|[^{}]+/g, (literal, label?: string, greedy?: string) => {
    if (label) {
      labels.push(label);
      return greedy ? "(.+)" : "([^/]+)";
    }
    weight += literal.length;
    return literal.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  });
  const literals = query
    .split("&")
    .filter((part) => part && !part.startsWith("x-id="))
    .map((part) => part.split("=") as [string, string | undefined]);
  return { method: http[0], path: new RegExp(`^${source}/?$`), labels, literals, weight };
}

/** The most specific operation whose route and required parameters are all in the request. */
export function matchRoute(
  operations: Iterable<WireOperation>,
  request: WireRequest,
): { operation: WireOperation; labels: string[] } | undefined {
  const wanted = request.query.get("x-id");
  let best: { operation: WireOperation; labels: string[]; score: number } | undefined;
  for (const operation of operations) {
    const route = operation.route;
    if (!route || route.method !== request.method || (wanted && wanted !== operation.name)) continue;
    const found = route.path.exec(request.path);
    if (!found) continue;
    if (!route.literals.every(([key, value]) => request.query.has(key) && (value === undefined || request.query.get(key) === value)))
      continue;
    const bound = requiredParameters(operation);
    if (!bound.every(({ header, query }) => (header ? request.headers[header.toLowerCase()] !== undefined : request.query.has(query!))))
      continue;
    if (request.bucket !== undefined || operation.takesBucket) if ((request.bucket !== undefined) !== operation.takesBucket) continue;
    const score = route.literals.length * 1000 + bound.length * 100 + route.weight;
    if (!best || score > best.score) best = { operation, labels: found.slice(1), score };
  }
  return best;
}

function requiredParameters(operation: WireOperation): { header?: string; query?: string }[] {
  const found: { header?: string; query?: string }[] = [];
  for (const name of operation.required) {
    const traits = NormalizedSchema.of(operation.input).getMemberSchema(name).getMergedTraits();
    if (traits.httpHeader) found.push({ header: traits.httpHeader as string });
    else if (traits.httpQuery) found.push({ query: traits.httpQuery as string });
  }
  return found;
}

export async function readRest(operation: WireOperation, labels: string[], request: WireRequest, format: Format): Promise<any> {
  const schema = NormalizedSchema.of(operation.input);
  const input: Record<string, any> = {};
  if (!schema.isStructSchema()) return input;
  const inBody: string[] = [];
  for (const [name, member] of schema.structIterator()) {
    const traits = member.getMergedTraits() as Record<string, any>;
    if (traits.httpLabel) {
      const at = operation.route!.labels.indexOf(name);
      if (at >= 0) input[name] = scalar(member, decodeURIComponent(labels[at]!));
    } else if (traits.httpQuery) {
      const values = request.query.getAll(traits.httpQuery);
      if (values.length > 0)
        input[name] = member.isListSchema() ? values.map((value) => scalar(member.getValueSchema(), value)) : scalar(member, values[0]!);
    } else if (traits.httpQueryParams) {
      input[name] = Object.fromEntries(request.query);
    } else if (traits.httpHeader) {
      const value = request.headers[traits.httpHeader.toLowerCase()];
      if (value !== undefined) input[name] = scalar(member, String(value));
    } else if (traits.httpPrefixHeaders) {
      const prefix = String(traits.httpPrefixHeaders);
      const given = Object.entries(request.headers).filter(([header]) => header.startsWith(prefix));
      if (given.length > 0) input[name] = Object.fromEntries(given.map(([header, value]) => [header.slice(prefix.length), String(value)]));
    } else if (traits.httpPayload) {
      if (request.body.length === 0) continue;
      if (member.isStringSchema()) input[name] = request.body.toString("utf8");
      else input[name] = member.isBlobSchema() ? request.body : await format.read(member, request.body);
    } else inBody.push(name);
  }
  if (inBody.length > 0 && request.body.length > 0) {
    const body = await format.read(operation.input, request.body);
    for (const name of inBody) if (body[name] != null) input[name] = body[name];
  }
  return input;
}

export function writeRest(operation: WireOperation, output: any, format: Format, contentType: string): WireReply {
  const schema = NormalizedSchema.of(operation.output);
  const headers: Record<string, string> = {};
  let status = operation.status;
  let body: Buffer = Buffer.alloc(0);
  let bodyType: string | undefined;
  const inBody: Record<string, unknown> = {};
  if (schema.isStructSchema()) {
    const [, , , , names, schemas] = schema.getSchema() as any;
    for (const [name, member] of schema.structIterator()) {
      const traits = member.getMergedTraits() as Record<string, any>;
      const value = output[name];
      if (traits.httpHeader) {
        if (value != null) headers[traits.httpHeader.toLowerCase()] = headerText(value);
      } else if (traits.httpPrefixHeaders) {
        for (const key in value ?? {}) headers[(traits.httpPrefixHeaders + key).toLowerCase()] = String(value[key]);
      } else if (traits.httpResponseCode) {
        if (value != null) status = value;
      } else if (traits.httpPayload) {
        if (value == null) continue;
        const raw = member.isBlobSchema() || member.isStringSchema();
        body = raw ? Buffer.from(value) : format.write(member, value);
        bodyType = raw ? "application/octet-stream" : contentType;
      } else inBody[name] = schemas[names.indexOf(name)];
    }
    if (Object.keys(inBody).length > 0) {
      body = format.write(envelope(schema.getName() ?? "Response", inBody, (schema.getSchema() as any)[3]), output);
      bodyType = contentType;
    }
  }
  if (bodyType) headers["content-type"] ??= bodyType;
  return { status, headers, body };
}

function headerText(value: unknown): string {
  if (value instanceof Date) return value.toUTCString();
  return Array.isArray(value) ? value.join(",") : String(value);
}
