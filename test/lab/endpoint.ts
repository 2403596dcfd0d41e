/**
 * An endpoint for health checkers: answers as the test tells it to, and remembers who asked for what.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createSecureServer, type ServerOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { closing } from "./on-the-wire.ts";

export interface Asked {
  readonly from: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
}

export interface Endpoint {
  readonly port: number;
  readonly asked: Asked[];
  /** From now on. */
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  close(): Promise<void>;
}

export const status =
  (code: number, body = "") =>
  (_: IncomingMessage, response: ServerResponse) => {
    response.writeHead(code).end(body);
  };

/** On 127.0.0.1; over TLS with `secure`. Closed after the test. */
export async function endpoint(answer: Endpoint["answer"] = status(200), secure?: ServerOptions): Promise<Endpoint> {
  const asked: Asked[] = [];
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    asked.push({ from: request.socket.remoteAddress ?? "", path: request.url ?? "", headers: request.headers });
    made.answer(request, response);
  };
  const server = secure ? createSecureServer(secure, handle) : createServer(handle);
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const made: Endpoint = {
    port: (server.address() as AddressInfo).port,
    asked,
    answer,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return closing(made);
}
