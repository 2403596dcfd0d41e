/** What a promotion would lose, in words. Pure. */
import { rounded } from "./sentence.ts";

/** "7 s of writes, at most about 120 rows". Rows written after the probe's last heartbeat are nobody's to count. */
export function priceWords({ lagSeconds, rowsAtRisk }: { readonly lagSeconds: number | null; readonly rowsAtRisk: number | null }): string {
  const rows = rowsAtRisk === null ? "an unknown number of rows" : rowsAtRisk === 0 ? "no row" : `at most about ${rowsAtRisk} rows`;
  return `${rounded(lagSeconds)} s of writes, ${rows}`;
}
