import { existsSync, globSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Where Node keeps what it has compiled, for whoever asks. Tests start many processes of the same modules.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), "node-compile-cache");

/** Real Kafka, S3, models and processes: one file after the other, since they share two cores and one stack. */
const onStack = {
  globalSetup: ["./test/stack-setup.ts"],
  fileParallelism: false,
  testTimeout: 120_000,
  hookTimeout: 180_000,
  // kafkajs asks for a timer in the past now and then; Node takes it for 1 ms and warns.
  execArgv: ["--disable-warning=TimeoutNegativeWarning"],
};

const hasRealPhotos = existsSync(new URL("../shared/", import.meta.url));
if (!hasRealPhotos) console.warn("SKIPPED test/real-photos: no folder ../shared with photos, models and references");

/** Files with properties that `unit` tries less often than they say (test/property-runs.ts), and `embedded` in full. */
const longProperties = globSync("test/unit/**/*.test.ts", { cwd: import.meta.dirname }).filter((path) =>
  readFileSync(new URL(path, import.meta.url), "utf8").includes("property-runs.ts"),
);

export default defineConfig({
  test: {
    coverage: {
      provider: "v8",
      include: ["{lib,services,ops,analysis,demo,cli,stack}/**/*.ts"],
      exclude: ["test/**"],
      reporter: ["text-summary", "json-summary"],
    },
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 30_000,
          // Loading the same modules anew for each file would take twice as long as the tests.
          isolate: false,
          // Vitest leaves a core to itself otherwise: half of a machine with two.
          maxWorkers: "100%",
          provide: { longProperties: "in part" },
        },
      },
      {
        test: {
          // Processes, models, whole pipelines and long properties, without Kafka or S3.
          name: "embedded",
          include: ["test/embedded/**/*.test.ts", "test/fuzz/**/*.test.ts", ...longProperties],
          // After `unit`: projects that run together must have as many workers.
          sequence: { groupOrder: 1 },
          provide: { longProperties: "in full" },
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          ...onStack,
          name: "stack",
          include: [
            "test/integration/**/*.test.ts",
            "test/interop/**/*.test.ts",
            // The fault suite's short form.
            "test/faults/kills.test.ts",
            ...(hasRealPhotos ? ["test/real-photos/**/*.test.ts"] : []),
          ],
        },
      },
      {
        test: {
          ...onStack,
          // Each file has a stack of its own, with faults.
          globalSetup: [],
          name: "faults",
          include: ["test/faults/**/*.test.ts"],
          testTimeout: 300_000,
        },
      },
    ],
  },
});
