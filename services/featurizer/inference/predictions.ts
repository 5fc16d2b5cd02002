import type { Prediction } from "../../../lib/contract/messages.ts";
import type { ScoreKind } from "../../../lib/model/manifest.ts";

/**
 * The best `topK` classes, best first, of equal ones the lower index first. Scores are probabilities: logits go
 * through a softmax over all classes, in float64.
 *
 * @param values one per label.
 */
export function topPredictions(
  values: Float32Array,
  kind: ScoreKind,
  labels: readonly string[],
  topK: number,
): Prediction[] {
  const scores = kind === "logits" ? softmax(values) : Float64Array.from(values);
  const best = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
  return best.slice(0, topK).map((index) => ({ label: labels[index]!, score: scores[index]! }));
}

/** Shifted by the largest logit, so that no exponential overflows. */
function softmax(logits: Float32Array): Float64Array {
  const peak = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const exponentials = Float64Array.from(logits, (logit) => Math.exp(logit - peak));
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((value) => value / sum);
}
