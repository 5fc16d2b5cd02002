import { expect, test } from "vitest";
import { syntheticVectors } from "#bench/reducer/synthetic-vectors.ts";

test("vectors are the same in every run, rectified, and spread", () => {
  const values = syntheticVectors(200, 64);
  expect(Buffer.compare(bytesOf(values), bytesOf(syntheticVectors(200, 64)))).toBe(0);
  expect(values).toHaveLength(200 * 64);
  const zeros = values.filter((value) => value === 0).length / values.length;
  expect(zeros).toBeGreaterThan(0.3);
  expect(zeros).toBeLessThan(0.7);
  expect(values.every((value) => value >= 0 && value < 10)).toBe(true);
});

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
