import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { topPredictions } from "#lib/model/inference/predictions.ts";

const labels = ["apple", "banana", "cherry"];

describe("topPredictions", () => {
  test("turns logits into probabilities, best first", () => {
    const best = topPredictions(Float32Array.of(Math.log(2), Math.log(5), Math.log(3)), "logits", labels, 2);
    expect(best.map(({ label }) => label)).toEqual(["banana", "cherry"]);
    expect(best[0]!.score).toBeCloseTo(0.5, 6);
    expect(best[1]!.score).toBeCloseTo(0.3, 6);
  });

  test("leaves probabilities as they are", () => {
    expect(topPredictions(Float32Array.of(0.25, 0.5, 0.125), "probabilities", labels, 3)).toEqual([
      { label: "banana", score: 0.5 },
      { label: "apple", score: 0.25 },
      { label: "cherry", score: 0.125 },
    ]);
  });

  test("prefers the lower index among equals and gives no more than there are", () => {
    const best = topPredictions(Float32Array.of(1, 1, 1), "logits", labels, 10);
    expect(best.map(({ label }) => label)).toEqual(labels);
  });

  test("logits of any size give finite scores that sum to one", () => {
    const logit = fc.float({ min: Math.fround(-1e30), max: Math.fround(1e30), noNaN: true });
    fc.assert(
      fc.property(fc.array(logit, { minLength: 3, maxLength: 3 }), (logits) => {
        const scores = topPredictions(Float32Array.from(logits), "logits", labels, 3).map(({ score }) => score);
        expect(scores.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 9);
        expect(scores).toEqual([...scores].sort((a, b) => b - a));
      }),
    );
  });
});
