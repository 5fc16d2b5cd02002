import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { metrics, noteBasis } from "#lib/runtime/metrics.ts";

const ROOT = new URL("../../../../", import.meta.url).pathname;

/** What may stand for a label's value in the source: text, or a variable of a closed type. */
const CLOSED = new Set([
  "stage", // measure.ts: Stage
  "reason", // errors.ts: DeadLetterReason
  "step: name", // waiting-retry.ts: StepName
  'outcome: compaction.isOverridden ? "overridden" : "done"',
  "status: String(status)", // photo-server.ts: STATUS_OF_CODE
]);

test("no label takes its value from what somebody sends, but those of bases, which are bounded", () => {
  const uses = globSync("{lib,services,ops}/**/*.ts", { cwd: ROOT })
    .map((path) => readFileSync(`${ROOT}${path}`, "utf8"))
    .flatMap((text) => [...text.matchAll(/metrics\.(\w+)\s*\.(?:inc|set|observe|startTimer)\(\{([^}]*)\}/g)])
    .map(([, metric, labels]) => ({ metric, labels: labels!.trim() }));
  expect(uses.length).toBeGreaterThan(8);
  const open = uses.filter(({ labels }) => !/^\w+: "[a-z0-9-]+"$/.test(labels) && !CLOSED.has(labels));
  expect(open).toEqual([{ metric: "basisVersion", labels: "model, run" }]);
});

test("of ever new models and runs the latest bases are told, and no more than 16", async () => {
  for (let run = 0; run < 100; run++) noteBasis("model", `run-${run}`, run);
  noteBasis("model", "run-90", 200);
  const { values } = await metrics.basisVersion.get();
  expect(values.length).toBe(16);
  expect(values.find(({ labels }) => labels.run === "run-90")!.value).toBe(200);
  noteBasis("model", "another", 1);
  const runs = (await metrics.basisVersion.get()).values.map(({ labels }) => labels.run);
  expect(runs).toContain("run-90");
  expect(runs).not.toContain("run-84");
});
