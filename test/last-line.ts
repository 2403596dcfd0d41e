/** The plain last line of a test run: "N passed, N failed", the checks before the tests included. */
import type { Reporter, TestModule } from "vitest/node";

export default class LastLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const [checksPassed = 0, checksFailed = 0] = (process.env.UNDERSTUDY_CHECKS ?? "0,0").split(",").map(Number);
    const count = { passed: checksPassed, failed: checksFailed + errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state]++;
      if (module.errors().length > 0) count.failed++;
    }
    // After vitest's own summary, which is printed in this same turn.
    process.on("exit", () =>
      console.log(`\n${count.passed} passed, ${count.failed} failed${count.skipped > 0 ? `, ${count.skipped} skipped` : ""}`),
    );
  }
}
