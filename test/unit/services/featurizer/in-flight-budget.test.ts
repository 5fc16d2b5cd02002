import fc from "fast-check";
import { expect, test } from "vitest";
import { InFlightBudget } from "../../../../services/featurizer/in-flight-budget.ts";

test("no schedule of arrivals and releases passes the bounds, overtakes or strands a photo", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 150 }), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 5 }),
      async (sizes, photosMax) => {
        const bytesMax = 100;
        const budget = new InFlightBudget({ photosMax, bytesMax });
        const admitted: number[] = [];
        const inFlight: number[] = [];
        const arrivals = sizes.map(async (bytes, index) => {
          await budget.acquire(bytes);
          admitted.push(index);
          inFlight.push(bytes);
          expect(inFlight.length).toBeLessThanOrEqual(photosMax);
          if (inFlight.length > 1) expect(inFlight.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(bytesMax);
        });
        while (admitted.length < sizes.length || inFlight.length > 0) {
          await new Promise(setImmediate);
          expect(inFlight.length, "a photo waits while nothing is in flight").toBeGreaterThan(0);
          budget.release(inFlight.shift()!);
        }
        await Promise.all(arrivals);
        expect(admitted).toEqual(sizes.map((_, index) => index));
        expect(budget.bytes).toBe(0);
      },
    ),
  );
});

test("a dissolved budget lets everyone go who waits", async () => {
  const budget = new InFlightBudget({ photosMax: 1, bytesMax: 10 });
  await budget.acquire(5);
  const waiting = Promise.all([budget.acquire(5), budget.acquire(50)]);
  budget.dissolve();
  await expect(waiting).resolves.toBeDefined();
});
