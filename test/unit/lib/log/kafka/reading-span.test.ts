import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReadingSpan } from "#lib/log/kafka/reading-span.ts";

const spanOf = (start: number, end: number) => new ReadingSpan(new Map([[0, start]]), new Map([[0, end]]));
const at = (offset: number) => ({ partition: 0, offset });

describe("a partition is done", () => {
  test("once its last record was handled, and not before", () => {
    const span = spanOf(0, 2);
    span.moveTo(0, 1);
    expect([span.isDone, span.isDue(at(1))]).toEqual([false, true]);
    span.moveTo(0, 2);
    expect([span.isDone, span.isDue(at(1)), span.isDue(at(2))]).toEqual([true, false, false]);
  });

  test("when the first record that comes is past the end: those before it are compacted away", () => {
    const span = spanOf(0, 5);
    expect(span.isDue(at(7))).toBe(false);
    span.moveTo(0, 8);
    expect(span.isDone).toBe(true);
  });

  test("when the rest up to the end is skipped, or more than that", () => {
    for (const next of [5, 9]) {
      const span = spanOf(0, 5);
      span.moveTo(0, 3);
      span.moveTo(0, next);
      expect(span.isDone).toBe(true);
    }
  });

  test("from the beginning when it holds nothing, whatever its offsets", () => {
    expect(spanOf(0, 0).isDone).toBe(true);
    expect(spanOf(9, 9).isDone).toBe(true);
    expect(new ReadingSpan(new Map(), new Map()).isDone).toBe(true);
  });

  test("from the beginning when it is to begin past its end, and reads on at the end then", () => {
    const span = spanOf(Number.MAX_SAFE_INTEGER, 5);
    expect(span.isDone).toBe(true);
    expect([...span.next]).toEqual([[0, 5]]);
  });
});

test("a partition that came later, or is not read, gives nothing and is not waited for", () => {
  const span = spanOf(0, 1);
  expect(span.isDue({ partition: 3, offset: 0 })).toBe(false);
  span.moveTo(3, 10);
  expect([...span.next.keys()]).toEqual([0]);
});

test("whatever is missing, repeated after an interruption or past the end, each record is due once and the end is reached", () => {
  const topic = fc.record({
    present: fc.uniqueArray(fc.nat(19), { maxLength: 20 }).map((offsets) => offsets.toSorted((a, b) => a - b)),
    end: fc.nat(20),
    restarts: fc.array(fc.nat(19), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(topic, ({ present, end, restarts }) => {
      const span = spanOf(0, end);
      const due: number[] = [];
      const read = (from: number, to: number) => {
        for (const offset of present.filter((offset) => offset >= from && offset < to)) {
          if (span.isDue(at(offset))) due.push(offset);
          span.moveTo(0, offset + 1);
        }
        span.moveTo(0, to);
      };
      for (const upTo of restarts) read(0, upTo);
      read(span.next.get(0)!, 20);
      expect(due).toEqual(present.filter((offset) => offset < end));
      expect(span.isDone).toBe(true);
    }),
  );
});
