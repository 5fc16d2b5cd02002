import { expect, test } from "vitest";
import { describeVector } from "#ops/models/try-photos.ts";

const features = Float32Array.of(3, 4);

test("a vector is told by its norm and the best labels", () => {
  const predictions = [
    { label: "lemon", score: 0.81249 },
    { label: "orange", score: 0.1 },
  ];
  expect(describeVector({ features, predictions })).toBe("norm 5.00  lemon 0.812, orange 0.100");
  expect(describeVector({ features, predictions: null })).toBe("norm 5.00");
});
