// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The server's side of AWS's wire protocols, driven by the schemas the SDK's clients export: a request becomes an operation
 * and its input, an output or an error becomes a reply. Signatures are not verified and event streams are not spoken.
 */
import { NormalizedSchema } from "@smithy/core/schema";
import { errorReply } from "./codec-errors.ts";
import { formTree, readForm } from "./codec-form.ts";
import { matchRoute, type Route, readRest, routeOf, writeRest } from "./codec-rest.ts";
import { envelope, type Format, jsonFormat, xmlFormat } from "./codec-write.ts";
import { ServiceError } from "./errors.ts";

export type Protocol = "query" | "ec2" | "restXml" | "restJson" | "json1.0" | "json1.1";

export interface WireRequest {
  readonly method: string;
  /** Still percent-encoded; without the bucket for S3. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Buffer;
  /** S3 only: the first part of the path. */
  readonly bucket?: string;
}

export interface WireReply {
  status: number;
  headers: Record<string, string>;
  body: Buffer;
}

export interface WireOperation {
  readonly name: string;
  readonly input: any;
  readonly output: any;
  readonly route: Route | undefined;
  readonly status: number;
  /** Names of the members a request must carry. */
  readonly required: readonly string[];
  readonly takesBucket: boolean;
}

export interface Decoded {
  readonly operation: WireOperation;
  readonly input: any;
  /** What this request speaks, which is what its reply must speak. */
  readonly protocol: Protocol;
}

export interface CodecOptions {
  /** The SDK client's module: its exported schemas name every operation, shape and error. */
  readonly module: Record<string, any>;
  readonly protocol: Protocol;
  readonly xmlNamespace?: string;
  /** CloudWatch: older clients send forms; errors of newer ones carry the old code in a header. */
  readonly queryCompatible?: boolean;
  readonly s3?: boolean;
}

const OPERATION = 9;
const ERROR = -3;

export class Codec {
  readonly operations = new Map<string, WireOperation>();
  private readonly errors = new Map<string, any>();
  private readonly options: CodecOptions;
  private readonly xml: Format;
  private readonly json: Format;

  constructor(options: CodecOptions) {
    this.options = options;
    this.xml = xmlFormat(options.xmlNamespace);
    this.json = jsonFormat(options.protocol === "restJson");
    for (const [name, schema] of Object.entries(options.module)) {
      if (!name.endsWith("$") || !Array.isArray(schema)) continue;
      if (schema[0] === OPERATION) this.operations.set(schema[2], this.operationOf(schema));
      else if (schema[0] === ERROR) this.errors.set(schema[2], schema);
    }
  }

  private operationOf([, , name, traits, input, output]: any): WireOperation {
    const schema = NormalizedSchema.of(input);
    const members: string[] = schema.isStructSchema() ? (schema.getSchema() as any)[4] : [];
    return {
      name,
      input,
      output,
      route: routeOf(traits?.http),
      status: traits?.http?.[2] ?? 200,
      required: schema.isStructSchema() ? members.slice(0, (schema.getSchema() as any)[6] ?? 0) : [],
      takesBucket: Boolean(this.options.s3) && members.includes("Bucket"),
    };
  }

  /** What a request's reply will speak, known even before the request is understood. */
  protocolOf(request: WireRequest): Protocol {
    const form = String(request.headers["content-type"] ?? "").startsWith("application/x-www-form-urlencoded");
    return this.options.queryCompatible && form ? "query" : this.options.protocol;
  }

  async decode(request: WireRequest): Promise<Decoded> {
    const protocol = this.protocolOf(request);
    if (protocol === "query" || protocol === "ec2") {
      const form = request.method === "GET" ? request.query : new URLSearchParams(request.body.toString("utf8"));
      const operation = this.named(form.get("Action"), "InvalidAction");
      return { operation, input: readForm(NormalizedSchema.of(operation.input), formTree(form), protocol) ?? {}, protocol };
    }
    if (protocol === "json1.0" || protocol === "json1.1") {
      const operation = this.named(
        String(request.headers["x-amz-target"] ?? "")
          .split(".")
          .pop(),
        "UnknownOperationException",
      );
      return {
        operation,
        input: request.body.length > 0 ? await this.readBody(() => this.json.read(operation.input, request.body)) : {},
        protocol,
      };
    }
    const found = matchRoute(this.operations.values(), request);
    if (!found) throw new ServiceError("UnknownOperationException", `No operation answers ${request.method} ${request.path}.`, 404);
    const input = await this.readBody(() => readRest(found.operation, found.labels, request, this.rest));
    if (request.bucket !== undefined) input.Bucket = request.bucket;
    return { operation: found.operation, input, protocol };
  }

  encode({ operation, protocol }: Decoded, output: any, requestId: string): WireReply {
    const reply = this.encodeBody(operation, protocol, output ?? {}, requestId);
    reply.headers["x-amzn-requestid"] = requestId;
    if (this.options.s3) reply.headers["x-amz-request-id"] = requestId;
    return reply;
  }

  encodeError(error: ServiceError, protocol: Protocol, requestId: string): WireReply {
    const schema = this.errors.get(error.code) ?? [...this.errors.values()].find((each) => each[3]?.awsQueryError?.[0] === error.code);
    return errorReply(error, schema, {
      protocol,
      requestId,
      xmlNamespace: this.options.xmlNamespace,
      s3: this.options.s3,
      queryCompatible: this.options.queryCompatible,
    });
  }

  private encodeBody(operation: WireOperation, protocol: Protocol, output: any, requestId: string): WireReply {
    const schema = NormalizedSchema.of(operation.output);
    const xml = { "content-type": "text/xml" };
    switch (protocol) {
      case "query": {
        const result = `${operation.name}Result`;
        const shape = envelope(`${operation.name}Response`, {
          ...(schema.isStructSchema() ? { [result]: () => operation.output } : {}),
          ResponseMetadata: () => envelope("ResponseMetadata", { RequestId: 0 }),
        });
        return { status: 200, headers: xml, body: this.xml.write(shape, { [result]: output, ResponseMetadata: { RequestId: requestId } }) };
      }
      case "ec2": {
        const members = schema.isStructSchema() ? (schema.getSchema() as any) : [0, 0, 0, 0, [], []];
        const named = Object.fromEntries(members[4].map((name: string, at: number) => [name, members[5][at]]));
        return {
          status: 200,
          headers: xml,
          body: this.xml.write(envelope(`${operation.name}Response`, { requestId: 0, ...named }), { requestId, ...output }),
        };
      }
      case "json1.0":
      case "json1.1": {
        const body = schema.isStructSchema() ? this.json.write(operation.output, output) : Buffer.from("{}");
        return { status: 200, headers: { "content-type": `application/x-amz-json-${protocol.slice(4)}` }, body };
      }
      case "restXml":
        if (this.options.s3 && operation.name === "GetBucketLocation")
          return { status: 200, headers: xml, body: this.bucketLocation(output) };
        // S3's one status that depends on the answer: a part of an object.
        return { ...writeRest(operation, output, this.xml, "application/xml"), ...(output.ContentRange ? { status: 206 } : {}) };
      case "restJson":
        return writeRest(operation, output, this.json, "application/json");
    }
  }

  /** The one S3 answer whose text is in the root element. */
  private bucketLocation(output: any): Buffer {
    return Buffer.from(
      `<?xml version="1.0" encoding="UTF-8"?><LocationConstraint xmlns="${this.options.xmlNamespace}">${output.LocationConstraint ?? ""}</LocationConstraint>`,
    );
  }

  private get rest(): Format {
    return this.options.protocol === "restJson" ? this.json : this.xml;
  }

  private named(name: string | null | undefined, code: string): WireOperation {
    const operation = this.operations.get(name ?? "");
    if (!operation) throw new ServiceError(code, `There is no operation "${name ?? ""}" in this service.`, 400);
    return operation;
  }

  private async readBody<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof ServiceError) throw error;
      throw new ServiceError(
        this.options.s3 ? "MalformedXML" : "SerializationException",
        `The request's body or path could not be read: ${(error as Error).message}`,
        400,
      );
    }
  }
}
