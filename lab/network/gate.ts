/**
 * The network in front of one database: a TCP proxy that admits, drops and cuts traffic as a VPC does. It moves bytes and reads none;
 * a stage that does can be put between clients and the server.
 *
 * - Not admitted: the client's packets go nowhere. It is never answered and never refused; it times out.
 * - Admitted with nothing listening behind: refused at once, because the host is up.
 * - Partitioned: nothing passes in either direction, on old connections and new ones. When it heals, what was under way arrives
 *   (TCP sends again), unless an end has given up meanwhile. A partition may be from one client address alone.
 * - Slow: what the server sends takes longer.
 */
import net from "node:net";
import { type Duplex, Transform } from "node:stream";

export interface GateOptions {
  address: string;
  /** 0 takes a free one. */
  port: number;
  /** The port of 127.0.0.1 behind the gate at this moment; undefined when nothing listens. */
  target: () => number | undefined;
  /** Asked once for each new connection, with the client's address. */
  admits?: (from: string) => boolean;
}

export interface Gate {
  readonly address: string;
  readonly port: number;
  readonly partitioned: boolean;
  /** Connections that pass or have passed bytes, not the dropped ones. */
  readonly connections: number;
  /** From every client, or from one address. */
  partition(on: boolean, from?: string): void;
  /** Everything the server sends arrives this much later; 0 ends it. */
  slow(ms: number): void;
  /** Puts a stage of its own on each session's way to the server, or takes it away. Standing connections are cut: none passes it by. */
  rewrite(stage: (() => Duplex) | undefined): void;
  close(): Promise<void>;
}

interface Pair {
  client: net.Socket;
  server: net.Socket;
  /** Stages between the two, there when something was asked of them. */
  requests?: Duplex;
  answers?: Duplex;
  held: boolean;
  /** The client's address; a socket forgets it when it closes. */
  from: string;
  /** One end broke while the network was partitioned: the other learns of it when the network is whole again. */
  broken: boolean;
}

/** Listens at address:port. Rejects with the system's error when that cannot be had. */
export async function openGate(options: GateOptions): Promise<Gate> {
  const { address, target, admits = () => true } = options;
  const waiting = new Set<net.Socket>();
  const pairs = new Set<Pair>();
  /** Every client's socket that is not closed, whatever became of its pair. */
  const clients = new Set<net.Socket>();
  let closed = false;
  let partitioned = false;
  const cutOff = new Set<string>();
  let slowMs = 0;
  let stage: (() => Duplex) | undefined;
  const isCut = (from: string): boolean => partitioned || cutOff.has(from);

  const join = (pair: Pair): void => {
    pair.held = false;
    const { client, server, requests, answers } = pair;
    if (requests) client.pipe(requests).pipe(server);
    else client.pipe(server);
    if (answers) server.pipe(answers).pipe(client);
    else server.pipe(client);
  };
  const part = (pair: Pair): void => {
    pair.held = true;
    for (const end of [pair.client, pair.server, pair.requests, pair.answers]) end?.unpipe().pause();
  };

  const reset = (pair: Pair): void => {
    pairs.delete(pair);
    pair.client.resetAndDestroy();
    pair.server.resetAndDestroy();
    pair.requests?.destroy();
    pair.answers?.destroy();
  };

  /** Late by what is asked now; sends in order. */
  const lateness = (): Duplex =>
    new Transform({
      transform(chunk, _encoding, done) {
        if (slowMs === 0) done(null, chunk);
        else setTimeout(() => done(null, chunk), slowMs).unref();
      },
    });

  const connect = (client: net.Socket): void => {
    const port = target();
    if (port === undefined) {
      client.resetAndDestroy();
      return;
    }
    const server = net.connect({ host: "127.0.0.1", port, localAddress: "127.0.0.1", allowHalfOpen: true });
    const pair: Pair = { client, server, broken: false, held: false, from: client.remoteAddress ?? "" };
    if (stage) pair.requests = stage();
    if (slowMs > 0) pair.answers = lateness();
    pairs.add(pair);
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on("error", () => {
        pair.broken = true;
        if (!pair.held) reset(pair);
      });
      socket.on("close", () => {
        if (pair.held) return;
        pairs.delete(pair);
        // What is still on its way in a stage arrives before the end does.
        const onward = socket === client ? (pair.requests ?? server) : (pair.answers ?? client);
        if (!onward.writableEnded) onward.end();
      });
    }
    if (isCut(pair.from)) part(pair);
    else join(pair);
  };

  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    // An end that is gone is noticed by the next byte; nobody listens for errors on sockets that lead nowhere.
    client.on("error", () => {});
    clients.add(client);
    client.once("close", () => clients.delete(client));
    if (closed) {
      client.resetAndDestroy();
    } else if (!admits(client.remoteAddress ?? "")) {
      client.on("end", () => client.destroy());
      client.resume();
    } else if (isCut(client.remoteAddress ?? "")) {
      waiting.add(client);
      client.on("close", () => waiting.delete(client));
    } else connect(client);
  });

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, address, resolve);
  });
  // A listening socket that fails to accept one connection (too many open files) goes on listening.
  server.on("error", () => {});

  return {
    address,
    port: (server.address() as net.AddressInfo).port,
    get partitioned() {
      return partitioned;
    },
    get connections() {
      return pairs.size;
    },
    partition(on, from) {
      if (from === undefined) partitioned = on;
      else if (on) cutOff.add(from);
      else cutOff.delete(from);
      for (const pair of [...pairs]) {
        const cut = isCut(pair.from);
        if (cut === pair.held) continue;
        if (cut) part(pair);
        else if (pair.broken || pair.client.destroyed || pair.server.destroyed) reset(pair);
        else join(pair);
      }
      for (const client of [...waiting]) {
        if (isCut(client.remoteAddress ?? "")) continue;
        waiting.delete(client);
        connect(client);
      }
    },
    slow(ms) {
      slowMs = ms;
      for (const pair of ms > 0 ? pairs : []) {
        if (pair.answers) continue;
        const { held } = pair;
        if (!held) part(pair);
        pair.answers = lateness();
        if (!held) join(pair);
      }
    },
    rewrite(wanted) {
      stage = wanted;
      for (const pair of [...pairs]) reset(pair);
    },
    close() {
      closed = true;
      for (const { server: behind } of pairs) behind.destroy();
      for (const client of clients) client.resetAndDestroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
