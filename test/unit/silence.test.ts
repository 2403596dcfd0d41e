/** What a fence's proof rests on: silence is known soon, and a slow server is not taken for it. */
import { once } from "node:events";
import net from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { engineOf, refusedWrite } from "../../databases/engines.ts";
import { unlessUnheard } from "../../databases/silence.ts";

/** A server that does this with each connection. */
async function server(serve: (socket: net.Socket) => void): Promise<number> {
  const sockets = new Set<net.Socket>();
  const listening = net.createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    serve(socket);
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    listening.close();
  });
  listening.listen(0, "127.0.0.1");
  await once(listening, "listening");
  return (listening.address() as net.AddressInfo).port;
}

const target = (port: number) => ({ host: "127.0.0.1", port, database: "shop", username: "shopkeeper", password: "x" });
const LONG_MS = 60_000;

test.each(["postgres", "mariadb"] as const)(
  "packets to a fenced %s get lost: the write is refused without all the patience (S3)",
  async (engine) => {
    const port = await server(() => {});
    expect(await refusedWrite(engineOf(engine), target(port), "fence", LONG_MS, 50)).toBe("nobody answers within 50 ms");
  },
);

test.each(["postgres", "mariadb"] as const)(
  "%s says a first byte and no more: it is not called silent, and gets all the patience (S3)",
  async (engine) => {
    let heard = 0;
    const port = await server((socket) => {
      heard++;
      // The first byte of either engine's first word, and then nothing.
      socket.write(engine === "postgres" ? "N" : "J");
    });
    const early = "nobody answers";
    const refusal = await refusedWrite(engineOf(engine), target(port), "fence", 600, 200);
    expect(heard).toBeGreaterThan(0);
    expect(refusal).not.toContain(early);
  },
);

test("this process stands still while the first word arrives: that is not silence of the other end", async () => {
  const port = await server((socket) => void socket.write("ab"));
  const socket = net.connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  const said = once(socket, "data").then(([piece]) => String(piece));
  const heard = unlessUnheard(said, socket, 200);
  const untilMs = performance.now() + 400;
  while (performance.now() < untilMs);
  expect(await heard).toBe("ab");
});

test("a server whose first word comes in time may take as long as it likes for the rest", async () => {
  const port = await server((socket) => {
    socket.write("a");
    setTimeout(() => socket.write("b"), 300);
  });
  const socket = net.connect(port, "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  const all = new Promise<string>((resolve) => {
    let said = "";
    socket.on("data", (piece) => {
      said += piece.toString();
      if (said.length === 2) resolve(said);
    });
  });
  expect(await unlessUnheard(all, socket, 200)).toBe("ab");
});
