/**
 * Rows pass through and are never kept. V8 lets the room for what is short-lived grow to a hundred MiB and more where there is so much of it;
 * a function pays for memory by the second, and nothing is gained by it.
 */
import { setFlagsFromString } from "node:v8";

/** Of this process, from now on. */
export const keepHeapSmall = (): void => setFlagsFromString("--semi-space-growth-factor=1");
