/** How much memory this process took at most. */
import { existsSync, readFileSync } from "node:fs";

/** This process, as Linux tells of it. */
const STATUS = "/proc/self/status";

/** What getrusage says is its parent's where that had more: Linux hands the peak on through fork and exec. */
export function peakBytes(): number {
  const [, kib] = (existsSync(STATUS) && /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(STATUS, "utf8"))) || [];
  return Number(kib ?? process.resourceUsage().maxRSS) * 1024;
}
