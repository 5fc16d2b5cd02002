import { expect, test } from "vitest";
import { cosines } from "#ops/models/compare-models.ts";
import {
  formatReport,
  type QuantizationReport,
  summariseCosines,
  summariseSpeeds,
} from "#ops/models/quantization-report.ts";

const report: QuantizationReport = {
  model: "net-000000000000",
  int8Model: "net-int8-111111111111",
  calibrationPhotos: 200,
  evaluationPhotos: 1000,
  heldOut: true,
  cosine: { min: 0.98, mean: 0.995 },
  probeAccuracy: { fp32: 0.976, int8: 0.9735 },
  onnxBytes: { fp32: 14_000_000, int8: 3_500_000 },
  photosPerSecond: {
    endToEnd: { fp32: 200, int8: 390, ratio: 1.95 },
    inference: { fp32: 250, int8: 600, ratio: 2.4 },
  },
  machine: "a machine",
};

test("speeds are medians, and their ratio is that of each round", () => {
  const rounds = [
    [100, 200],
    [50, 150],
    [80, 90],
  ] as const;
  expect(summariseSpeeds(rounds)).toEqual({ fp32: 80, int8: 150, ratio: 2 });
});

test("cosines are those of the vectors of the same photo", () => {
  const first = [Float32Array.of(1, 0), Float32Array.of(3, 4)];
  const second = [Float32Array.of(2, 0), Float32Array.of(4, 3)];
  const both = cosines([first, second]);
  expect(both).toEqual([1, 0.96]);
  expect(summariseCosines(both)).toEqual({ min: 0.96, mean: 0.98 });
});

test("a report has every figure", () => {
  const text = formatReport(report);
  for (const figure of ["0.99500", "0.98000", "97.60 %", "97.35 %", "-0.25 points", "1.95 ×", "2.40 ×", "0.25 ×"]) {
    expect(text).toContain(figure);
  }
  expect(text).toContain("1000 other photos");
  expect(text).toContain("probe on 3/10 of these photos, fitted to the others");
});

test("a report without labelled photos has no probe", () => {
  expect(formatReport({ ...report, probeAccuracy: null, heldOut: false })).not.toContain("probe");
});
