/** Asks a DNS server for a name's address as a client's resolver does: one UDP question, and how long the answer may be kept. */
import { createSocket } from "node:dgram";
import packet from "dns-packet";

export interface Answer {
  readonly address: string;
  /** The shortest TTL of the chain the answer came by. */
  readonly ttlSeconds: number;
}

/** null when the name has no address, or the server is silent for `timeoutMs`. */
export function lookUp(server: { host: string; port: number }, name: string, timeoutMs = 1000): Promise<Answer | null> {
  const socket = createSocket("udp4");
  return new Promise((resolve) => {
    const finish = (answer: Answer | null) => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(finish, timeoutMs, null);
    socket.on("error", () => finish(null));
    socket.on("message", (message) => {
      const answers = packet.decode(message).answers ?? [];
      const found = answers.find((answer) => answer.type === "A");
      const ttls = answers.flatMap((answer) => ("ttl" in answer && answer.ttl !== undefined ? [answer.ttl] : []));
      finish(found?.type === "A" ? { address: found.data, ttlSeconds: Math.min(...ttls) } : null);
    });
    socket.send(
      packet.encode({ type: "query", id: 1 + (process.pid % 65_000), flags: packet.RECURSION_DESIRED, questions: [{ type: "A", name }] }),
      server.port,
      server.host,
    );
  });
}
