import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default", "./test/last-line.ts"],
    globalSetup: ["test/packaged.ts"],
    testTimeout: 120_000,
    hookTimeout: 90_000,
    // Two cores, and each lab runs real databases.
    maxWorkers: 2,
  },
});
