/**
 * Slims the AWS SDK for a Lambda that sends small requests with the role's keys. Schemas are made free of side effects so that unused
 * operations fall away, modelled error classes are dropped (aws/errors.ts reads codes instead), and what never runs there is left
 * out. A stand-in that is used all the same says so; one whose file is gone after an update of the SDK only costs its bytes again.
 */
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";
import { type Diagram, moduleOf, slimmed } from "./slim-endpoints.ts";

const SDK_SCHEMAS = /node_modules[\\/]@aws-sdk[\\/].*dist-es[\\/]schemas[\\/]schemas_\d+\.js$/;
const S3_ENDPOINTS = /[\\/]client-s3[\\/]dist-es[\\/]endpoint[\\/]bdd\.js$/;
const SDK_PACKAGE = /node_modules[\\/]@(aws-sdk|smithy)[\\/][^\\/]+[\\/]package\.json$/;

const refuse = (what: string) => `() => { throw new Error(${JSON.stringify(`${what} is left out of this bundle (infra/slim-sdk.ts)`)}); }`;

/** A plugin of a client that adds nothing, and the other names of its module. */
const without = (plugin: string, ...names: string[]) =>
  [`export const ${plugin} = () => ({ applyToStack() {} });`, ...names.map((name) => `export const ${name} = undefined;`)].join(" ");

/** Modules by the end of their names, and what stands in for each. */
const STAND_INS: Record<string, string> = {
  "@aws-sdk/credential-provider-node":
    "export const defaultProvider = () => async () => ({ accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: process.env.AWS_SECRET_ACCESS_KEY, sessionToken: process.env.AWS_SESSION_TOKEN });",
  "/event-streams": `export class EventStreamSerde {}; export const resolveEventStreamSerdeConfig = (config) => config; export const eventStreamSerdeProvider = ${refuse("event streams")};`,
  // Signs the headers of event streams.
  "/HeaderFormatter": "export class HeaderFormatter {}",
  // Node has these itself; what is written in JavaScript is for platforms without.
  "/Sha256Js": "export const Sha256Js = undefined;",
  "/Sha1Js": "export const Sha1Js = undefined;",
  "/Md5Js": "export const Md5Js = undefined;",
  "/Crc32Js": "export const Crc32Js = undefined;",
  // The web's streams: requests go by node:http, bodies are texts.
  "/sdk-stream-mixin.browser": `export const sdkStreamMixin = ${refuse("a web stream")};`,
  "/createChecksumStream.browser": `export const createChecksumStream = ${refuse("a web stream")};`,
  "/getAwsChunkedEncodingStream": `export const getAwsChunkedEncodingStream = ${refuse("sending a stream")};`,
  "/createBufferedReadable": `export const createBufferedReadable = ${refuse("sending a stream")};`,
  // A Lambda has no profile, no files of one, and its region from the environment.
  "/loadSharedConfigFiles":
    'export const CONFIG_PREFIX_SEPARATOR = "."; export const loadSharedConfigFiles = async () => ({ configFile: {}, credentialsFile: {} });',
  "/getInstanceMetadataRegion": "export const getInstanceMetadataRegion = async () => undefined;",
  // Nobody hands the clients a logger, and the runtime is the newest.
  "/loggerMiddleware": without("getLoggerPlugin", "loggerMiddleware", "loggerMiddlewareOptions"),
  "/emitWarningIfUnsupportedVersion": "export const state = {}; export const emitWarningIfUnsupportedVersion = () => {};",
  // aws/clients.ts asks for the standard way to retry.
  "/AdaptiveRetryStrategy": `export class AdaptiveRetryStrategy { constructor() { (${refuse("the adaptive retry mode")})(); } }`,
  // Signatures for several regions at once are for global endpoints and multi-region access points.
  "/SignatureV4MultiRegion":
    'import { SignatureV4SignWithCredentials } from "./SignatureV4SignWithCredentials"; export class SignatureV4MultiRegion extends SignatureV4SignWithCredentials { static sigv4aDependency() { return "none"; } }',
  // S3's directory buckets, customers' own encryption keys, following a bucket to another region, bodies too large to be sent at once.
  "/CreateSessionCommand": "export class CreateSessionCommand {}",
  "/S3ExpressIdentityProviderImpl": "export class S3ExpressIdentityProviderImpl {}",
  "/middleware-ssec": without("getSsecPlugin", "ssecMiddleware", "ssecMiddlewareOptions", "isValidBase64EncodedSSECustomerKey"),
  "/region-redirect-middleware": without(
    "getRegionRedirectMiddlewarePlugin",
    "regionRedirectMiddleware",
    "regionRedirectMiddlewareOptions",
  ),
  "/middleware-expect-continue": without("getAddExpectContinuePlugin", "addExpectContinueMiddleware", "addExpectContinueMiddlewareOptions"),
  "/check-content-length-header": without(
    "getCheckContentLengthHeaderPlugin",
    "checkContentLengthHeader",
    "checkContentLengthHeaderMiddlewareOptions",
  ),
};

/** What @aws/durable-execution-sdk-js takes out of the client it loads by itself; infra/size.ts and every durable test would miss more. */
const DURABLE_CALLS =
  'export { CheckpointDurableExecutionCommand, GetDurableExecutionStateCommand, LambdaClient } from "@aws-sdk/client-lambda";';

const escaped = (text: string) => text.replace(/[.*+?^$()|[\]\\/]/g, "\\$&");
const STANDS_IN = new RegExp(`(${Object.keys(STAND_INS).map(escaped).join("|")})(\\.js)?$`);
const SDK = /[\\/]node_modules[\\/]@(aws-sdk|smithy)[\\/]/;

/** `listsBuckets`: it asks S3 for all of an account's buckets, too. */
export const slimSdk = (listsBuckets = false): Plugin => ({
  name: "slim-sdk",
  setup(plugin) {
    plugin.onLoad({ filter: SDK_SCHEMAS }, async (args) => ({ contents: pureSchemas(await readFile(args.path, "utf8")), loader: "js" }));
    plugin.onLoad({ filter: S3_ENDPOINTS }, async (args) => {
      const { bdd } = (await import(pathToFileURL(args.path).href)) as { bdd: Diagram };
      const small = slimmed(bdd, listsBuckets);
      return small ? { contents: moduleOf(small), resolveDir: dirname(args.path), loader: "js" } : undefined;
    });
    plugin.onLoad({ filter: SDK_PACKAGE }, async (args) => {
      const { name, version } = JSON.parse(await readFile(args.path, "utf8")) as { name: string; version: string };
      return { contents: JSON.stringify({ name, version }), loader: "json" };
    });
    plugin.onResolve({ filter: STANDS_IN }, ({ path, importer, resolveDir }) => {
      const [, end = ""] = STANDS_IN.exec(path) ?? [];
      return SDK.test(importer) ? { path: end, namespace: "stand-in", pluginData: resolveDir, sideEffects: false } : undefined;
    });
    // The durable SDK loads the whole client late; of all its operations it asks for two.
    plugin.onResolve({ filter: /^@aws-sdk\/client-lambda$/ }, ({ kind, resolveDir }) =>
      kind === "dynamic-import" ? { path: "durable-calls", namespace: "durable-calls", pluginData: resolveDir } : undefined,
    );
    plugin.onLoad({ filter: /.*/, namespace: "durable-calls" }, ({ pluginData }) => ({
      contents: DURABLE_CALLS,
      resolveDir: pluginData as string,
      loader: "js",
    }));
    plugin.onLoad({ filter: /.*/, namespace: "stand-in" }, ({ path, pluginData }) => ({
      contents: STAND_INS[path] as string,
      resolveDir: pluginData as string,
      loader: "js",
    }));
  },
});

/**
 * Schema files name members by computed keys (`[_DBI]: 0`), which esbuild must take for side effects; with the literal in place an
 * unused schema is dropped. Error shapes register themselves; only each service's base error stays.
 */
function pureSchemas(source: string): string {
  const names = new Map([...source.matchAll(/^const (_\w+) = ("[^"\n]*");$/gm)].map((match) => [match[1] as string, match[2] as string]));
  return source
    .replace(/\[(_\w+)\]:/g, (whole, name: string) => (names.has(name) ? `${names.get(name)}:` : whole))
    .replace(/^n\d+_registry\.registerError\((\w+)\$, \w+\);$/gm, (line, name: string) => (name.endsWith("ServiceException") ? line : ""));
}
