import fc from "fast-check";
import { expect, test } from "vitest";
import { WorkSlices } from "#lib/pca/work-slices.ts";

test("every row is done once, in order, whatever a row costs", async () => {
  const cost = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1_000_000, max: 100_000_000 }));
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 50 }), cost, async (rowCount, multiplyAddsPerRow) => {
      const done: number[] = [];
      await new WorkSlices().overRows(rowCount, multiplyAddsPerRow, (first, end) => {
        for (let row = first; row < end; row++) done.push(row);
      });
      expect(done).toEqual(Array.from({ length: rowCount }, (_, row) => row));
    }),
  );
});

test("the event loop turns after a slice of work, and not after a little", async () => {
  const slices = new WorkSlices();
  let turns = 0;
  const turn = () => turns++;

  setImmediate(turn);
  await slices.did(1000);
  expect(turns).toBe(0);

  await slices.did(1e9);
  expect(turns).toBe(1);
});

test("work adds up to a slice over several pieces", async () => {
  const slices = new WorkSlices();
  let turned = false;
  setImmediate(() => {
    turned = true;
  });

  let pieces = 0;
  while (!turned && pieces < 1000) {
    await slices.did(1e6);
    pieces++;
  }

  expect(pieces).toBeGreaterThan(1);
  expect(turned).toBe(true);
});
