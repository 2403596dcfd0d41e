/**
 * A full disk as MariaDB's clients meet it: a statement that writes is exchanged, on its way in, for one that makes the server itself
 * fail with error 1114 (ER_RECORD_FILE_FULL), which is what InnoDB says where it can grow no further. Reads pass, and a transaction goes
 * on, as after any such error. The server's own files are not full: replication and its own work go on.
 *
 * Reads the client's packets without TLS and without compression ("Packet" and "COM_QUERY" in MariaDB's client/server protocol). A
 * statement is taken for a writing one by its words; a function that writes when selected is not noticed.
 */
import { Transform } from "node:stream";

const REFUSAL = "signal sqlstate 'HY000' set mysql_errno = 1114, message_text = 'The table is full'";

const QUERY = 0x03;
const PREPARE = 0x16;
/** Three bytes of length, one of sequence. */
const HEAD = 4;

const WRITES =
  /(^|;|\bas\s*\(|\))\s*(insert|replace|update|delete|create|alter|optimize|load)\b|\bselect\b[^;]*\binto\s+(outfile|dumpfile)\b/i;
/** Literals, quoted names and comments may hold any words. */
const NOT_WORDS = /'(?:[^'\\]|''|\\[\s\S])*'|"(?:[^"\\]|""|\\[\s\S])*"|`(?:[^`]|``)*`|(?:--\s|#)[^\n]*|\/\*[\s\S]*?\*\//g;

export const writesMariaDb = (sql: string): boolean => WRITES.test(sql.replace(NOT_WORDS, " "));

/** One session's way to the server. Put in place before the session begins. */
export function fullMariaDbDisk(): Transform {
  let rest: Buffer = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length >= HEAD && rest.length >= HEAD + rest.readUIntLE(0, 3)) {
        const end = HEAD + rest.readUIntLE(0, 3);
        this.push(judged(rest.subarray(0, end)));
        rest = rest.subarray(end);
      }
      done();
    },
  });
}

/** What goes on to the server in place of a packet. A command is the first of its sequence; the packets of a login are not. */
function judged(packet: Buffer): Buffer {
  const isStatement = packet[3] === 0 && (packet[HEAD] === QUERY || packet[HEAD] === PREPARE);
  return isStatement && writesMariaDb(packet.toString("utf8", HEAD + 1)) ? query(REFUSAL) : packet;
}

function query(sql: string): Buffer {
  const body = Buffer.concat([Buffer.from([QUERY]), Buffer.from(sql, "utf8")]);
  const head = Buffer.alloc(HEAD);
  head.writeUIntLE(body.length, 0, 3);
  return Buffer.concat([head, body]);
}
