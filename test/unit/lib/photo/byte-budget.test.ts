import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteBudget } from "#lib/photo/byte-budget.ts";

test("work waits until it fits, first come, first served, and gives back when it fails", async () => {
  const budget = new ByteBudget(100);
  const events: string[] = [];
  const gates = [60, 60, 10].map((bytes, index) => {
    const gate = Promise.withResolvers<void>();
    const done = budget.with(bytes, () => {
      events.push(`start ${index}`);
      return gate.promise;
    });
    return { ...gate, done: done.catch(() => events.push(`failed ${index}`)) };
  });
  await Promise.resolve();
  // The last would fit beside the first, but does not pass the second by.
  expect(events).toEqual(["start 0"]);
  gates[0]!.reject(new Error("broken"));
  await gates[0]!.done;
  expect(events.sort()).toEqual(["failed 0", "start 0", "start 1", "start 2"]);
  expect(budget.takenBytes).toBe(70);
  for (const gate of gates.slice(1)) gate.resolve();
  await Promise.all(gates.map(({ done }) => done));
  expect(budget.takenBytes).toBe(0);
});

test("whatever is asked for, no more is taken than there is, and all work is done", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(150), { maxLength: 30 }), async (sizes) => {
      const budget = new ByteBudget(100);
      let most = 0;
      const results = sizes.map((bytes, index) =>
        budget.with(bytes, async () => {
          most = Math.max(most, budget.takenBytes);
          await Promise.resolve();
          return index;
        }),
      );
      expect(await Promise.all(results)).toEqual(sizes.map((_, index) => index));
      expect(most).toBeLessThanOrEqual(100);
    }),
  );
});
