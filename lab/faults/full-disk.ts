/**
 * A full disk as PostgreSQL's clients meet it. The bytes of each session are read on their way in; a statement that writes is exchanged
 * for one that makes the server itself fail with SQLSTATE 53100 (disk_full), so that transactions end as they do after any error.
 * Reads pass. The server's own files are not full: what it writes for itself, and replication, go on.
 *
 * Reads PostgreSQL's frontend protocol 3.0 without TLS (protocol-message-formats in its manual). A statement is taken for a writing one
 * by its words; a function that writes when selected is not noticed.
 */
import { Transform } from "node:stream";

const REFUSAL =
  "do $$ begin raise exception using errcode = '53100', " +
  "message = 'could not extend file: No space left on device', hint = 'Check free disk space.'; end $$";

const QUERY = 0x51;
const PARSE = 0x50;
const BIND = 0x42;
const SYNC = 0x53;
const TERMINATE = 0x58;

const WRITES =
  /(^|;|\bas\s*\(|\))\s*(insert|update|delete|merge|create|alter|reindex|vacuum|refresh)\b|\bcopy\b[^;]*\bfrom\b|\bselect\b[^;]*\binto\b/i;
/** Literals and comments may hold any words. */
const NOT_WORDS = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g;

export const writes = (sql: string): boolean => WRITES.test(sql.replace(NOT_WORDS, " "));

/** One session's way to the server. Put in place before the session begins. */
export function fullDisk(): Transform {
  let rest: Buffer = Buffer.alloc(0);
  let started = false;
  /** A refusal has been sent in place of an extended query: its other messages are dropped up to Sync, whose answer the refusal brings. */
  let dropping = false;
  const writing = new Set<string>();

  /** What goes on to the server in place of a message. */
  const judge = (message: Buffer): Buffer | undefined => {
    const type = message[0];
    if (dropping) {
      if (type === SYNC) dropping = false;
      return type === TERMINATE ? message : undefined;
    }
    const refuse = () => {
      dropping = true;
      return simpleQuery(REFUSAL);
    };
    if (type === QUERY) return writes(textAt(message, 5).text) ? simpleQuery(REFUSAL) : message;
    if (type === PARSE) {
      const name = textAt(message, 5);
      writing.delete(name.text);
      if (!writes(textAt(message, name.end).text)) return message;
      if (name.text !== "") writing.add(name.text);
      return refuse();
    }
    if (type === BIND && writing.has(textAt(message, textAt(message, 5).end).text)) return refuse();
    return message;
  };

  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (;;) {
        // Until a session has started, its messages have no type.
        const head = started ? 1 : 0;
        if (rest.length < head + 4) break;
        const length = head + rest.readInt32BE(head);
        if (rest.length < length) break;
        const message = rest.subarray(0, length);
        rest = rest.subarray(length);
        if (started) {
          const judged = judge(message);
          if (judged) this.push(judged);
        } else {
          started = message.readInt16BE(4) === 3;
          this.push(message);
        }
      }
      done();
    },
  });
}

function textAt(message: Buffer, from: number): { text: string; end: number } {
  const zero = message.indexOf(0, from);
  return { text: message.toString("utf8", from, zero), end: zero + 1 };
}

function simpleQuery(sql: string): Buffer {
  const text = Buffer.from(`${sql}\0`, "utf8");
  const head = Buffer.alloc(5);
  head[0] = QUERY;
  head.writeInt32BE(4 + text.length, 1);
  return Buffer.concat([head, text]);
}
