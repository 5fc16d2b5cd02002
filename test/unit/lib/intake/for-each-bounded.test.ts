import { describe, expect, it } from "vitest";
import { forEachBounded } from "#lib/intake/for-each-bounded.ts";

const noSignal = new AbortController().signal;

async function* numbers(count: number, onPulled: (index: number) => void = () => {}) {
  for (let index = 0; index < count; index++) {
    onPulled(index);
    yield index;
  }
}

describe("forEachBounded", () => {
  it("starts in order and keeps its bound", async () => {
    const started: number[] = [];
    let underWay = 0;
    let underWayMax = 0;
    await forEachBounded(numbers(100), 7, noSignal, async (item) => {
      started.push(item);
      underWay += 1;
      underWayMax = Math.max(underWayMax, underWay);
      await new Promise(setImmediate);
      underWay -= 1;
    });
    expect(started).toEqual(Array.from({ length: 100 }, (_, index) => index));
    expect(underWayMax).toBe(7);
  });

  it("asks the source for no more than it can start", async () => {
    let pulled = 0;
    const gate = Promise.withResolvers<void>();
    const done = forEachBounded(
      numbers(100, () => {
        pulled += 1;
      }),
      3,
      noSignal,
      () => gate.promise,
    );
    await new Promise(setImmediate);
    expect(pulled).toBe(3);
    gate.resolve();
    await done;
    expect(pulled).toBe(100);
  });

  it("fails with the first failure after what was under way has ended, and starts nothing more", async () => {
    const started: number[] = [];
    let ended = 0;
    const done = forEachBounded(numbers(100), 3, noSignal, async (item) => {
      started.push(item);
      if (item === 1) throw new Error("item 1 fails");
      await new Promise(setImmediate);
      ended += 1;
    });
    await expect(done).rejects.toThrow("item 1 fails");
    expect(started.length).toBeLessThanOrEqual(3);
    expect(ended).toBe(started.length - 1);
  });

  it("fails with the source's failure", async () => {
    const source = numbers(10, (index) => {
      if (index === 5) throw new Error("the listing broke off");
    });
    let ended = 0;
    const done = forEachBounded(source, 3, noSignal, async () => {
      await new Promise(setImmediate);
      ended += 1;
    });
    await expect(done).rejects.toThrow("the listing broke off");
    expect(ended).toBe(5);
  });

  it("stops on the signal, with its reason", async () => {
    const interruption = new AbortController();
    const started: number[] = [];
    const done = forEachBounded(numbers(100), 3, interruption.signal, async (item) => {
      started.push(item);
      if (item === 4) interruption.abort(new Error("interrupted"));
    });
    await expect(done).rejects.toThrow("interrupted");
    expect(started).toEqual([0, 1, 2, 3, 4]);
  });
});
