/**
 * The list of a bucket's objects as it is kept at another provider: lines of fields parted by tabs, for the kit, each as `printf '%b'`
 * reads it. An object is the pieces it was cut into, in their order. Pure.
 */
export const FORM = 1;

/** An object as S3 lists it. */
export interface Listed {
  readonly key: string;
  readonly bytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly modifiedMs: number;
}

export interface Carried extends Listed {
  /** Names of its pieces. None: it is empty. */
  readonly pieces: readonly string[];
  /** What S3 gives back with it: Content-Type and the like, and the user's own as "x-amz-meta-NAME". */
  readonly headers: Readonly<Record<string, string>>;
}

/** An object that is in the bucket and not in the list. */
export interface NotCarried {
  readonly key: string;
  readonly why: string;
}

/** Of a bucket's listing. */
export interface Page {
  /** In the order of their keys' bytes. */
  readonly objects: readonly Listed[];
  readonly more: boolean;
}

/** What came of reading an object. "changed": it is another one by now. */
export type Read =
  | { readonly content: Buffer; readonly headers: Record<string, string> }
  | { readonly not: "gone" | "changed" }
  | { readonly not: "given"; readonly why: string };

export type Line = Carried | NotCarried;
export const isCarried = (line: Line): line is Carried => "pieces" in line;

export interface Totals {
  /** In the list. */
  readonly objects: number;
  readonly bytes: number;
  /** Of these, what had not been there before: sent, and by how many bytes of the objects. */
  readonly sent: number;
  readonly sentBytes: number;
  readonly notCarried: number;
}

export const NOTHING: Totals = { objects: 0, bytes: 0, sent: 0, sentBytes: 0, notCarried: 0 };

/** S3's own order of keys: by their bytes in UTF-8. */
export const byBytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

/** Whether an object is what it was when the line was written. */
export const isSame = (line: Carried, { key, bytes, etag, modifiedMs }: Listed): boolean =>
  line.key === key && line.bytes === bytes && line.etag === etag && line.modifiedMs === modifiedMs;

export const lineOf = (line: Line): string =>
  isCarried(line)
    ? [
        "object",
        line.bytes,
        line.pieces.join(",") || "-",
        escaped(fileOf(line.key)),
        escaped(line.key),
        line.etag,
        line.modifiedMs,
        escaped(JSON.stringify(line.headers)),
      ].join("\t")
    : ["missing", escaped(line.why), escaped(line.key)].join("\t");

/** Of what `lineOf` wrote; null: a line of another kind. */
export function readLine(text: string): Line | null {
  const [kind, ...fields] = text.split("\t");
  if (kind === "missing") return { why: unescaped(fields[0] ?? ""), key: unescaped(fields[1] ?? "") };
  if (kind !== "object") return null;
  const [bytes, pieces = "-", , key = "", etag = "", modifiedMs, headers = "{}"] = fields;
  return {
    key: unescaped(key),
    bytes: Number(bytes),
    etag,
    modifiedMs: Number(modifiedMs),
    pieces: pieces === "-" ? [] : pieces.split(","),
    headers: JSON.parse(unescaped(headers)),
  };
}

/** POSIX: `\0` and up to three octal digits is a byte to `printf '%b'`. Three are always written, so that no digit after them is taken for one. */
const escaped = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) =>
      byte > 0x20 && byte < 0x7f && byte !== 0x5c
        ? String.fromCharCode(byte)
        : byte === 0x20
          ? " "
          : `\\0${byte.toString(8).padStart(3, "0")}`,
    )
    .join("");

const unescaped = (text: string): string =>
  Buffer.from(
    text.replaceAll(/\\0([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    "latin1",
  ).toString("utf8");

/** The longest name of a file that file systems take. */
const LONGEST = 255;

/**
 * Where an object lies when it is brought back: a path that stays within its folder, whatever the key. A "%" stands before what a key had
 * and a path cannot have; no two keys have one path.
 */
export const fileOf = (key: string): string => key.split("/").map(fileName).join("/");

function fileName(part: string): string {
  if (part === "") return "%";
  if (part === "." || part === "..") return part.replaceAll(".", "%2E");
  const name = part.replaceAll("%", "%25").replaceAll("\0", "%00");
  return Buffer.byteLength(name) <= LONGEST ? name : shortened(name);
}

/** S3's keys have 1024 bytes at most: in folders, each as long as may be. */
function shortened(name: string): string {
  const parts: string[] = [];
  let part = "";
  for (const sign of name) {
    if (Buffer.byteLength(part + sign) > LONGEST - 2) {
      parts.push(`${part}%+`);
      part = "";
    }
    part += sign;
  }
  return [...parts, part].join("/");
}
