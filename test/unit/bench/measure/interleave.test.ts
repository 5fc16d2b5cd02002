import { expect, test } from "vitest";
import { interleave } from "#bench/measure/interleave.ts";

test("every side is measured once a round, every second round backwards", async () => {
  const order: string[] = [];
  const side = (name: string) => async () => order.push(name);
  const results = await interleave(3, { a: side("a"), b: side("b") }, () => undefined);
  expect(order).toEqual(["a", "b", "b", "a", "a", "b"]);
  expect(results).toEqual({ a: [1, 4, 5], b: [2, 3, 6] });
});

test("a side that fails ends the comparison with its own error", async () => {
  const sides = { works: async () => 1, fails: () => Promise.reject(new Error("the broker is gone")) };
  await expect(interleave(2, sides, () => undefined)).rejects.toThrow("the broker is gone");
});
