import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { splitStratified, trainingPart } from "#analysis/classify/learning/stratified-split.ts";

const labels = fc.array(fc.constantFrom("apple", "banana", "cherry", "date"), { minLength: 1, maxLength: 80 });
const shares = fc.double({ min: 0.05, max: 0.95, noNaN: true });

describe("a split", () => {
  it("has each row in one part, and the wanted share of each class to train on", () => {
    fc.assert(
      fc.property(labels, shares, fc.nat(), (rows, share, seed) => {
        const split = splitStratified(rows, share, seed);
        const all = [...trainingPart(split), ...split.test];
        expect(all.sort((a, b) => a - b)).toEqual([...rows.keys()]);
        for (const [label, indices] of Map.groupBy(rows.keys(), (index) => rows[index]!)) {
          const trained = split.trainByClass.get(label)!;
          expect(trained.every((index) => rows[index] === label)).toBe(true);
          expect(Math.abs(trained.length - share * indices.length)).toBeLessThanOrEqual(1);
          expect(trained.length).toBeGreaterThan(0);
          if (indices.length > 1) expect(trained.length).toBeLessThan(indices.length);
        }
      }),
    );
  });

  it("divides a class in the same way whatever the others are", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(), (count, seed) => {
        const alone = splitStratified(new Array(count).fill("apple"), 0.7, seed);
        const among = splitStratified([...new Array(count).fill("apple"), "banana", "banana"], 0.7, seed);
        expect(among.trainByClass.get("apple")).toEqual(alone.trainByClass.get("apple"));
      }),
    );
  });

  it("is another for another seed, and the same for the same", () => {
    const rows = new Array<string>(50).fill("apple");
    expect(splitStratified(rows, 0.7, 20)).toEqual(splitStratified(rows, 0.7, 20));
    expect(splitStratified(rows, 0.7, 21).test).not.toEqual(splitStratified(rows, 0.7, 20).test);
  });
});

describe("a part of the training rows", () => {
  it("contains every smaller one, and has rows of each class", () => {
    fc.assert(
      fc.property(labels, fc.tuple(shares, shares), fc.nat(), (rows, [one, other], seed) => {
        const split = splitStratified(rows, 0.7, seed);
        const smaller = trainingPart(split, Math.min(one, other));
        const larger = new Set(trainingPart(split, Math.max(one, other)));
        expect(smaller.filter((index) => !larger.has(index))).toEqual([]);
        expect(new Set(smaller.map((index) => rows[index]))).toEqual(new Set(rows));
      }),
    );
  });
});
