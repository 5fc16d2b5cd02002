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
    const step = fc.oneof(
      fc.record({ kind: fc.constant("add" as const) }),
      fc.record({ kind: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 12 }) }),
      fc.record({ kind: fc.constant("ask" as const) }),
    );
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
        for (const { kind, ...rest } of steps) {
          if (kind === "pass") nowMs += "ms" in rest ? rest.ms : 0;
          if (kind === "add") {
            const item = { addedAtMs: nowMs };
            added.push(item);
            batcher.add(item, nowMs);
          }
          if (kind !== "ask") continue;
          const next = batcher.next(nowMs);
          const waiting = added.length - taken.length;
          const oldest = added[taken.length];
          if (next.kind === "batch") {
            expect(next.items.length).toBe(Math.min(waiting, batchPhotosMax));
            taken.push(...next.items);
          } else if (next.kind === "wait") {
            expect(waiting).toBeLessThan(batchPhotosMax);
            expect(next.waitMs).toBe(oldest!.addedAtMs + batchWaitMsMax - nowMs);
            expect(next.waitMs).toBeGreaterThan(0);
          } else {
            expect(waiting).toBe(0);
          }
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
