import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 30_000,
        },
      },
      {
        // Real Kafka, S3, models and processes: one file after the other, since they share two cores and one stack.
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts", "test/interop/**/*.test.ts"],
          globalSetup: ["./test/stack-setup.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
