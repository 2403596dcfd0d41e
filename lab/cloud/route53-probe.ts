/**
 * One look at an endpoint, as a health checker takes it: a TCP connection, then a request, then as much of the body as counts.
 * Says pass or fail in the words of GetHealthCheckStatus. Reaches loopback addresses only, and never judges a certificate.
 */
import { type IncomingMessage, request, STATUS_CODES } from "node:http";
import { connect, isIPv4, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { HealthCheckConfig } from "./route53-health.ts";

/** How long each part may take. */
export interface ProbeLimits {
  readonly connectMs: number;
  readonly tcpConnectMs: number;
  /** From the connection to the status line. */
  readonly responseMs: number;
  /** From the status line to the end of what is searched. */
  readonly bodyMs: number;
}

export const AWS_LIMITS: ProbeLimits = { connectMs: 4000, tcpConnectMs: 10_000, responseMs: 2000, bodyMs: 2000 };

const SEARCHED_BYTES = 5120;

export interface Probe {
  readonly config: HealthCheckConfig;
  readonly checkId: string;
  /** Where the name leads; undefined when it leads nowhere. */
  readonly address: string | undefined;
  /** The checker's own address. */
  readonly from: string;
  readonly limits: ProbeLimits;
  /** The lab closes. */
  readonly signal: AbortSignal;
}

export interface Verdict {
  readonly passed: boolean;
  readonly status: string;
}

export async function probe(look: Probe): Promise<Verdict> {
  const { config, address } = look;
  const resolved = config.IPAddress === undefined && address !== undefined ? `. Resolved IP: ${address}` : "";
  if (address === undefined) return failure("DNS resolution failed: no A record was found for the domain name.");
  if (!isLoopback(address)) return failure(`Connection timed out: the lab reaches loopback addresses only${resolved}`);
  let socket: Socket | undefined;
  try {
    socket = await connected(look, address);
    if (config.Type === "TCP") return { passed: true, status: `Success: TCP connection established${resolved}` };
    const response = await within(look.limits.responseMs, "Response timed out", answered(look, socket, address));
    const code = response.statusCode ?? 0;
    const status = `HTTP Status Code ${code}, ${STATUS_CODES[code] ?? "unknown"}${resolved}`;
    // A redirect counts as healthy and is not followed.
    if (code < 200 || code >= 400) return failure(status);
    if (config.SearchString !== undefined) {
      const body = await within(look.limits.bodyMs, "Response body timed out", firstBytes(response));
      if (!body.includes(config.SearchString)) return failure(`${status}. The search string was not found in the first 5120 bytes`);
    }
    return { passed: true, status: `Success: ${status}` };
  } catch (error) {
    return failure(`${(error as Error).message}${resolved}`);
  } finally {
    socket?.destroy();
  }
}

const failure = (what: string): Verdict => ({ passed: false, status: `Failure: ${what}` });

const isLoopback = (address: string) => address.startsWith("127.") || address === "::1";

async function connected({ config, from, limits, signal }: Probe, address: string): Promise<Socket> {
  const socket = connect({ host: address, port: config.Port!, ...(isIPv4(address) && from ? { localAddress: from } : {}) });
  const stop = () => socket.destroy(new Error("the lab closes"));
  signal.addEventListener("abort", stop, { once: true });
  socket.once("close", () => signal.removeEventListener("abort", stop));
  const opened = new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", (error: NodeJS.ErrnoException) => reject(new Error(connectFailure(error))));
  });
  try {
    await within(config.Type === "TCP" ? limits.tcpConnectMs : limits.connectMs, "Connection timed out", opened);
  } catch (error) {
    socket.on("error", () => {}).destroy();
    throw error;
  }
  socket.on("error", () => {});
  return socket;
}

const connectFailure = ({ code, message }: NodeJS.ErrnoException) =>
  code === "ECONNREFUSED" ? "Connection refused" : `Connection failed (${code ?? message})`;

/** The status line. Without SNI, or with an address for a name, the client_hello names no host. */
function answered({ config, checkId }: Probe, socket: Socket, address: string): Promise<IncomingMessage> {
  const secure = config.Type.startsWith("HTTPS");
  const name = config.FullyQualifiedDomainName;
  const usual = config.Port === (secure ? 443 : 80);
  return new Promise((resolve, reject) => {
    const wrapped = secure
      ? connectTls({ socket, rejectUnauthorized: false, ...(config.EnableSNI && name ? { servername: name } : {}) })
      : socket;
    const failed = (error: Error) => reject(new Error(`Connection failed while waiting for the response (${error.message})`));
    wrapped.on("error", failed);
    const path = config.ResourcePath ?? "/";
    const asked = request({
      createConnection: () => wrapped,
      method: "GET",
      path: path.startsWith("/") ? path : `/${path}`,
      headers: {
        host: usual ? (name ?? address) : `${name ?? address}:${config.Port}`,
        "user-agent": `Amazon-Route53-Health-Check-Service (ref ${checkId}; report http://amzn.to/1vsZADi)`,
        accept: "*/*",
        connection: "close",
      },
    });
    asked.once("response", resolve).once("error", failed).end();
  });
}

function firstBytes(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let body = Buffer.alloc(0);
    const done = () => resolve(body.subarray(0, SEARCHED_BYTES).toString("utf8"));
    response.on("data", (bytes: Buffer) => {
      body = Buffer.concat([body, bytes]);
      if (body.length >= SEARCHED_BYTES) done();
    });
    response.once("end", done).once("error", reject);
  });
}

async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(what)), ms);
  });
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
