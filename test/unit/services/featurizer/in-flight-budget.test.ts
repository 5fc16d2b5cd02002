import fc from "fast-check";
import { expect, test } from "vitest";
import { InFlightBudget } from "#services/featurizer/in-flight-budget.ts";

const photo = fc.record({ partition: fc.integer({ min: 0, max: 2 }), bytes: fc.integer({ min: 0, max: 150 }) });

test("no schedule of arrivals and releases passes the bounds, strands a photo or overtakes in a partition", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(photo, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 5 }),
      async (photos, photosMax) => {
        const bytesMax = 100;
        const budget = new InFlightBudget({ photosMax, bytesMax });
        const shares = [budget.share(), budget.share(), budget.share()];
        const admitted: number[] = [];
        const inFlight: (typeof photos)[number][] = [];
        const arrivals = photos.map(async ({ partition, bytes }, index) => {
          await shares[partition]!.acquire(bytes);
          admitted.push(index);
          inFlight.push({ partition, bytes });
          expect(inFlight.length).toBeLessThanOrEqual(photosMax);
          const bytesInFlight = inFlight.reduce((sum, { bytes: size }) => sum + size, 0);
          if (inFlight.length > 1) expect(bytesInFlight).toBeLessThanOrEqual(bytesMax);
        });
        while (admitted.length < photos.length || inFlight.length > 0) {
          await new Promise(setImmediate);
          expect(inFlight.length, "a photo waits while nothing is in flight").toBeGreaterThan(0);
          const { partition, bytes } = inFlight.shift()!;
          shares[partition]!.release(bytes);
        }
        await Promise.all(arrivals);
        for (const partition of [0, 1, 2]) {
          const ofPartition = admitted.filter((index) => photos[index]!.partition === partition);
          expect(ofPartition).toEqual(ofPartition.toSorted((a, b) => a - b));
        }
        expect(budget.bytes).toBe(0);
      },
    ),
  );
});

test("however much waits for partitions that stand still, another one is worked on", async () => {
  const budget = new InFlightBudget({ photosMax: 96, bytesMax: 1_000_000 });
  const admittedOf = [0, 0, 0];
  for (const partition of [0, 1]) {
    const share = budget.share();
    for (let index = 0; index < 200; index++) {
      void share.acquire(1).then(() => {
        admittedOf[partition]! += 1;
      });
    }
  }
  await new Promise(setImmediate);
  expect(admittedOf[0], "one alone gets half").toBe(48);
  const moving = budget.share();
  for (let index = 0; index < 200; index++) {
    await moving.acquire(1);
    moving.release(1);
  }
  expect(admittedOf[0]! + admittedOf[1]!).toBeLessThan(96);
});

test("a large photo gets its turn, however many small ones arrive meanwhile", async () => {
  const budget = new InFlightBudget({ photosMax: 1_000, bytesMax: 100 });
  const [small, large] = [budget.share(), budget.share()];
  const inFlight: number[] = [];
  const arrive = () => small.acquire(10).then(() => inFlight.push(10));
  for (let index = 0; index < 20; index++) void arrive();
  await new Promise(setImmediate);
  let isAdmitted = false;
  void large.acquire(80).then(() => {
    isAdmitted = true;
  });
  for (let turn = 0; turn < 20 && !isAdmitted; turn++) {
    void arrive();
    small.release(inFlight.shift()!);
    await new Promise(setImmediate);
  }
  expect(isAdmitted).toBe(true);
});

test("a dissolved budget lets everyone go who waits", async () => {
  const budget = new InFlightBudget({ photosMax: 1, bytesMax: 10 });
  const share = budget.share();
  await share.acquire(5);
  const waiting = Promise.all([share.acquire(5), budget.share().acquire(50)]);
  budget.dissolve();
  await expect(waiting).resolves.toBeDefined();
});
