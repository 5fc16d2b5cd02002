import { expect, test } from "vitest";
import { joinVectors } from "#lib/table/join-vectors.ts";

const memory = Float32Array.of(0, 1, 2, 3, 4, 5, 6);

test("vectors that lie one after the other are not copied", () => {
  const joined = joinVectors([memory.subarray(1, 3), memory.subarray(3, 3), memory.subarray(3, 6)]);

  expect([...joined]).toEqual([1, 2, 3, 4, 5]);
  expect(joined.buffer).toBe(memory.buffer);
});

test.each([
  ["in another order", [memory.subarray(3, 5), memory.subarray(1, 3)], [3, 4, 1, 2]],
  ["with a gap", [memory.subarray(1, 2), memory.subarray(3, 4)], [1, 3]],
  ["twice", [memory.subarray(1, 3), memory.subarray(1, 3)], [1, 2, 1, 2]],
  ["of different memory", [Float32Array.of(7), memory.subarray(1, 2)], [7, 1]],
])("vectors %s are copied in the order given", (_, vectors, values) => {
  const joined = joinVectors(vectors);

  expect([...joined]).toEqual(values);
  expect(joined.buffer).not.toBe(memory.buffer);
});

test("no vectors make an empty array", () => {
  expect(joinVectors([])).toEqual(new Float32Array());
});
