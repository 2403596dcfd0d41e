/**
 * The resolver of the lab's network, preloaded with --import: host names are looked up at the DNS server in LAB_DNS (host:port),
 * by dns.lookup and so by net, http and pg; who asks a name server of a zone by its address gets there too. Leaves localhost and IP literals alone; does nothing without LAB_DNS.
 */
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import { isIP } from "node:net";

const server = process.env.LAB_DNS;
/** A name server's port is always 53; the lab's is another. */
const atItsPort = (address) => (address === "127.0.0.1" ? server : address);
const local = (name) => !name || isIP(name) !== 0 || name === "localhost" || name.endsWith(".localhost");

async function addressesOf(name, family) {
  const resolver = new dns.promises.Resolver({ timeout: 1000, tries: 2 });
  resolver.setServers([server]);
  const failures = [];
  const ask = async (method, kind) => {
    try {
      return (await resolver[method](name)).map((address) => ({ address, family: kind }));
    } catch (error) {
      failures.push(error);
      return [];
    }
  };
  const found = family === 6 ? [] : await ask("resolve4", 4);
  if (found.length === 0 && family !== 4) found.push(...(await ask("resolve6", 6)));
  if (found.length > 0) return found;
  const unknown = failures.every((error) => error.code === "ENOTFOUND" || error.code === "ENODATA");
  const code = unknown ? "ENOTFOUND" : "EAI_AGAIN";
  throw Object.assign(new Error(`getaddrinfo ${code} ${name}`), {
    code,
    errno: unknown ? -3008 : -3001,
    syscall: "getaddrinfo",
    hostname: name,
  });
}

function wantedOf(options) {
  const given = typeof options === "number" || typeof options === "string" ? { family: options } : (options ?? {});
  const family = given.family === "IPv4" ? 4 : given.family === "IPv6" ? 6 : Number(given.family ?? 0);
  return { family, all: given.all === true };
}

if (server) {
  const system = { lookup: dns.lookup, promise: dns.promises.lookup };
  dns.lookup = function lookup(name, options, callback) {
    const done = typeof options === "function" ? options : callback;
    if (local(name)) return system.lookup(name, options, callback);
    const { family, all } = wantedOf(typeof options === "function" ? undefined : options);
    addressesOf(name, family).then(
      (found) => (all ? done(null, found) : done(null, found[0].address, found[0].family)),
      (error) => done(error),
    );
    return {};
  };
  dns.promises.lookup = async function lookup(name, options) {
    if (local(name)) return system.promise(name, options);
    const { family, all } = wantedOf(options);
    const found = await addressesOf(name, family);
    return all ? found : found[0];
  };
  for (const { prototype } of [dns.Resolver, dns.promises.Resolver]) {
    const { setServers } = prototype;
    prototype.setServers = function (servers) {
      return setServers.call(this, servers.map(atItsPort));
    };
  }
  dns.setServers([server]);
  dns.promises.setServers([server]);
  syncBuiltinESMExports();
}
