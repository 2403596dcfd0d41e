// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * An AWS error in each protocol's words. A modelled error is found by its shape name or its wire code; any other code goes
 * out as it is. Properties put on the ServiceError beside code and status travel as members of the error.
 */
import type { Protocol, WireReply } from "./codec.ts";
import { envelope, xmlFormat } from "./codec-write.ts";
import type { ServiceError } from "./errors.ts";

export interface ErrorContext {
  readonly protocol: Protocol;
  readonly requestId: string;
  readonly xmlNamespace?: string;
  readonly s3?: boolean;
  readonly queryCompatible?: boolean;
}

export function errorReply(error: ServiceError, schema: any, context: ErrorContext): WireReply {
  const { protocol, requestId } = context;
  const traits = schema?.[3] ?? {};
  const shape: string = schema?.[2] ?? error.code;
  const [code, modelled] = traits.awsQueryError ?? [shape, traits.httpError ?? 400];
  const status = error.status ?? modelled;
  const fault = status >= 500 ? "Receiver" : "Sender";
  const { code: _code, status: _status, name: _name, headers: extraHeaders, ...members } = error as any;
  const headers: Record<string, string> = { "x-amzn-requestid": requestId, ...(extraHeaders ?? {}) };

  if (protocol === "restJson" || protocol === "json1.0" || protocol === "json1.1") {
    headers["content-type"] = protocol === "restJson" ? "application/json" : `application/x-amz-json-${protocol.slice(4)}`;
    headers["x-amzn-errortype"] = shape;
    if (context.queryCompatible) headers["x-amzn-query-error"] = `${code};${fault}`;
    return { status, headers, body: Buffer.from(JSON.stringify({ __type: shape, message: error.message, ...members })) };
  }

  headers["content-type"] = "text/xml";
  const basic = { Code: 0, Message: 0 };
  if (protocol === "ec2") {
    const body = envelope("Response", { Errors: () => envelope("Errors", { Error: () => envelope("Error", basic) }), RequestID: 0 });
    return {
      status,
      headers,
      body: xmlFormat().write(body, { Errors: { Error: { Code: code, Message: error.message } }, RequestID: requestId }),
    };
  }
  if (context.s3) {
    headers["x-amz-request-id"] = requestId;
    const names = Object.fromEntries(Object.keys(members).map((name) => [name, 0]));
    const body = envelope("Error", { ...basic, ...names, RequestId: 0 });
    return { status, headers, body: xmlFormat().write(body, { Code: code, Message: error.message, ...members, RequestId: requestId }) };
  }
  const body = envelope("ErrorResponse", { Error: () => envelope("Error", { Type: 0, ...basic }), RequestId: 0 });
  return {
    status,
    headers,
    body: xmlFormat(context.xmlNamespace).write(body, { Error: { Type: fault, Code: code, Message: error.message }, RequestId: requestId }),
  };
}
