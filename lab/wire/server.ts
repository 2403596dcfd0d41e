// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The lab's one AWS endpoint: every service of every region on one loopback port, told apart by the signature's credential
 * scope. Signatures are read, not verified: who may do what, and whether the signature is theirs, is the `before` hook's business.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Caller, World } from "../cloud/world.ts";
import { decodeAwsChunked, isAwsChunked, withoutChunking } from "./chunked.ts";
import type { Codec, WireReply, WireRequest } from "./codec.ts";
import { errorReply } from "./codec-errors.ts";
import { ServiceError } from "./errors.ts";
import { codecFor } from "./protocols.ts";

export interface WireCall {
  readonly service: string;
  readonly operation: string;
  readonly input: any;
  readonly caller: Caller;
}

export interface WireOptions {
  /** 0 takes a free port. */
  readonly port: number;
  principalFor(accessKeyId: string): string;
  /** The world of the account a key, or an account id in its place, belongs to. Without it every key is of the one world. */
  worldOf?(accessKeyId: string): World | Promise<World>;
  /** Runs before the operation: authorisation, faults. Throw ServiceError to refuse; answer "lose reply" to do it and cut the line. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most hooks return nothing
  before?(request: IncomingMessage, call: WireCall, body: Buffer): void | "lose reply" | Promise<void | "lose reply">;
  /** Answers paths that are not AWS's, before any routing. Returns true when it took the request. */
  extra?(request: IncomingMessage, response: ServerResponse): boolean;
}

export interface Wire {
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 256 * 1024 * 1024;

/** Links in mails are opened without a signature; these operations are open to them, as on AWS. */
const OPEN_OPERATIONS: Record<string, string> = { ConfirmSubscription: "sns", Unsubscribe: "sns" };

export async function startWire(world: World, options: WireOptions): Promise<Wire> {
  const server = createServer((request, response) => {
    if (options.extra?.(request, response)) return;
    answer(world, options, request, response).catch((error: Error) => {
      world.tell({ kind: "lab", region: "-", service: "wire", what: `a request broke off: ${error.message}` });
      response.destroy();
    });
  });
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(error, options.port)));
    server.listen(options.port, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listenError(error: NodeJS.ErrnoException, port: number): Error {
  if (error.code !== "EADDRINUSE") return new Error(`The lab cannot listen on 127.0.0.1:${port}: ${error.message}.`, { cause: error });
  return new Error(`Port ${port} on 127.0.0.1 is in use, probably by another lab. Stop that one, or start this one on another port.`, {
    cause: error,
  });
}

interface Scope {
  readonly accessKeyId: string;
  readonly region: string;
  readonly service: string;
  /** Of a request that nobody signed. */
  readonly account?: string | undefined;
}

async function answer(first: World, options: WireOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const requestId = first.id(32);
  const startedAt = first.now();
  const url = request.url ?? "/";
  const cut = url.indexOf("?");
  const query = new URLSearchParams(cut < 0 ? "" : url.slice(cut + 1));
  const fullPath = cut < 0 ? url : url.slice(0, cut);
  const scope = scopeOf(request, query);
  const codec = scope && codecFor(scope.service);
  if (!scope || !codec) {
    request.resume();
    const error = scope
      ? new ServiceError("UnknownOperationException", `The lab has no service "${scope.service}".`, 400)
      : new ServiceError("MissingAuthenticationToken", "Missing Authentication Token", 403);
    return send(request, response, plainError(error, request, requestId));
  }

  const world = (await options.worldOf?.(scope.account ?? scope.accessKeyId)) ?? first;
  const caller: Caller = {
    region: scope.region,
    account: world.account,
    principal: scope.accessKeyId ? options.principalFor(scope.accessKeyId) : "*",
    requestId,
  };
  let operation = "?";
  let input: any = {};
  let lost = false;
  const wire = wireRequest(request, fullPath, query, await bodyOf(request), scope.service === "s3");
  const reply = await settle(world, codec, wire, scope, requestId, async () => {
    const decoded = await codec.decode(unchunked(wire));
    operation = decoded.operation.name;
    input = decoded.input;
    const missing = decoded.operation.required.find((name) => input[name] == null);
    if (missing) throw missingMember(wire, codec, missing);
    lost = (await options.before?.(request, { service: scope.service, operation, input, caller }, wire.body)) === "lose reply";
    const run = world.services.get(scope.service)?.operations[operation];
    if (!run || operation.startsWith("Lab"))
      throw new ServiceError(unknownCode(wire, codec), `The lab has no ${scope.service}:${operation}.`, 400);
    return codec.encode(decoded, await run(input, caller), requestId);
  });
  world.tell({
    kind: "call",
    region: scope.region,
    service: scope.service,
    what: `${scope.service}:${operation}`,
    detail: {
      operation,
      input: summary(input),
      status: reply.status,
      ...(reply.code ? { code: reply.code } : {}),
      principal: caller.principal,
      ms: world.now() - startedAt,
    },
  });
  response.setHeader("date", new Date(world.now()).toUTCString());
  if (lost) response.destroy();
  else send(request, response, reply);
}

type CodedReply = WireReply & { code?: string };

/** The operation's reply, or its error's. Anything but a ServiceError is the lab's own failure: told with its stack, answered as 500. */
async function settle(
  world: World,
  codec: Codec,
  wire: WireRequest,
  scope: Scope,
  requestId: string,
  run: () => Promise<WireReply>,
): Promise<CodedReply> {
  try {
    return await run();
  } catch (thrown) {
    let error = thrown as ServiceError;
    if (!(thrown instanceof ServiceError)) {
      const { message, stack } = thrown as Error;
      world.tell({
        kind: "lab",
        region: scope.region,
        service: scope.service,
        what: `the lab failed in ${scope.service}: ${message}`,
        detail: { stack },
      });
      error = new ServiceError("InternalFailure", `The lab failed: ${message}`, 500);
    }
    return { ...codec.encodeError(error, codec.protocolOf(wire), requestId), code: error.code };
  }
}

/** From the Authorization header, a presigned URL's query, or an open operation's name. */
function scopeOf(request: IncomingMessage, query: URLSearchParams): Scope | undefined {
  const credential = /Credential=([^,\s]+)/.exec(request.headers.authorization ?? "")?.[1] ?? query.get("X-Amz-Credential");
  const [accessKeyId, , region, service] = credential?.split("/") ?? [];
  if (accessKeyId && region && service) return { accessKeyId, region, service };
  const open = OPEN_OPERATIONS[query.get("Action") ?? ""];
  const arn = query.get("TopicArn") ?? query.get("SubscriptionArn");
  if (!open || request.method !== "GET") return undefined;
  const [, , , regionOf, account] = arn?.split(":") ?? [];
  return { accessKeyId: "", region: regionOf || "us-east-1", service: open, account };
}

function wireRequest(request: IncomingMessage, fullPath: string, query: URLSearchParams, body: Buffer, s3: boolean): WireRequest {
  const base = { method: request.method ?? "GET", query, headers: request.headers, body };
  if (!s3) return { ...base, path: fullPath };
  const [, bucket, rest] = /^\/([^/]*)(\/.*)?$/.exec(fullPath) ?? [];
  return { ...base, path: rest ?? "/", ...(bucket ? { bucket: decodeURIComponent(bucket) } : {}) };
}

function unchunked(wire: WireRequest): WireRequest {
  return isAwsChunked(wire.headers) ? { ...wire, headers: withoutChunking(wire.headers), body: decodeAwsChunked(wire.body) } : wire;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > MAX_BODY_BYTES) throw new Error(`the body is larger than ${MAX_BODY_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function missingMember(wire: WireRequest, codec: Codec, member: string): ServiceError {
  const protocol = codec.protocolOf(wire);
  if (protocol === "query" || protocol === "ec2")
    return new ServiceError("MissingParameter", `The request must contain the parameter ${member}.`, 400);
  const code = protocol === "restXml" ? "InvalidInput" : protocol === "restJson" ? "InvalidParameterValueException" : "ValidationException";
  const text = `1 validation error detected: Value null at '${member.charAt(0).toLowerCase()}${member.slice(1)}' failed to satisfy constraint: Member must not be null`;
  return new ServiceError(code, text, 400);
}

function unknownCode(wire: WireRequest, codec: Codec): string {
  const protocol = codec.protocolOf(wire);
  return protocol === "query" || protocol === "ec2"
    ? "InvalidAction"
    : protocol === "restXml"
      ? "NotImplemented"
      : "UnknownOperationException";
}

/** For a request of which not even the service is known: in XML where a form came, in JSON otherwise. */
function plainError(error: ServiceError, request: IncomingMessage, requestId: string): WireReply {
  const form = String(request.headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded");
  return errorReply(error, undefined, { protocol: form ? "query" : "restJson", requestId });
}

function send(request: IncomingMessage, response: ServerResponse, reply: WireReply): void {
  if (response.destroyed) return;
  const head = request.method === "HEAD" || reply.status === 204 || reply.status === 304;
  const length = "content-length" in reply.headers || reply.status === 204 ? {} : { "content-length": String(reply.body.length) };
  response.writeHead(reply.status, { ...reply.headers, ...length });
  response.end(head ? undefined : reply.body);
}

const SECRET = /password|secret(string|binary)|token$/i;

/** The input's first few plain members, short enough for one line of the story. */
function summary(input: Record<string, unknown>): Record<string, unknown> {
  const short: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(input).slice(0, 10)) {
    if (SECRET.test(name)) short[name] = "***";
    else if (typeof value === "string") short[name] = value.length > 160 ? `${value.slice(0, 157)}…` : value;
    else if (typeof value === "number" || typeof value === "boolean") short[name] = value;
    else if (value instanceof Uint8Array) short[name] = `${value.length} bytes`;
    else if (value instanceof Date) short[name] = value.toISOString();
    else if (Array.isArray(value))
      short[name] = value.every((item) => typeof item === "string") ? value.slice(0, 5) : `${value.length} items`;
  }
  return short;
}
