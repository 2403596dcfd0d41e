/**
 * The network interface of a function's process, preloaded with --import: connections to the lab's network leave from the loopback
 * address in LAB_SOURCE, so that the network can tell one function from another. Connections elsewhere are left alone, and so is
 * everything without LAB_SOURCE.
 */
import net, { isIP } from "node:net";

const source = process.env.LAB_SOURCE;
const named = Boolean(process.env.LAB_DNS);

/** Loopback addresses, and names: with a DNS server of the lab's they lead to such addresses. */
function inside({ host, path, localAddress }) {
  if (path || localAddress || !host) return false;
  return isIP(host) ? host.startsWith("127.") : named && host !== "localhost" && !host.endsWith(".localhost");
}

if (source) {
  const { connect } = net.Socket.prototype;
  net.Socket.prototype.connect = function connectFrom(...given) {
    const [first, second] = given;
    // net.connect hands its arguments on as one array; its first member is the options.
    if (Array.isArray(first)) {
      if (inside(first[0])) first[0] = { ...first[0], localAddress: source };
    } else if (first !== null && typeof first === "object") {
      if (inside(first)) given[0] = { ...first, localAddress: source };
    } else if (typeof second === "string" && inside({ host: second })) {
      given.splice(0, 2, { port: Number(first), host: second, localAddress: source });
    }
    return connect.apply(this, given);
  };
}
