import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/order.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default", "./test/last-line.ts"],
    globalSetup: ["test/packaged.ts"],
    testTimeout: 120_000,
    hookTimeout: 90_000,
    // The labs wait more than they work: five share two cores well, when those that wait longest begin.
    maxWorkers: 5,
    sequence: { sequencer: LongestFirst },
  },
});
