// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Reads answers of the real AWS recorded through botocore (`service.Operation_n.json`: a status and the parsed data) and brings
 * them into the words of the JavaScript SDK. Knows nothing of the lab.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Recording {
  /** `folder/service.Operation_n.json`. */
  readonly name: string;
  /** As botocore spells it. */
  readonly service: string;
  readonly operation: string;
  readonly status: number;
  readonly data: any;
  /** Set when AWS refused: the wire code and the message. */
  readonly fault?: { readonly code: string; readonly message: string };
}

/** They stand beside the checkout, or where AWS_RECORDINGS says; nothing of them is kept here. */
export const recordingsFolder: string = process.env.AWS_RECORDINGS ?? join(import.meta.dirname, "../../../shared/fixtures/aws-recordings");

export function readRecordings(): Recording[] {
  if (!existsSync(recordingsFolder)) return [];
  return readdirSync(recordingsFolder, { recursive: true, encoding: "utf8" })
    .sort()
    .flatMap((name) => {
      const found = /(?:^|\/)([\w-]+)\.(\w+)_\d+\.json$/.exec(name);
      if (!found) return [];
      const { status_code, data } = JSON.parse(readFileSync(join(recordingsFolder, name), "utf8"), revived);
      const { ResponseMetadata, Error: refused, ...answer } = data;
      const status: number = ResponseMetadata?.HTTPStatusCode ?? status_code;
      const fault = refused?.Code && status >= 400 ? { code: refused.Code, message: refused.Message ?? "" } : undefined;
      return [{ name, service: found[1]!, operation: found[2]!, status, data: answer, ...(fault ? { fault } : {}) }];
    });
}

/** botocore's dates are parts of a date; the SDK's are Dates. */
function revived(_key: string, value: any): any {
  if (value?.__class__ !== "datetime") return value;
  const { year, month, day, hour, minute, second, microsecond } = value;
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second, Math.floor(microsecond / 1000)));
}

/**
 * Takes away what XML and the two SDKs say differently and nobody can tell apart on the wire: members without a value, empty lists
 * and maps, and empty texts. Everything else must be equal.
 */
export function comparable(value: any): any {
  if (value instanceof Date || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value)
    .filter(([name]) => name !== "$metadata")
    .map(([name, each]) => [name, comparable(each)] as const)
    .filter(([, each]) => !isNothing(each));
  return Object.fromEntries(kept);
}

function isNothing(value: any): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && !(value instanceof Date) && !(value instanceof Uint8Array) && Object.keys(value).length === 0;
}
