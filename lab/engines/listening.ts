/** Where a cluster listens: a free port for its clients, and a socket for the lab itself. */
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { databaseUser } from "./folders.ts";

let socketFolder: string | undefined;

/** One private folder a process for the lab's own connections: short, because a socket's path is limited to 107 bytes. */
export function sockets(): string {
  if (socketFolder) return socketFolder;
  const dir = mkdtempSync(path.join(os.tmpdir(), "us-"));
  const user = databaseUser();
  if (user) chownSync(dir, user.uid, user.gid);
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  socketFolder = dir;
  return dir;
}

/** A port of 127.0.0.1 nobody listens on at this moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
