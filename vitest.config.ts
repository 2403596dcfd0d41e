import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default", "./test/last-line.ts"],
    globalSetup: ["test/packaged.ts"],
    testTimeout: 120_000,
    hookTimeout: 90_000,
    // The labs wait more than they work: three share two cores well.
    maxWorkers: 3,
  },
});
