/** The way into another provider: its credentials and the master key from the recovery region's Secrets Manager. */
import { readOffsiteSecret } from "../aws/secrets.ts";
import type { ProviderPlan } from "../core/plan/provider.ts";
import { Store } from "../offsite/store.ts";
import type { Settings } from "./settings.ts";

/** In one run: longer troubles are waited for without a function that runs. */
const PATIENCE_MS = 15_000;

export interface Entered {
  readonly store: Store;
  readonly masterKey: Buffer;
}

/** Whoever enters closes the store. */
export async function enterProvider({ region: where }: Settings, plan: ProviderPlan): Promise<Entered> {
  const { secret, endpoint, region, bucket, prefix = "" } = plan;
  const { accessKeyId, secretAccessKey, masterKey } = await readOffsiteSecret(where, secret);
  const credentials = { accessKeyId, secretAccessKey };
  const store = new Store({ endpoint, region, bucket, prefix, credentials, patienceMs: PATIENCE_MS });
  return { store, masterKey: Buffer.from(masterKey, "hex") };
}

/** What is left of an invocation when its run hands over: to finish what is on its way. */
export const HAND_OVER_MS = 90_000;
/** After a run that met trouble. */
export const WAIT_MINUTES = 10;
