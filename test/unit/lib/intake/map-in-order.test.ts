import { expect, it } from "vitest";
import { mapInOrder } from "#lib/intake/map-in-order.ts";

async function* numbers(count: number) {
  for (let index = 0; index < count; index += 1) yield index;
}

it("gives results in the order of the items, whatever ends first, and works on a bounded number", async () => {
  const full = Promise.withResolvers<void>();
  let working = 0;
  let workingMax = 0;
  const results: number[] = [];
  const work = async (item: number) => {
    workingMax = Math.max(workingMax, ++working);
    if (working === 5) full.resolve();
    await full.promise;
    for (let turn = item % 7; turn > 0; turn -= 1) await Promise.resolve();
    working -= 1;
    return item;
  };
  for await (const result of mapInOrder(numbers(100), 5, work)) results.push(result);
  expect(results).toEqual(Array.from({ length: 100 }, (_, index) => index));
  expect(workingMax).toBe(5);
});

it("fails with the first failure in the items' order, after the results before it", async () => {
  const results: number[] = [];
  const work = async (item: number) => {
    if (item >= 3) throw new Error(`item ${item}`);
    return item;
  };
  const read = async () => {
    for await (const result of mapInOrder(numbers(10), 4, work)) results.push(result);
  };
  await expect(read()).rejects.toThrow("item 3");
  expect(results).toEqual([0, 1, 2]);
});
