// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * Reads form-encoded requests (awsQuery and ec2Query) and single text values into the SDK's shapes.
 * Knows names and types only; what a value means is the service's business.
 */
import type { NormalizedSchema } from "@smithy/core/schema";

/** `a.b.1.c=v` as a tree. A node's own text is under VALUE; a node may have both text and children. */
interface FormNode {
  [part: string]: FormNode;
}
const VALUE = "$";

export function formTree(form: URLSearchParams): FormNode {
  const root: FormNode = Object.create(null);
  for (const [name, value] of form) {
    let node = root;
    for (const part of name.split(".")) node = node[part] ??= Object.create(null);
    (node as Record<string, unknown>)[VALUE] = value;
  }
  return root;
}

/** One text value as its schema's type. A header's list is comma-separated. */
export function scalar(schema: NormalizedSchema, text: string): any {
  if (schema.isBooleanSchema()) return text.toLowerCase() === "true";
  if (schema.isNumericSchema() || schema.isBigDecimalSchema()) return Number(text);
  if (schema.isBigIntegerSchema()) return BigInt(text);
  if (schema.isTimestampSchema()) return /^-?[\d.]+$/.test(text) ? new Date(Number(text) * 1000) : new Date(text);
  if (schema.isBlobSchema()) return Buffer.from(text, "base64");
  if (schema.isListSchema()) return text.split(",").map((item) => scalar(schema.getValueSchema(), item.trim()));
  return text;
}

/** The value a tree stands for; undefined when nothing was sent. `flavour` tells the two naming rules apart. */
export function readForm(schema: NormalizedSchema, node: FormNode | undefined, flavour: "query" | "ec2"): any {
  if (node === undefined) return undefined;
  if (schema.isStructSchema()) {
    const shape: Record<string, unknown> = {};
    for (const [name, member] of schema.structIterator()) {
      const value = readForm(member, node[memberKey(member, name, flavour)], flavour);
      if (value !== undefined) shape[name] = value;
    }
    return shape;
  }
  if (schema.isListSchema()) {
    const item = schema.getValueSchema();
    const flat = flavour === "ec2" || schema.getMergedTraits().xmlFlattened;
    const items = flat ? node : (node[traitName(item) ?? "member"] ?? node.member ?? {});
    return numbered(items).map((key) => readForm(item, items[key], flavour));
  }
  if (schema.isMapSchema()) {
    const entries = schema.getMergedTraits().xmlFlattened ? node : (node.entry ?? {});
    const key = traitName(schema.getKeySchema()) ?? "key";
    const value = traitName(schema.getValueSchema()) ?? "value";
    return Object.fromEntries(
      numbered(entries).map((at) => [text(entries[at]?.[key]), readForm(schema.getValueSchema(), entries[at]?.[value], flavour)]),
    );
  }
  const own = text(node);
  return own === undefined ? undefined : scalar(schema, own);
}

function text(node: FormNode | undefined): string | undefined {
  return node?.[VALUE] as string | undefined;
}

function traitName(schema: NormalizedSchema): string | undefined {
  return schema.getMergedTraits().xmlName as string | undefined;
}

function memberKey(member: NormalizedSchema, name: string, flavour: "query" | "ec2"): string {
  const xmlName = traitName(member) ?? name;
  if (flavour === "query") return xmlName;
  return (member.getMergedTraits().ec2QueryName as string | undefined) ?? xmlName.charAt(0).toUpperCase() + xmlName.slice(1);
}

function numbered(node: FormNode): string[] {
  return Object.keys(node)
    .filter((key) => /^\d+$/.test(key))
    .sort((a, b) => Number(a) - Number(b));
}
