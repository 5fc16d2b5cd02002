import fc from "fast-check";
import { expect, test } from "vitest";
import { PartitionLane } from "#services/featurizer/partition-lane.ts";

const never = () => {
  throw new Error("the lane failed");
};

test("whatever the order in which work finishes, it is published in the order of offsets, once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 1, max: 7 }),
      async (scheduler, count, publishRecordsMax) => {
        const published: number[] = [];
        let largestCall = 0;
        const lane = new PartitionLane<number>({
          publishRecordsMax,
          onFailure: never,
          publish: (outcomes) =>
            scheduler.schedule(Promise.resolve(), "publish").then(() => {
              published.push(...outcomes);
              largestCall = Math.max(largestCall, outcomes.length);
              // What may be committed is only what was published before.
              expect(lane.nextOffset ?? 100).toBeLessThanOrEqual(100 + published.length - outcomes.length);
            }),
        });
        for (let index = 0; index < count; index++) {
          lane.submit(100 + index, scheduler.schedule(Promise.resolve(index), `photo ${index}`));
        }
        await scheduler.waitFor(lane.idle());

        expect(published).toEqual(Array.from({ length: count }, (_, index) => index));
        expect(largestCall).toBeLessThanOrEqual(publishRecordsMax);
        expect(lane.nextOffset).toBe(100 + count);
      },
    ),
  );
});

test("an abandoned lane publishes a prefix and nothing after", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 20 }), async (scheduler, count) => {
      const published: number[] = [];
      let publishedAtAbandon: number | undefined;
      const lane = new PartitionLane<number>({
        publishRecordsMax: 4,
        onFailure: never,
        publish: async (outcomes, signal) => {
          expect(signal.aborted).toBe(false);
          published.push(...outcomes);
        },
      });
      for (let index = 0; index < count; index++) {
        lane.submit(index, scheduler.schedule(Promise.resolve(index), `photo ${index}`));
      }
      scheduler.schedule(Promise.resolve(), "rebalance").then(() => {
        lane.abandon();
        publishedAtAbandon = published.length;
      });
      await scheduler.waitFor(lane.idle());
      await scheduler.waitIdle();

      expect(published).toEqual(Array.from({ length: published.length }, (_, index) => index));
      expect(published).toHaveLength(publishedAtAbandon!);
    }),
  );
});

test("work that fails stops the lane there and is reported once, even when later work has finished", async () => {
  const failures: unknown[] = [];
  const published: string[] = [];
  const lane = new PartitionLane<string>({
    publishRecordsMax: 10,
    onFailure: (error) => failures.push(error),
    publish: async (outcomes) => {
      published.push(...outcomes);
    },
  });
  const { promise: second, reject: failSecond } = Promise.withResolvers<string>();
  lane.submit(0, Promise.resolve("first"));
  lane.submit(1, second);
  lane.submit(2, Promise.resolve("third"));
  const boom = new Error("boom");
  failSecond(boom);
  await lane.idle();

  expect(failures).toEqual([boom]);
  expect(published).not.toContain("third");
});

test("a publication that fails moves no offset", async () => {
  const failures: unknown[] = [];
  const lane = new PartitionLane<string>({
    publishRecordsMax: 10,
    onFailure: (error) => failures.push(error),
    publish: () => Promise.reject(new Error("refused")),
  });
  lane.submit(7, Promise.resolve("photo"));
  await lane.idle();
  expect(failures).toHaveLength(1);
  expect(lane.nextOffset).toBeUndefined();
});
