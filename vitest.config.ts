import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    reporters: ["default", "./test/last-line.ts"],
    testTimeout: 60_000,
    hookTimeout: 90_000,
    // Two cores, and each lab runs real databases.
    maxWorkers: 2,
  },
});
