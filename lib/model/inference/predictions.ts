import type { Prediction } from "#lib/messages/messages.ts";
import type { ScoreKind } from "../manifest.ts";

/**
 * The best `topK` classes, best first, of equal ones the lower index first. Scores are probabilities: logits go
 * through a softmax over all classes, in float64.
 *
 * O(classes) for few of the best, where sorting all classes took a thirtieth of the whole inference.
 *
 * @param values one per label.
 */
export function topPredictions(
  values: Float32Array,
  kind: ScoreKind,
  labels: readonly string[],
  topK: number,
): Prediction[] {
  const scores = kind === "logits" ? softmax(values) : new Float64Array(values);
  return largest(scores, topK).map((index) => ({ label: labels[index]!, score: scores[index]! }));
}

/** Shifted by the largest logit, so that no exponential overflows. */
function softmax(logits: Float32Array): Float64Array {
  let peak = -Infinity;
  for (const logit of logits) peak = Math.max(peak, logit);
  const exponentials = new Float64Array(logits.length);
  let sum = 0;
  for (let index = 0; index < logits.length; index++) {
    exponentials[index] = Math.exp(logits[index]! - peak);
    sum += exponentials[index]!;
  }
  return exponentials.map((value) => value / sum);
}

/** Indices of the `count` largest scores, in descending order: an insertion into a short sorted list. */
function largest(scores: Float64Array, count: number): number[] {
  const best: number[] = [];
  for (let index = 0; index < scores.length; index++) {
    const score = scores[index]!;
    if (best.length === count && !(score > scores[best[count - 1]!]!)) continue;
    const place = best.findIndex((other) => score > scores[other]!);
    best.splice(place < 0 ? best.length : place, 0, index);
    if (best.length > count) best.pop();
  }
  return best;
}
