/** The command as people run it: a process of its own, with a user's credentials. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { userKeyFor } from "../../lab/cloud/iam.ts";
import type { Shop } from "./shop.ts";

const ROOT = join(import.meta.dirname, "..", "..");

export interface Said {
  readonly code: number;
  readonly said: string;
}

/** `plan`: its file, as it is given on the command line; `user`: in whose name. */
export const commandOf =
  (plan: string) =>
  async (shop: Shop, user: string, ...args: string[]): Promise<Said> => {
    const { accessKeyId, secretAccessKey } = userKeyFor(shop.lab.world, user);
    const env = {
      ...process.env,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_ENDPOINT_URL: shop.lab.wire.url,
    };
    const words = [join(ROOT, "cli", "understudy.ts"), ...args, "--plan", plan];
    return await new Promise((resolve) =>
      execFile(process.execPath, words, { cwd: ROOT, env }, (error, out, err) =>
        resolve({ code: error ? Number(error.code) : 0, said: `${out}${err}` }),
      ),
    );
  };
