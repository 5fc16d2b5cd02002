import { expect, test } from "vitest";
import { formatTried } from "#cli/models-command.ts";

const features = Float32Array.of(3, 4);

test("a tried photo is told by its vector's norm and the best labels, or by why it was refused", () => {
  const predictions = [
    { label: "lemon", score: 0.81249 },
    { label: "orange", score: 0.1 },
  ];
  const path = "a.jpg";
  expect(formatTried({ path, vector: { features, predictions } })).toBe("a.jpg  norm 5.00  lemon 0.812, orange 0.100");
  expect(formatTried({ path, vector: { features, predictions: null } })).toBe("a.jpg  norm 5.00");
  expect(formatTried({ path, reason: "corrupt-image", detail: "it is cut off" })).toBe(
    "a.jpg  corrupt-image: it is cut off",
  );
});
