import { expect, test } from "vitest";
import { parseMetrics } from "#bench/measure/prometheus.ts";

const TEXT = `# HELP photos_total Photos.
# TYPE photos_total counter
photos_total 12
cpu_seconds_total{stage="resize",thread="1"} 0.5
cpu_seconds_total{stage="resize",thread="2"} 0.25
cpu_seconds_total{stage="infer",thread="1"} 4e-3
`;

test("series are summed over the labels that are not asked for", () => {
  const metrics = parseMetrics(TEXT);
  expect(metrics.sum("photos_total")).toBe(12);
  expect(metrics.sum("cpu_seconds_total", { stage: "resize" })).toBeCloseTo(0.75, 12);
  expect(metrics.sum("cpu_seconds_total", { stage: "infer" })).toBeCloseTo(0.004, 12);
});

test("what is not there counts as 0", () => {
  expect(parseMetrics(TEXT).sum("photos")).toBe(0);
  expect(parseMetrics(TEXT).sum("cpu_seconds_total", { stage: "res" })).toBe(0);
});
