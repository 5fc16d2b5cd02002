import { availableParallelism, cpus } from "node:os";
import type { RoundSpeeds } from "./compare-models.ts";

/** What became of a model's quantisation, as written beside the int8 model. */
export interface QuantizationReport {
  readonly model: string;
  readonly int8Model: string;
  readonly calibrationPhotos: number;
  readonly evaluationPhotos: number;
  /** Whether the evaluation photos are others than the calibration photos. */
  readonly heldOut: boolean;
  /** Of the int8 model's vectors to the fp32 model's. */
  readonly cosine: { readonly min: number; readonly mean: number };
  /** On three tenths of the evaluation photos, fitted to the others; null without labels. */
  readonly probeAccuracy: Pair | null;
  readonly onnxBytes: Pair;
  readonly photosPerSecond: { readonly endToEnd: Speeds; readonly inference: Speeds };
  readonly machine: string;
}

interface Pair {
  readonly fp32: number;
  readonly int8: number;
}

/** Medians over the rounds; the ratio is the median of each round's ratio. */
interface Speeds extends Pair {
  readonly ratio: number;
}

export function summariseSpeeds(rounds: RoundSpeeds): Speeds {
  return {
    fp32: median(rounds.map(([fp32]) => fp32)),
    int8: median(rounds.map(([, int8]) => int8)),
    ratio: median(rounds.map(([fp32, int8]) => int8 / fp32)),
  };
}

export function summariseCosines(cosines: readonly number[]): QuantizationReport["cosine"] {
  return { min: Math.min(...cosines), mean: cosines.reduce((sum, value) => sum + value, 0) / cosines.length };
}

export function describeMachine(): string {
  return `${cpus()[0]?.model.trim() ?? "unknown processor"}, ${availableParallelism()} threads`;
}

/** The report as Markdown. */
export function formatReport(report: QuantizationReport): string {
  const { cosine, probeAccuracy, onnxBytes, photosPerSecond } = report;
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  const perSecond = (speeds: Speeds, what: string) =>
    `| ${what} | ${speeds.fp32.toFixed(0)}/s | ${speeds.int8.toFixed(0)}/s | ${speeds.ratio.toFixed(2)} × |`;
  const probe = probeAccuracy && [
    `| accuracy of a linear probe on 3/10 of these photos, fitted to the others | ${percent(probeAccuracy.fp32)} | ${percent(probeAccuracy.int8)} |` +
      ` ${(100 * (probeAccuracy.int8 - probeAccuracy.fp32)).toFixed(2)} points |`,
  ];
  return `${[
    `# ${report.int8Model}`,
    "",
    `Static int8 quantisation of ${report.model}: weights per channel, activations uint8 per tensor, ranges from`,
    `${report.calibrationPhotos} photos. Measured on ${report.evaluationPhotos} ${report.heldOut ? "other" : "of the same"} photos.`,
    "",
    "| | fp32 | int8 | |",
    "| --- | ---: | ---: | ---: |",
    `| cosine of the features, mean | | ${cosine.mean.toFixed(5)} | |`,
    `| cosine of the features, lowest | | ${cosine.min.toFixed(5)} | |`,
    ...(probe ?? []),
    perSecond(photosPerSecond.endToEnd, "photos, from bytes to vector"),
    perSecond(photosPerSecond.inference, "photos, from pixels to vector"),
    `| ONNX file | ${onnxBytes.fp32} bytes | ${onnxBytes.int8} bytes | ${(onnxBytes.int8 / onnxBytes.fp32).toFixed(2)} × |`,
    "",
    `Speeds are medians of interleaved rounds on ${report.machine}.`,
  ].join("\n")}\n`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
