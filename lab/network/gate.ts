/**
 * The network in front of one database: a TCP proxy that admits, drops and cuts traffic as a VPC does. It moves bytes and reads none.
 *
 * - Not admitted: the client's packets go nowhere. It is never answered and never refused; it times out.
 * - Admitted with nothing listening behind: refused at once, because the host is up.
 * - Partitioned: nothing passes in either direction, on old connections and new ones. When it heals, what was under way arrives
 *   (TCP sends again), unless an end has given up meanwhile.
 */
import net from "node:net";

export interface GateOptions {
  address: string;
  /** 0 takes a free one. */
  port: number;
  /** The port of 127.0.0.1 behind the gate at this moment; undefined when nothing listens. */
  target: () => number | undefined;
  /** Asked once for each new connection. */
  admits?: () => boolean;
}

export interface Gate {
  readonly address: string;
  readonly port: number;
  readonly partitioned: boolean;
  /** Connections that pass or have passed bytes, not the dropped ones. */
  readonly connections: number;
  partition(on: boolean): void;
  close(): Promise<void>;
}

interface Pair {
  client: net.Socket;
  server: net.Socket;
  /** One end broke while the network was partitioned: the other learns of it when the network is whole again. */
  broken: boolean;
}

/** Listens at address:port. Rejects with the system's error when that cannot be had. */
export async function openGate(options: GateOptions): Promise<Gate> {
  const { address, target, admits = () => true } = options;
  const dropped = new Set<net.Socket>();
  const waiting = new Set<net.Socket>();
  const pairs = new Set<Pair>();
  let partitioned = false;

  const join = ({ client, server }: Pair): void => {
    client.pipe(server);
    server.pipe(client);
  };
  const part = ({ client, server }: Pair): void => {
    client.unpipe(server);
    server.unpipe(client);
    client.pause();
    server.pause();
  };

  const reset = (pair: Pair): void => {
    pairs.delete(pair);
    pair.client.resetAndDestroy();
    pair.server.resetAndDestroy();
  };

  const connect = (client: net.Socket): void => {
    const port = target();
    if (port === undefined) {
      client.resetAndDestroy();
      return;
    }
    const server = net.connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    const pair: Pair = { client, server, broken: false };
    pairs.add(pair);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      socket.setNoDelay(true);
      socket.on("error", () => {
        pair.broken = true;
        if (!partitioned) reset(pair);
      });
      socket.on("close", () => {
        if (partitioned) return;
        pairs.delete(pair);
        if (!other.writableEnded) other.end();
      });
    }
    if (!partitioned) join(pair);
  };

  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    // An end that is gone is noticed by the next byte; nobody listens for errors on sockets that lead nowhere.
    client.on("error", () => {});
    if (!admits()) {
      dropped.add(client);
      client.on("end", () => client.destroy());
      client.on("close", () => dropped.delete(client));
      client.resume();
    } else if (partitioned) {
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
    partition(on) {
      if (on === partitioned) return;
      partitioned = on;
      for (const pair of [...pairs]) {
        if (on) part(pair);
        else if (pair.broken || pair.client.destroyed || pair.server.destroyed) reset(pair);
        else join(pair);
      }
      if (on) return;
      for (const client of waiting) connect(client);
      waiting.clear();
    },
    close() {
      for (const { client, server: behind } of pairs) {
        client.resetAndDestroy();
        behind.destroy();
      }
      for (const client of [...dropped, ...waiting]) client.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
