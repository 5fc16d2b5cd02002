import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Batcher } from "#lib/model/inference/batcher.ts";

const limits = { batchPhotosMax: 3, batchWaitMsMax: 10 };

describe("a batcher", () => {
  test("has nothing to do when nothing is queued", () => {
    expect(new Batcher(limits).next(0)).toEqual({ kind: "empty" });
  });

  test("gives a full batch at once", () => {
    expect(filled("a", "b", "c", "d").next(0)).toEqual({ kind: "batch", items: ["a", "b", "c"] });
  });

  test("waits for a fuller batch, but only as long as its oldest item may", () => {
    const batcher = filled("a");
    batcher.add("b", 6);
    expect(batcher.next(7)).toEqual({ kind: "wait", waitMs: 3 });
    expect(batcher.next(10)).toEqual({ kind: "batch", items: ["a", "b"] });
  });

  test("never waits when the limit is zero", () => {
    const batcher = new Batcher<string>({ batchPhotosMax: 3, batchWaitMsMax: 0 });
    batcher.add("a", 5);
    expect(batcher.next(5)).toEqual({ kind: "batch", items: ["a"] });
  });

  test("forgets an item that is taken back", () => {
    const batcher = filled("a", "b");
    batcher.remove("a");
    expect(batcher.next(10)).toEqual({ kind: "batch", items: ["b"] });
  });

  test("drains everything that waits", () => {
    const batcher = filled("a", "b", "c", "d");
    expect(batcher.drain()).toEqual(["a", "b", "c", "d"]);
    expect(batcher.next(100)).toEqual({ kind: "empty" });
  });

  test("over any history gives each item once, in order, in batches within the bound, and none too late", () => {
    const step = fc.oneof(fc.constantFrom("add" as const, "ask" as const), fc.integer({ min: 0, max: 12 }));
    const bounds = fc.record({
      batchPhotosMax: fc.integer({ min: 1, max: 5 }),
      batchWaitMsMax: fc.integer({ min: 0, max: 20 }),
    });
    fc.assert(
      fc.property(bounds, fc.array(step, { maxLength: 60 }), ({ batchPhotosMax, batchWaitMsMax }, steps) => {
        const batcher = new Batcher<{ addedAtMs: number }>({ batchPhotosMax, batchWaitMsMax });
        const added: { addedAtMs: number }[] = [];
        const taken: { addedAtMs: number }[] = [];
        let nowMs = 0;
        const ask = () => {
          const waiting = added.slice(taken.length);
          const next = batcher.next(nowMs);
          if (next.kind === "batch") {
            expect(next.items.length).toBe(Math.min(waiting.length, batchPhotosMax));
            taken.push(...next.items);
          } else if (next.kind === "wait") {
            expect(waiting.length).toBeLessThan(batchPhotosMax);
            expect(next.waitMs).toBe(waiting[0]!.addedAtMs + batchWaitMsMax - nowMs);
            expect(next.waitMs).toBeGreaterThan(0);
          } else {
            expect(waiting).toEqual([]);
          }
        };
        for (const step of steps) {
          if (step === "ask") ask();
          else if (step === "add") {
            added.push({ addedAtMs: nowMs });
            batcher.add(added.at(-1)!, nowMs);
          } else nowMs += step;
        }
        expect([...taken, ...batcher.drain()]).toEqual(added);
      }),
    );
  });
});

function filled(...items: string[]): Batcher<string> {
  const batcher = new Batcher<string>(limits);
  for (const item of items) batcher.add(item, 0);
  return batcher;
}
