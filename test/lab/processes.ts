/** The processes of deployed functions, which are this one's children. */
import { readdirSync, readFileSync } from "node:fs";

/** As a host that fails does, in the middle of whatever they do; how many there were. */
export function killProcessesOf(name: string): number {
  const pids = readdirSync("/proc").filter((each) => {
    try {
      if (!/^\d+$/.test(each) || Number(readFileSync(`/proc/${each}/stat`, "utf8").split(") ").at(-1)?.split(" ")[1]) !== process.pid)
        return false;
      return readFileSync(`/proc/${each}/environ`, "utf8").split("\0").includes(`AWS_LAMBDA_FUNCTION_NAME=${name}`);
    } catch {
      return false;
    }
  });
  for (const pid of pids) process.kill(Number(pid), "SIGKILL");
  return pids.length;
}
