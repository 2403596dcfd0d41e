// biome-ignore-all lint/suspicious/noExplicitAny: wire shapes are typed by the SDK's schemas at run time
/**
 * The XML and JSON writers and readers, which are the SDK's own, behind two functions each.
 * The schema tuples' numbers are a detail of @smithy/types: the pinned versions and the round-trip tests guard them.
 */
import { JsonCodec, XmlCodec } from "@aws-sdk/core/protocols";

const DATE_TIME = 5;
const EPOCH_SECONDS = 7;
const STRUCTURE = 3;

const serde: any = {
  base64Encoder: (bytes: Uint8Array | string) => Buffer.from(bytes as Uint8Array).toString("base64"),
  base64Decoder: (text: string) => Buffer.from(text, "base64"),
  utf8Encoder: (bytes: Uint8Array) => Buffer.from(bytes).toString("utf8"),
  utf8Decoder: (text: string) => Buffer.from(text, "utf8"),
};

export interface Format {
  write(schema: unknown, value: unknown): Buffer;
  read(schema: unknown, bytes: Buffer): Promise<any>;
}

function formatOf(codec: any): Format {
  codec.setSerdeContext(serde);
  return {
    write(schema, value) {
      const writer = codec.createSerializer();
      writer.write(schema, value);
      return Buffer.from(writer.flush());
    },
    read: async (schema, bytes) => await codec.createDeserializer().read(schema, bytes),
  };
}

export function xmlFormat(xmlNamespace?: string): Format {
  return formatOf(
    new XmlCodec({
      timestampFormat: { useTrait: true, default: DATE_TIME },
      httpBindings: false,
      xmlNamespace,
      serviceNamespace: "lab",
    } as any),
  );
}

/** `jsonName` is true where the protocol honours that trait (restJson). */
export function jsonFormat(jsonName: boolean): Format {
  return formatOf(new JsonCodec({ timestampFormat: { useTrait: true, default: EPOCH_SECONDS }, jsonName } as any));
}

/** A structure schema made here: an envelope around what the service answers. Member schema 0 is a string. */
export function envelope(name: string, members: Record<string, unknown>, traits: unknown = 0): unknown {
  return [STRUCTURE, "lab", name, traits, Object.keys(members), Object.values(members)];
}
