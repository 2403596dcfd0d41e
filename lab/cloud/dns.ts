/**
 * The name server and the resolver of the lab's VPCs in one, over UDP and TCP on one loopback port. Answers for the hosted
 * zones and for the hosts the lab runs, follows CNAMEs inside them, and refuses every other name: nothing is asked outside.
 */
import { createSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";
import * as packet from "dns-packet";
import type { World } from "./world.ts";

export interface ZoneRecord {
  readonly Name: string;
  readonly Type: string;
  readonly TTL: number;
  readonly ResourceRecords: readonly { readonly Value: string }[];
}

/** A zone as its name server sees it: what names and types there are, and which records answer now for some of them. */
export interface ServedZone {
  readonly zone: string;
  readonly records: readonly NamedSet[];
  /** `sets` are some of `records`. */
  answersOf(sets: readonly NamedSet[]): readonly ZoneRecord[];
}

export type NamedSet = Pick<ZoneRecord, "Name" | "Type">;

/** The zone a name (lower case, final dot) falls in; undefined outside of every zone. */
export type RecordSource = (name: string) => ServedZone | undefined;

export interface DnsServer {
  readonly port: number;
  close(): Promise<void>;
}

type Rcode = "NOERROR" | "FORMERR" | "SERVFAIL" | "NXDOMAIN" | "NOTIMP" | "REFUSED";
const RCODES: readonly Rcode[] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
const HOST_TTL_S = 5;
/** AWS's own names: hosts come and go there, and one that is gone is NXDOMAIN. */
const HOSTS_ZONE = "amazonaws.com.";
const HOSTS_SOA = {
  Name: HOSTS_ZONE,
  Type: "SOA",
  TTL: HOST_TTL_S,
  ResourceRecords: [{ Value: `ns.${HOSTS_ZONE} hostmaster.${HOSTS_ZONE} 1 7200 900 1209600 ${HOST_TTL_S}` }],
};
const MAX_CHAIN = 8;
const UDP_BYTES = 512;

export async function startDns(world: World, options: { readonly records: RecordSource; readonly port?: number }): Promise<DnsServer> {
  const reply = (query: Buffer) => answer(world, options.records, query);
  const connections = new Set<Socket>();
  const tcp = createServer((socket) => {
    connections.add(socket);
    socket.on("close", () => connections.delete(socket));
    socket.on("error", () => socket.destroy());
    serveStream(socket, reply);
  });
  const { udp, port } = await bindBoth(tcp, options.port ?? 0);
  udp.on("message", (query, from) => {
    const bytes = reply(query);
    if (bytes) udp.send(bytes.length > UDP_BYTES ? truncated(bytes) : bytes, from.port, from.address);
  });
  return {
    port,
    async close() {
      for (const socket of connections) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ]);
    },
  };
}

/** UDP first, then TCP on the same number; another try with another number when TCP's is taken. */
async function bindBoth(tcp: Server, wanted: number): Promise<{ udp: ReturnType<typeof createSocket>; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const udp = createSocket("udp4");
    try {
      await new Promise<void>((resolve, reject) => {
        udp.once("error", reject);
        udp.bind(wanted, "127.0.0.1", resolve);
      });
      const { port } = udp.address();
      await new Promise<void>((resolve, reject) => {
        tcp.once("error", reject);
        tcp.listen(port, "127.0.0.1", () => {
          tcp.off("error", reject);
          resolve();
        });
      });
      udp.removeAllListeners("error").on("error", () => {});
      return { udp, port };
    } catch (error) {
      udp.close();
      if (wanted !== 0 || attempt === 5)
        throw new Error(`The lab's DNS server cannot listen on 127.0.0.1${wanted ? `:${wanted}` : ""}: ${(error as Error).message}.`, {
          cause: error,
        });
    }
  }
}

/** Over TCP each message follows its length in two bytes. */
function serveStream(socket: Socket, reply: (query: Buffer) => Buffer | undefined): void {
  let held: Buffer = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    held = Buffer.concat([held, bytes]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
      const size = held.readUInt16BE(0);
      const bytes = reply(held.subarray(2, 2 + size));
      held = held.subarray(2 + size);
      if (!bytes) continue;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(bytes.length);
      socket.write(Buffer.concat([length, bytes]));
    }
  });
}

/** Only the question, and the flag that sends the client to TCP. */
function truncated(bytes: Buffer): Buffer {
  const { id, flags = 0, questions } = packet.decode(bytes);
  return packet.encode({ type: "response", id, flags: flags | packet.TRUNCATED_RESPONSE, questions });
}

function answer(world: World, source: RecordSource, bytes: Buffer): Buffer | undefined {
  let query: packet.DecodedPacket;
  try {
    query = packet.decode(bytes);
  } catch {
    return undefined;
  }
  const question = query.questions?.[0];
  if (query.type !== "query" || !question) return undefined;
  const found = resolve(world, source, question.name, question.type);
  const flags =
    packet.AUTHORITATIVE_ANSWER |
    packet.RECURSION_AVAILABLE |
    ((query.flags ?? 0) & packet.RECURSION_DESIRED) |
    RCODES.indexOf(found.rcode);
  return packet.encode({
    type: "response",
    id: query.id,
    flags,
    questions: [question],
    answers: found.answers,
    authorities: found.authorities,
  });
}

interface Resolved {
  readonly rcode: Rcode;
  readonly answers: packet.Answer[];
  readonly authorities?: packet.Answer[];
}

/** Follows CNAMEs while their targets are known here; a chain that leaves the lab ends with its last CNAME. */
function resolve(world: World, source: RecordSource, asked: string, type: string): Resolved {
  const answers: packet.Answer[] = [];
  let shown = asked;
  for (let hop = 0; hop < MAX_CHAIN; hop++) {
    const name = `${shown.toLowerCase().replace(/\.$/, "")}.`;
    const area = areaOf(world, source, name);
    if (!area) return { rcode: hop === 0 ? "REFUSED" : "NOERROR", answers };
    const soa = area.answersOf(area.records.filter(({ Type }) => Type === "SOA")).flatMap((record) => toAnswers(record, record.Name));
    const own = recordsAt(area, name);
    if (own.length === 0) return { rcode: "NXDOMAIN", answers, authorities: soa };
    const wanted = area.answersOf(own.filter((set) => type === "ANY" || set.Type === type));
    const [cname] = wanted.length > 0 ? [] : area.answersOf(own.filter((set) => set.Type === "CNAME"));
    for (const record of cname ? [cname] : wanted) answers.push(...toAnswers(record, shown));
    if (wanted.length > 0) return { rcode: "NOERROR", answers };
    if (!cname) return { rcode: "NOERROR", answers, authorities: soa };
    shown = cname.ResourceRecords[0]!.Value.replace(/\.$/, "");
  }
  return { rcode: "SERVFAIL", answers: [] };
}

/** The first IPv4 address a name leads to, as the lab's own resolver gives it; undefined where there is none. */
export function addressOf(world: World, source: RecordSource, name: string): string | undefined {
  const found = resolve(world, source, name, "A").answers.find((answer) => answer.type === "A");
  return found && String((found as packet.StringAnswer).data);
}

/** The hosted zone of a name, or the lab's own hosts. */
function areaOf(world: World, source: RecordSource, name: string): ServedZone | undefined {
  const addresses = world.state<Record<string, string>>("hosts", () => ({}))[name.slice(0, -1)]?.split(" ") ?? [];
  // A name with several hosts behind it (a cluster's readers) gives one at a time, in turn.
  const address = addresses[Math.floor(world.now() / 1000) % Math.max(1, addresses.length)];
  const host = address === undefined ? [] : [{ Name: name, Type: "A", TTL: HOST_TTL_S, ResourceRecords: [{ Value: address }] }];
  if (host.length === 0) {
    const hosted = source(name);
    if (hosted) return hosted;
    if (!name.endsWith(`.${HOSTS_ZONE}`)) return undefined;
  }
  return { zone: HOSTS_ZONE, records: [HOSTS_SOA, ...host], answersOf: (sets) => sets as readonly ZoneRecord[] };
}

/** The records of a name, or of the wildcard that covers it. A name with only names below it exists, but has none. */
function recordsAt({ zone, records }: ServedZone, name: string): readonly NamedSet[] {
  const own = records.filter((record) => record.Name === name);
  if (own.length > 0) return own;
  if (records.some((record) => record.Name.endsWith(`.${name}`))) return [{ Name: name, Type: "none" }];
  for (let parent = name.slice(name.indexOf(".") + 1); parent.endsWith(zone); parent = parent.slice(parent.indexOf(".") + 1)) {
    const wild = records.filter((record) => record.Name === `\\052.${parent}`);
    if (wild.length > 0) return wild;
    if (parent === zone || records.some((record) => record.Name === parent)) return [];
  }
  return [];
}

function toAnswers(record: ZoneRecord, name: string): packet.Answer[] {
  const base = { name: name.replace(/\.$/, ""), ttl: record.TTL, class: "IN" as const };
  return record.ResourceRecords.map(({ Value }): packet.Answer => {
    switch (record.Type) {
      case "TXT":
        return { ...base, type: "TXT", data: [...Value.matchAll(/"([^"]*)"/g)].map(([, text]) => text!) };
      case "SOA": {
        const [mname = "", rname = "", ...numbers] = Value.split(/\s+/);
        const [serial, refresh, retry, expire, minimum] = numbers.map(Number);
        return {
          ...base,
          type: "SOA",
          data: { mname: mname.replace(/\.$/, ""), rname: rname.replace(/\.$/, ""), serial, refresh, retry, expire, minimum },
        };
      }
      case "A":
      case "AAAA":
        return { ...base, type: record.Type, data: Value };
      default:
        return { ...base, type: record.Type as "CNAME" | "NS" | "PTR", data: Value.replace(/\.$/, "") };
    }
  });
}
